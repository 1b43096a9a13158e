import type { Batch } from '../../../core/batch.ts';
import type { PassEnd, ReadRequest, Source, SystemAccess, SystemIdentity } from '../../../core/connector.ts';
import { changesWhileRead, type Finding, IdraError, permanent } from '../../../core/errors.ts';
import { scalarText } from '../../../core/offset.ts';
import { requireShape, shapeOf } from '../../../core/relation-shape.ts';
import type { Mode, SourceObject } from '../../../core/sync-spec.ts';
import { OneSystem } from '../../../core/system-identity.ts';
import type { Column, Relation, Scalar } from '../../../core/values.ts';
import { OwnSession } from '../../sql/connection/own-session.ts';
import { serverInteger } from '../../sql/connection/server-integer.ts';
import { countBetween } from '../../sql/source/count-between.ts';
import { fieldToIndex, indexFindings } from '../../sql/source/field-index.ts';
import { type Range, selectRange, whereRange } from '../../sql/source/keyset.ts';
import { mostCompared, tableRemedy } from '../../sql/source/missing-table.ts';
import {
  largest,
  orderColumns,
  type Part,
  type PassBound,
  type RangeReader,
  readPass,
  startAfter,
} from '../../sql/source/read-pass.ts';
import { firstOfIndexes } from '../catalog.ts';
import { hiddenFindings, selectGrant } from '../check.ts';
import { readOnly } from '../connection/read-only.ts';
import type { SqlRow } from '../connection/statements.ts';
import { listTables, unreadableFindings } from '../describe.ts';
import { describeSeen, type Seen } from '../fingerprint.ts';
import { quoteName, resolveName, type TableName } from '../names.ts';
import { Session } from '../session.ts';
import { decoderOf } from '../types/decode.ts';
import { dialect, literalText, selectItem } from '../types/literals.ts';
import { LateRowBound } from './late-row-bound.ts';
import { requireOneSelect } from './one-statement.ts';
import { type RowStatement, readPart, readWhole, ShapeDiffers } from './page-reader.ts';
import { serverTimeZone } from './time-zone.ts';

const path = 'spec.source.table';
/** Maximum number of rows counted for an estimate. */
const countLimit = 1_000_000;
/** Attempts, for an object that keeps changing while a page is read. */
const maxAttempts = 5;
/** Of the first statement: how large rows are is known after it. */
const firstRows = 1_000;

/** Reads one table, view or query. */
export class SqlServerSource implements Source, RangeReader {
  readonly dialect = dialect;
  readonly mostCounted = countLimit;
  readonly #access: SystemAccess;
  readonly #object: SourceObject;
  readonly #bound: LateRowBound;
  readonly #session: OwnSession<Session>;
  readonly #system = new OneSystem();
  #seen: Seen | undefined;
  /** Of the last statement, so that the next one fills a part and no more. */
  #bytesPerRow: number | undefined;

  constructor(access: SystemAccess, object: SourceObject, session: Session) {
    this.#access = access;
    this.#object = object;
    this.#session = new OwnSession(
      access.dataSource,
      (signal) => Session.open(access, 'reader', signal),
      session,
    );
    this.#bound = new LateRowBound({
      session: (signal) => this.#open(signal),
      largest: (field, signal) => largest(this, field, signal),
    });
  }

  async describe(signal: AbortSignal): Promise<Relation> {
    const { relation } = await this.#readShape(signal);
    const session = await this.#open(signal);
    const hidden =
      this.#object.query === undefined ? await hiddenFindings(session, this.#nameIn(session), signal) : [];
    const findings = [...unreadableFindings(relation, path), ...hidden];
    return findings.length === 0 ? relation : { ...relation, findings };
  }

  async check(mode: Mode, signal: AbortSignal): Promise<readonly Finding[]> {
    if (mode === 'Snapshot') return [];
    const { relation } = this.#seen ?? (await this.#readShape(signal));
    const field = mode.endsWith('Id')
      ? relation.columns.find(({ name }) => name === this.#object.idField)
      : undefined;
    return [...(await this.#bound.check(field, signal)), ...(await this.#indexFindings(mode, signal))];
  }

  canServe(): boolean {
    return false;
  }

  read(request: ReadRequest, signal: AbortSignal): AsyncGenerator<Batch, PassEnd> {
    return readPass(this, request, signal);
  }

  async *readRange(range: Range, request: ReadRequest, signal: AbortSignal): AsyncGenerator<Part> {
    await this.#requirePlanned(request.relation, signal);
    if (range.maxRows === undefined) {
      const session = await this.#provenSession(signal);
      const statement = await this.#statement(range, request, signal);
      yield* this.#checked(request, readWhole(session, statement, signal), signal);
      return;
    }
    let { after } = range;
    for (let left = range.maxRows; left > 0; ) {
      const maxRows = Math.min(left, this.#fittingRows(request));
      const { part, isCut } = await this.#readPage({ ...range, after, maxRows }, request, signal);
      if (!part) return;
      this.#bytesPerRow = part.byteCount / part.rowCount;
      yield part;
      if (!isCut && part.rowCount < maxRows) return;
      after = part.lastKey;
      left -= part.rowCount;
    }
  }

  #fittingRows({ limits: { maxRows, maxBytes } }: ReadRequest): number {
    if (this.#bytesPerRow === undefined) return Math.min(maxRows, firstRows);
    return Math.max(1, Math.min(maxRows, Math.floor((maxBytes / Math.max(1, this.#bytesPerRow)) * 0.98)));
  }

  async #readPage(range: Range, request: ReadRequest, signal: AbortSignal) {
    for (let attempt = 1; ; attempt++) {
      const statement = await this.#statement(range, request, signal);
      const session = await this.#provenSession(signal);
      try {
        return await readPart(session, statement, signal);
      } catch (thrown) {
        await this.#requireSame(request.relation, thrown, signal);
        if (!mayBeShape(thrown)) throw thrown;
        // The object is as it was, so an error of the server is about something else.
        if (attempt === maxAttempts) throw ofShape(thrown, request.relation);
      }
    }
  }

  async *#checked(
    request: ReadRequest,
    parts: AsyncGenerator<Part>,
    signal: AbortSignal,
  ): AsyncGenerator<Part> {
    try {
      yield* parts;
    } catch (thrown) {
      await this.#requireSame(request.relation, thrown, signal);
      throw ofShape(thrown, request.relation);
    }
  }

  async #statement(range: Range, request: ReadRequest, signal: AbortSignal): Promise<RowStatement> {
    const seen = this.#seen ?? (await this.#readShape(signal));
    const keys = range.orderBy.map((column) => range.columns.findIndex((each) => each.name === column.name));
    return {
      sql: selectRange(dialect, seen.from, range, request.rowFormat),
      seen,
      columns: range.columns,
      keys,
      limits: request.limits,
      where: request.relation.name,
    };
  }

  async #requirePlanned(planned: Relation, signal: AbortSignal): Promise<void> {
    if (this.#seen && shapeOf(this.#seen.relation) === shapeOf(planned)) return;
    requireShape(planned, (await this.#readShape(signal)).relation);
  }

  /** Call after an error. Throws SchemaChanged if a changed object is, or may be, its cause. */
  async #requireSame(planned: Relation, thrown: unknown, signal: AbortSignal): Promise<void> {
    if (!mayBeShape(thrown)) return;
    await this.#session.current?.guard(() => this.#session.current?.rollBack() ?? Promise.resolve(), signal);
    requireShape(planned, (await this.#readShape(signal)).relation);
  }

  /** Describes the object and remembers how to check that it is unchanged. Throws TableNotFound, QueryInvalid. */
  async #readShape(signal: AbortSignal): Promise<Seen> {
    const session = await this.#open(signal);
    const { table, query } = this.#object;
    const object = query === undefined ? { name: this.#nameIn(session) } : { query };
    const seen = await describeSeen(session, object, path, signal);
    this.#seen = seen;
    if (seen) return seen;
    throw permanent(
      'TableNotFound',
      `${session.where} has no table or view ${table}, or this user may not see it`,
      { path, fix: 'name' in object ? await missingRemedy(session, object.name, signal) : undefined },
    );
  }

  #nameIn({ facts }: Session): TableName {
    return resolveName(this.#object.table ?? '', facts.defaultSchema, path);
  }

  async #indexFindings(mode: Mode, signal: AbortSignal): Promise<Finding[]> {
    const { relation } = this.#seen ?? (await this.#readShape(signal));
    const field = fieldToIndex(mode, this.#object, relation);
    if (field === undefined) return [];
    const session = await this.#open(signal);
    return indexFindings(field, relation, mode, await firstOfIndexes(session, this.#nameIn(session), signal));
  }

  takeBound(request: ReadRequest, field: Column, signal: AbortSignal): Promise<PassBound> {
    return this.#bound.take(request, field, signal);
  }

  async timeZone(signal: AbortSignal): Promise<string> {
    return await serverTimeZone(await this.#open(signal), signal);
  }

  async estimateWaiting(request: ReadRequest, signal: AbortSignal): Promise<number | undefined> {
    const orderBy = orderColumns(request);
    const where = whereRange(dialect, { orderBy, after: startAfter(request), upTo: undefined });
    return await this.count(where, signal);
  }

  readonly countBetween: Required<Source>['countBetween'] = (range, signal) =>
    countBetween(this, range, signal);

  /** Nothing to do: reading does not remove rows from a table. */
  async acknowledge(): Promise<void> {}

  async identity(signal: AbortSignal): Promise<SystemIdentity> {
    return (await this.#open(signal)).facts.identity;
  }

  async #open(signal: AbortSignal): Promise<Session> {
    const session = await this.#session.get(signal);
    this.#system.require(session.facts.identity, `the server of ${this.#access.dataSource}`);
    return session;
  }

  async rest(): Promise<void> {
    await this.#session.rest();
  }

  async close(): Promise<void> {
    await this.#session.close();
  }

  async first(field: Column, tail: string, signal: AbortSignal): Promise<string | undefined> {
    const [[cell] = []] = await this.#ask(
      (from) => `SELECT TOP (1) ${selectItem(field)} FROM ${from} ${tail}`,
      signal,
    );
    if (cell === null || cell === undefined) return undefined;
    const where = this.#seen?.relation.name ?? '';
    return scalarText((decoderOf(field, where)?.(cell) ?? cell) as Scalar);
  }

  async count(where: string, signal: AbortSignal): Promise<number> {
    const [[count] = []] = await this.#ask(
      (from) => `SELECT COUNT(*) FROM (SELECT TOP (${countLimit}) 1 AS one FROM ${from} ${where}) AS counted`,
      signal,
    );
    return Number(count);
  }

  /** From the identity of the table. */
  async largestIssued(field: Column, signal: AbortSignal): Promise<bigint | undefined> {
    if (this.#object.query !== undefined || !field.isIdentity) return undefined;
    const session = await this.#open(signal);
    const name = literalText(quoteName(this.#nameIn(session)));
    const [[last] = []] = await session.query(`SELECT CONVERT(varchar(41), IDENT_CURRENT(${name}))`, signal);
    return last === null || last === undefined ? undefined : serverInteger(last, session.where);
  }

  /** A query beside the pages. If the object has changed, the error says so. */
  async #ask(sqlOf: (from: string) => string, signal: AbortSignal): Promise<readonly SqlRow[]> {
    const { from, relation, isMemoryOptimized = false } = this.#seen ?? (await this.#readShape(signal));
    const session = await this.#provenSession(signal);
    try {
      return await readOnly(session, sqlOf(from), signal, { isMemoryOptimized });
    } catch (thrown) {
      await this.#requireSame(relation, thrown, signal);
      throw thrown;
    }
  }

  /** Each session must prove the text of a query before the text is embedded in other statements. */
  async #provenSession(signal: AbortSignal): Promise<Session> {
    const session = await this.#open(signal);
    if (this.#object.query !== undefined) await requireOneSelect(session, this.#object.query, signal);
    return session;
  }
}

function ofShape(thrown: unknown, { name }: Relation): unknown {
  return thrown instanceof ShapeDiffers ? changesWhileRead(name) : thrown;
}

/** Errors that a changed object may cause. */
function mayBeShape(thrown: unknown): boolean {
  if (thrown instanceof ShapeDiffers) return true;
  return (
    thrown instanceof IdraError && (thrown.disposition === 'permanent' || thrown.code === 'SchemaChanged')
  );
}

async function missingRemedy(session: Session, name: TableName, signal: AbortSignal): Promise<string> {
  const first = { called: name.table, most: mostCompared };
  const known = (await listTables(session, signal, first)).map(({ schema, table }) => [schema, table]);
  return tableRemedy(
    [name.schema, name.table],
    known,
    `correct the name, or ${await selectGrant(session, name, signal)}`,
  );
}
