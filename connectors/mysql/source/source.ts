import type { Batch } from '../../../core/batch.ts';
import type { PassEnd, ReadRequest, Source, SystemAccess, SystemIdentity } from '../../../core/connector.ts';
import { changesWhileRead, type Finding, IdraError, permanent } from '../../../core/errors.ts';
import { requireShape, shapeOf } from '../../../core/relation-shape.ts';
import type { Mode, SourceObject } from '../../../core/sync-spec.ts';
import { OneSystem } from '../../../core/system-identity.ts';
import type { Column, Relation } from '../../../core/values.ts';
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
import { microsOf } from '../../sql/types/time-text.ts';
import { firstOfIndexes } from '../catalog.ts';
import { currentUser } from '../check.ts';
import { readConfig } from '../config.ts';
import { readOnly } from '../connection/read-only.ts';
import type { SqlRow } from '../connection/statements.ts';
import { listTables, text } from '../describe.ts';
import { describeSeen, type Seen } from '../fingerprint.ts';
import { identityOf } from '../identity.ts';
import { quoteName, resolveName, type TableName } from '../names.ts';
import { readerMark, Session } from '../session.ts';
import { decoderOf } from '../types/decode.ts';
import { dialect, literalText, selectItem } from '../types/literals.ts';
import { LateRowBound } from './late-row-bound.ts';
import { requireOneSelect } from './one-statement.ts';
import { readParts, ShapeDiffers } from './page-reader.ts';
import { serverTimeZone } from './time-zone.ts';

const path = 'spec.source.table';
/** Maximum number of rows counted for an estimate. */
const countLimit = 1_000_000;
/** Attempts, for an object that keeps changing while a page is read. */
const maxAttempts = 5;

/** Reads one table, view or query. */
export class MysqlSource implements Source, RangeReader {
  readonly dialect = dialect;
  readonly mostCounted = countLimit;
  readonly #access: SystemAccess;
  readonly #object: SourceObject;
  readonly #bound: LateRowBound;
  readonly #session: OwnSession<Session>;
  readonly #system = new OneSystem();
  #seen: Seen | undefined;

  constructor(access: SystemAccess, object: SourceObject, session: Session) {
    this.#access = access;
    this.#object = object;
    this.#session = new OwnSession(
      access.dataSource,
      (signal) => Session.open(access, 'reader', signal),
      session,
    );
    this.#bound = new LateRowBound(access, {
      largest: (field, signal) => largest(this, field, signal),
      nowMicros: (signal) => this.#nowMicros(signal),
    });
  }

  async describe(signal: AbortSignal): Promise<Relation> {
    return (await this.#readShape(signal)).relation;
  }

  async check(mode: Mode, signal: AbortSignal): Promise<readonly Finding[]> {
    if (mode === 'Snapshot') return [];
    return [...(await this.#bound.check(signal)), ...(await this.#indexFindings(mode, signal))];
  }

  canServe(): boolean {
    return false;
  }

  read(request: ReadRequest, signal: AbortSignal): AsyncGenerator<Batch, PassEnd> {
    return readPass(this, request, signal);
  }

  async *readRange(range: Range, request: ReadRequest, signal: AbortSignal): AsyncGenerator<Part> {
    const keys = range.orderBy.map((column) => range.columns.findIndex((each) => each.name === column.name));
    await this.#requirePlanned(request.relation, signal);
    for (let attempt = 1; ; attempt++) {
      const { from, opening, fingerprint } = this.#seen ?? (await this.#readShape(signal));
      const session = await this.#provenSession(signal);
      const sql = this.#withSettings(session, selectRange(dialect, from, range, request.rowFormat));
      const statement = { sql, opening, fingerprint, columns: range.columns, keys, limits: request.limits };
      try {
        yield* readParts(session, statement, signal);
        return;
      } catch (thrown) {
        await this.#requireSame(request.relation, thrown, signal);
        if (!(thrown instanceof ShapeDiffers)) throw thrown;
        if (attempt === maxAttempts) throw changesWhileRead(request.relation.name);
      }
    }
  }

  async #requirePlanned(planned: Relation, signal: AbortSignal): Promise<void> {
    if (this.#seen && shapeOf(this.#seen.relation) === shapeOf(planned)) return;
    requireShape(planned, (await this.#readShape(signal)).relation);
  }

  /** Call after an error. Throws SchemaChanged if a changed object is, or may be, its cause. */
  async #requireSame(planned: Relation, thrown: unknown, signal: AbortSignal): Promise<void> {
    const isServers = thrown instanceof IdraError && thrown.disposition === 'permanent';
    if (!isServers && !(thrown instanceof ShapeDiffers)) return;
    await this.#session.current?.query(`${readerMark} ROLLBACK`, signal);
    requireShape(planned, (await this.#readShape(signal)).relation);
  }

  /** Describes the object and remembers how to check that it is unchanged. Throws TableNotFound, QueryInvalid. */
  async #readShape(signal: AbortSignal): Promise<Seen> {
    const session = await this.#open(signal);
    const { table, query } = this.#object;
    const { database } = readConfig(this.#access.config);
    const object = query === undefined ? { name: resolveName(table ?? '', database, path) } : { query };
    const seen = await describeSeen(session, object, path, signal);
    this.#seen = seen;
    if (seen) return seen;
    throw permanent(
      'TableNotFound',
      `${session.where} has no table or view ${table}, or this user may not see it`,
      {
        path,
        fix: 'name' in object ? await missingRemedy(session, object.name, database, signal) : undefined,
      },
    );
  }

  async #indexFindings(mode: Mode, signal: AbortSignal): Promise<Finding[]> {
    const { relation } = this.#seen ?? (await this.#readShape(signal));
    const field = fieldToIndex(mode, this.#object, relation);
    if (field === undefined) return [];
    const { database } = readConfig(this.#access.config);
    const { schema, table } = resolveName(this.#object.table ?? '', database, path);
    const session = await this.#session.get(signal);
    return indexFindings(field, relation, mode, await firstOfIndexes(session, { schema, table }, signal));
  }

  takeBound(request: ReadRequest, field: Column, signal: AbortSignal): Promise<PassBound> {
    return this.#bound.take(request, field, signal);
  }

  async timeZone(signal: AbortSignal): Promise<string> {
    return await serverTimeZone(await this.#open(signal), signal);
  }

  async estimateWaiting(request: ReadRequest, signal: AbortSignal): Promise<number | undefined> {
    const orderBy = orderColumns(request);
    return await this.count(
      whereRange(dialect, { orderBy, after: startAfter(request), upTo: undefined }),
      signal,
    );
  }

  readonly countBetween: Required<Source>['countBetween'] = (range, signal) =>
    countBetween(this, range, signal);

  /** Nothing to do: reading does not remove rows from a table. */
  async acknowledge(): Promise<void> {}

  async identity(signal: AbortSignal): Promise<SystemIdentity> {
    const { facts } = await this.#open(signal);
    return identityOf(facts.names, readConfig(this.#access.config).database);
  }

  async #open(signal: AbortSignal): Promise<Session> {
    const session = await this.#session.get(signal);
    this.#system.require(session.facts.names, `the server of ${this.#access.dataSource}`);
    return session;
  }

  async rest(): Promise<void> {
    await this.#session.rest();
  }

  async close(): Promise<void> {
    await Promise.all([this.#session.close(), this.#bound.close()]);
  }

  async #nowMicros(signal: AbortSignal): Promise<number> {
    const session = await this.#open(signal);
    const [[now] = []] = await session.query(`${readerMark} SELECT UTC_TIMESTAMP(6)`, signal);
    return microsOf(String(now));
  }

  async first(field: Column, tail: string, signal: AbortSignal): Promise<string | undefined> {
    const sql = `SELECT ${selectItem(field)} FROM ${await this.#from(signal)} ${tail} LIMIT 1`;
    const [[cell] = []] = await this.#ask(sql, signal);
    if (cell === null || cell === undefined) return undefined;
    if (Buffer.isBuffer(cell)) return cell.toString('hex');
    return String(decoderOf(field.type)?.(cell) ?? cell);
  }

  async count(where: string, signal: AbortSignal): Promise<number> {
    const rows = `SELECT 1 FROM ${await this.#from(signal)} ${where} LIMIT ${countLimit}`;
    const [[count] = []] = await this.#ask(`SELECT COUNT(*) FROM (${rows}) AS counted`, signal);
    return Number(text(count));
  }

  /** From the table's AUTO_INCREMENT. */
  async largestIssued(field: Column, signal: AbortSignal): Promise<bigint | undefined> {
    const { table: named, query } = this.#object;
    if (query !== undefined || !field.isIdentity) return undefined;
    const session = await this.#open(signal);
    const { database } = readConfig(this.#access.config);
    const { schema, table } = resolveName(named ?? '', database, path);
    // Otherwise MySQL returns a cached value that may be a day old.
    if (!session.facts.isMariaDb)
      await session.query('SET SESSION information_schema_stats_expiry = 0', signal);
    const [[next] = []] = await session.query(
      `${readerMark} SELECT AUTO_INCREMENT FROM information_schema.TABLES
       WHERE TABLE_SCHEMA = ${literalText(schema)} AND TABLE_NAME = ${literalText(table)}`,
      signal,
    );
    return next === null || next === undefined ? undefined : serverInteger(next, session.where) - 1n;
  }

  /** A function that a view or query calls may have changed the settings, also while the shape was read. */
  #withSettings(session: Session, sql: string): string {
    const settings = this.#seen?.relation.isOpaque ? session.setUp.again : [];
    return [...settings, sql].map((each) => `${readerMark} ${each}`).join('; ');
  }

  /** A query beside the pages. If the object has changed, the error says so. */
  async #ask(sql: string, signal: AbortSignal): Promise<readonly SqlRow[]> {
    const before = this.#seen?.relation;
    const session = await this.#provenSession(signal);
    try {
      return await readOnly(session, this.#withSettings(session, sql), signal);
    } catch (thrown) {
      if (before) await this.#requireSame(before, thrown, signal);
      throw thrown;
    }
  }

  /** Each session must prove the text of a query before the text is embedded in other statements. */
  async #provenSession(signal: AbortSignal): Promise<Session> {
    const session = await this.#open(signal);
    if (this.#object.query !== undefined) await requireOneSelect(session, this.#object.query, signal);
    return session;
  }

  async #from(signal: AbortSignal): Promise<string> {
    return (this.#seen ?? (await this.#readShape(signal))).from;
  }
}

async function missingRemedy(
  session: Session,
  name: TableName,
  database: string,
  signal: AbortSignal,
): Promise<string> {
  const first = { called: name.table, most: mostCompared };
  const known = (await listTables(session, database, signal, first)).map(({ schema, table }) => [
    schema,
    table,
  ]);
  return tableRemedy(
    [name.schema, name.table],
    known,
    `correct the name, or GRANT SELECT ON ${quoteName(name)} TO ${await currentUser(session, signal)}`,
  );
}
