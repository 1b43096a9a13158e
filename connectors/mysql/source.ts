import type { Batch } from '../../core/batch.ts';
import type { PassEnd, ReadRequest, Source, SystemAccess } from '../../core/connector.ts';
import { type Finding, permanent } from '../../core/errors.ts';
import type { Mode, SourceObject } from '../../core/sync-spec.ts';
import type { Column, Relation } from '../../core/values.ts';
import { type Range, selectRange, whereRange } from '../sql/keyset.ts';
import { splitName } from '../sql/names.ts';
import {
  largest,
  orderColumns,
  type Part,
  type PassBound,
  type RangeReader,
  readPass,
  startAfter,
} from '../sql/read-pass.ts';
import { decoderOf } from './decode.ts';
import { describeQuery, describeTable, fromQuery, quoteName, resolveName, text } from './describe.ts';
import { LateRowBound } from './late-row-bound.ts';
import { dialect, selectItem } from './literals.ts';
import { readParts } from './row-reader.ts';
import { readConfig } from './schema.ts';
import { readerMark, Session } from './session.ts';
import { microsOf } from './wall-time.ts';

const path = 'spec.source.table';
/** Counted at most, for an estimate. */
const countLimit = 1_000_000;

/** Reads one table, view or query. */
export class MysqlSource implements Source, RangeReader {
  readonly dialect = dialect;
  readonly #access: SystemAccess;
  readonly #object: SourceObject;
  readonly #bound: LateRowBound;
  #session: Session | undefined;
  #from: string | undefined;

  constructor(access: SystemAccess, object: SourceObject, session: Session) {
    this.#access = access;
    this.#object = object;
    this.#session = session;
    this.#bound = new LateRowBound(access, {
      largest: (field, signal) => largest(this, field, signal),
      nowMicros: (signal) => this.#nowMicros(signal),
    });
  }

  async describe(signal: AbortSignal): Promise<Relation> {
    const session = await this.#open(signal);
    const { table, query } = this.#object;
    if (query !== undefined) return await describeQuery(session, query, signal);
    const name = resolveName(splitName(table ?? '', path), readConfig(this.#access.config).database, path);
    const entry = await describeTable(session, name, path, signal);
    if (!entry) {
      throw permanent(
        'TableNotFound',
        `${session.where} has no table or view ${table}, or this user may not see it`,
        {
          path,
          mend: `correct the name, or GRANT SELECT ON ${quoteName(name)} TO this user`,
        },
      );
    }
    this.#from = quoteName(entry.name);
    return entry.relation;
  }

  async check(mode: Mode, signal: AbortSignal): Promise<readonly Finding[]> {
    return mode === 'Snapshot' ? [] : await this.#bound.check(signal);
  }

  canServe(): boolean {
    return false;
  }

  read(request: ReadRequest, signal: AbortSignal): AsyncGenerator<Batch, PassEnd> {
    return readPass(this, request, signal);
  }

  async *readRange(range: Range, request: ReadRequest, signal: AbortSignal): AsyncGenerator<Part> {
    const session = await this.#open(signal);
    const keys = range.orderBy.map((column) => range.columns.findIndex((each) => each.name === column.name));
    const sql = selectRange(dialect, this.#fromClause(), range, request.wire);
    const statement = { sql: `${readerMark} ${sql}`, columns: range.columns, keys, limits: request.limits };
    yield* readParts(session, statement, signal);
  }

  takeBound(request: ReadRequest, field: Column, signal: AbortSignal): Promise<PassBound> {
    return this.#bound.take(request, field, signal);
  }

  async timeZone(): Promise<string> {
    return 'UTC';
  }

  async estimateWaiting(request: ReadRequest, signal: AbortSignal): Promise<number | undefined> {
    const orderBy = orderColumns(request);
    return await this.count(
      whereRange(dialect, { orderBy, after: startAfter(request), upTo: undefined }),
      signal,
    );
  }

  /** A table forgets nothing. */
  async acknowledge(): Promise<void> {}

  async rest(): Promise<void> {
    const session = this.#session;
    this.#session = undefined;
    await session?.close();
  }

  async close(): Promise<void> {
    await Promise.all([this.rest(), this.#bound.close()]);
  }

  async #nowMicros(signal: AbortSignal): Promise<number> {
    const session = await this.#open(signal);
    const [[now] = []] = await session.query(`${readerMark} SELECT UTC_TIMESTAMP(6)`, signal);
    return microsOf(String(now));
  }

  async first(field: Column, tail: string, signal: AbortSignal): Promise<string | undefined> {
    const session = await this.#open(signal);
    const sql = `${readerMark} SELECT ${selectItem(field)} FROM ${this.#fromClause()} ${tail}`;
    const [[cell] = []] = await session.query(sql, signal);
    if (cell === null || cell === undefined) return undefined;
    if (Buffer.isBuffer(cell)) return cell.toString('hex');
    return String(decoderOf(field.type)?.(cell) ?? cell);
  }

  async count(where: string, signal: AbortSignal): Promise<number> {
    const session = await this.#open(signal);
    const rows = `SELECT 1 FROM ${this.#fromClause()} ${where} LIMIT ${countLimit}`;
    const [[count] = []] = await session.query(
      `${readerMark} SELECT COUNT(*) FROM (${rows}) AS counted`,
      signal,
    );
    return Number(text(count));
  }

  #fromClause(): string {
    const { table, query } = this.#object;
    const { database } = readConfig(this.#access.config);
    this.#from ??=
      query === undefined
        ? quoteName(resolveName(splitName(table ?? '', path), database, path))
        : fromQuery(query);
    return this.#from;
  }

  /** A pass that was left half-way has cut its connection. */
  async #open(signal: AbortSignal): Promise<Session> {
    if (!this.#session || this.#session.isLost)
      this.#session = await Session.open(this.#access, 'reader', signal);
    return this.#session;
  }
}
