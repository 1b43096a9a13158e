import type { Document } from 'mongodb';
import type { Batch, RawRequest } from '../../../core/batch.ts';
import { systemClock } from '../../../core/clock.ts';
import type { ReadColumn } from '../../../core/column-plan.ts';
import type {
  CountRequest,
  PassEnd,
  ReadRequest,
  Source,
  SystemAccess,
  SystemIdentity,
} from '../../../core/connector.ts';
import { type Finding, permanent, schemaChanged } from '../../../core/errors.ts';
import { valueAtPath } from '../../../core/records/node.ts';
import { requireShape } from '../../../core/relation-shape.ts';
import type { RowCount } from '../../../core/row-count.ts';
import type { Mode, SourceObject } from '../../../core/sync-spec.ts';
import { OneSystem } from '../../../core/system-identity.ts';
import type { ColumnType, Relation } from '../../../core/values.ts';
import { OwnSession } from '../../sql/connection/own-session.ts';
import { readFindings } from '../check.ts';
import { readerName } from '../connection/open.ts';
import {
  type CollectionInfo,
  estimatedRows,
  findCollection,
  inferColumns,
  listIndexes,
  readRaw,
  requireFound,
} from '../describe.ts';
import { requireCollection } from '../names.ts';
import { Session } from '../session.ts';
import { bsonAccess } from '../types/decode.ts';
import { type BsonValue, documentValue, fieldOf as fieldIn } from '../types/format.ts';
import { servesWhole } from '../types/row-formats.ts';
import { ChangeStream, isTokenAhead } from './change-stream.ts';
import { CollectionReader, countRange, countWaiting } from './collection-reader.ts';
import { readFilter } from './filter.ts';
import { LateRowBound } from './late-row-bound.ts';
import { readPass } from './range-pass.ts';
import { fieldType, idName, relationOf, wholeRelation } from './relation.ts';

const path = 'spec.source.collection';

/** Reads one collection, over one connection. */
export class MongodbSource implements Source {
  readonly #object: SourceObject;
  readonly #collection: string;
  readonly #filter: Document | undefined;
  readonly #session: OwnSession<Session>;
  readonly #bound = new LateRowBound(systemClock);
  readonly #system = new OneSystem();
  readonly #dataSource: string;
  #relation: Relation | undefined;
  /** Changes that are made while everything is read first are read with it, and again from the log. */
  guarantee: 'AtLeastOnce' | undefined;

  constructor(access: SystemAccess, object: SourceObject) {
    this.#object = object;
    this.#collection = requireCollection(object.collection ?? '', path);
    this.#filter = readFilter(object.filter);
    this.#dataSource = access.dataSource;
    this.#session = new OwnSession(access.dataSource, (signal) => Session.open(access, readerName, signal));
  }

  async identity(signal: AbortSignal): Promise<SystemIdentity> {
    return (await this.#open(signal)).identity;
  }

  async describe(signal: AbortSignal): Promise<Relation> {
    const session = await this.#open(signal);
    const collection = await requireFound(session, this.#collection, path, signal);
    const indexes =
      collection.kind === 'collection' ? await listIndexes(session, collection.name, signal) : [];
    const rows = this.#filter ? undefined : await estimatedRows(session, collection, signal);
    this.#relation = this.#object.isWhole
      ? wholeRelation(collection, await this.#orderTypes(session, signal), indexes, rows)
      : relationOf(collection, await this.#columns(session, collection, signal), indexes, rows);
    return this.#relation;
  }

  async #columns(session: Session, collection: CollectionInfo, signal: AbortSignal) {
    const { columns, sample } = this.#object;
    return columns ?? (await inferColumns(session, { collection, filter: this.#filter, sample }, signal));
  }

  /** Types of the fields that a whole document is ordered by, from the document with the largest value. */
  async #orderTypes(session: Session, signal: AbortSignal): Promise<ReadonlyMap<string, ColumnType>> {
    const { idField, timestampField } = this.#object;
    const types = new Map<string, ColumnType>();
    for (const name of [idField, timestampField].filter((each) => each !== undefined)) {
      const query = { filter: this.#filter ?? {}, sort: { [name]: -1 }, limit: 1, projection: { [name]: 1 } };
      const [largest] = await readRaw(session, this.#collection, query, signal);
      const value = largest && valueAtPath(bsonAccess, documentValue(largest), name.split('.'));
      types.set(name, fieldType(value, name === timestampField));
    }
    return types;
  }

  async check(mode: Mode, signal: AbortSignal): Promise<readonly Finding[]> {
    const session = await this.#open(signal);
    const { idField, timestampField, startFrom } = this.#object;
    this.guarantee = mode === 'Stream' && startFrom !== 'Now' ? 'AtLeastOnce' : undefined;
    const field = mode.endsWith('Timestamp') ? timestampField : mode.endsWith('Id') ? idField : undefined;
    return await readFindings(
      session,
      { mode, collection: this.#collection, field, relation: this.#relation },
      signal,
    );
  }

  canServe(request: RawRequest, columns: readonly ReadColumn[]): boolean {
    return servesWhole(request, columns);
  }

  async *read(request: ReadRequest, signal: AbortSignal): AsyncGenerator<Batch, PassEnd> {
    if (this.#relation && this.#relation !== request.relation) requireShape(request.relation, this.#relation);
    const session = await this.#open(signal);
    await this.#requireSame(session, request.relation, signal);
    const reader = new CollectionReader(session, {
      collection: this.#collection,
      filter: this.#filter,
      request,
      bound: this.#bound,
    });
    if (request.mode !== 'Stream') return yield* readPass(reader, request, signal);
    this.#requireUnfiltered();
    if (request.rowFormat.format === 'values') this.#requireIdKey(request);
    const startsNow = this.#object.startFrom === 'Now';
    return yield* new ChangeStream(session, reader, {
      request,
      collection: this.#collection,
      startsNow,
    }).read(signal);
  }

  readonly isAhead = isTokenAhead;

  /** A document that no longer matches would stay at the destination. */
  #requireUnfiltered(): void {
    if (!this.#filter) return;
    throw permanent(
      'QueryInvalid',
      'mode Stream reads all documents of a collection, and source.filter is set',
      {
        path: 'spec.source.filter',
        fix: 'remove source.filter, or use mode Snapshot, Id or Timestamp',
      },
    );
  }

  /** Events of deletions name documents by `_id` alone. */
  #requireIdKey({ relation, wantsDeletions }: ReadRequest): void {
    const key = relation.recordColumns?.find((each) => each.path === idName)?.name;
    if (!wantsDeletions || (key !== undefined && relation.keys[0]?.columns.join() === key)) return;
    throw permanent(
      'DeleteKeyDiffers',
      `changes of ${relation.name} name deleted documents by ${idName}, which is not the key of the rows`,
      {
        path: 'spec.source.columns',
        fix: `give source.columns one column with the path ${idName}, or set deletes to Ignore`,
      },
    );
  }

  /** The collection of the plan: another one of its name would be read from a position of the first. */
  async #requireSame(session: Session, planned: Relation, signal: AbortSignal): Promise<void> {
    const now = await findCollection(session, this.#collection, signal);
    if (!now) throw schemaChanged(planned.name, { what: 'it no longer exists' });
    if (now.identity !== planned.identity)
      throw schemaChanged(planned.name, { what: 'it is another collection of the same name' });
  }

  async timeZone(): Promise<string> {
    return 'UTC';
  }

  async estimateWaiting(request: ReadRequest, signal: AbortSignal): Promise<number | undefined> {
    if (request.mode === 'Stream') return undefined;
    const session = await this.#open(signal);
    const options = { collection: this.#collection, filter: this.#filter, request, bound: this.#bound };
    return await countWaiting(
      session,
      new CollectionReader(session, options),
      this.#collection,
      this.#filter,
      request,
      signal,
    );
  }

  /** Not of a change stream: its log has no number of changes. */
  async countBetween({ request, upTo }: CountRequest, signal: AbortSignal): Promise<RowCount | undefined> {
    if (request.mode === 'Stream') return undefined;
    const session = await this.#open(signal);
    const options = { collection: this.#collection, filter: this.#filter, request, bound: this.#bound };
    const reader = new CollectionReader(session, options);
    // Says whether the field holds ObjectIds.
    await reader.largest(signal);
    return await countRange(session, reader, options, upTo, signal);
  }

  /** Nothing to do: reading removes nothing, and the log of a replica set does not wait for its readers. */
  async acknowledge(): Promise<void> {}

  async rest(): Promise<void> {
    await this.#session.rest();
  }

  async close(): Promise<void> {
    await this.#session.close();
  }

  async #open(signal: AbortSignal): Promise<Session> {
    const session = await this.#session.get(signal);
    this.#system.require(session.identity, `the server of ${this.#dataSource}`);
    return session;
  }
}

/** The `_id` of a document. */
export function idOf(document: BsonValue): BsonValue | undefined {
  return fieldIn(document, idName);
}
