import type { Database } from 'better-sqlite3';
import type { SystemIdentity } from '../../../core/connector.ts';
import { type Finding, permanent, schemaChanged } from '../../../core/errors.ts';
import type { Mode, SourceObject } from '../../../core/sync-spec.ts';
import { isSameSystem } from '../../../core/system-identity.ts';
import type { Column, Relation } from '../../../core/values.ts';
import { quoteDouble } from '../../sql/names.ts';
import { mostCompared, tableRemedy } from '../../sql/source/missing-table.ts';
import { fieldFindings, hasAutoincrement } from '../check.ts';
import { isWritable, openForReading } from '../connection/open.ts';
import {
  countUpTo,
  describeQuery,
  describeShape,
  describeTable,
  findTable,
  fromQuery,
  isOfUser,
  listTables,
  maybeNull,
} from '../describe.ts';
import { DistinctKeysCheck } from '../destination/distinct-keys.ts';
import { isBusy } from '../errors.ts';
import { SchemaWatch } from '../fingerprint.ts';
import { fileIdentity, travellingIdentity } from '../identity.ts';
import { tableName } from '../names.ts';
import type { FilePlace } from '../session.ts';
import type { Stored } from '../types/decode.ts';
import { keyText } from '../types/literals.ts';
import { requireText } from './bad-encoding.ts';
import { type PackedPart, type PartRequest, type Scan, takePart } from './page-reader.ts';
import { requireTimeOrder } from './time-order.ts';

/** How long the check for an open writer may wait for its lock. */
const probeTimeoutMs = 250;

/** A source's file in its own thread, called only through session.ts. */
export class SourceFile {
  readonly #file: string;
  readonly #folder: FilePlace['folder'];
  readonly #object: SourceObject;
  #opened: Database | undefined;
  #identity: string | undefined;
  /** The identity of the open file. While it is open, no other file has its number. */
  #openedSystem: SystemIdentity = [];
  #described: Relation | undefined;
  #watched: SchemaWatch | undefined;
  /** The version of the data in which no key was NULL. */
  #withoutNulls: bigint | undefined;
  /** The version of the data in which no later time sorted before this last one. */
  #orderedUpTo: { readonly changes: bigint; readonly last: string } | undefined;
  #scan: Scan | undefined;
  #distinct = new DistinctKeysCheck();

  constructor({ file, folder }: FilePlace, object: SourceObject) {
    this.#file = file;
    this.#folder = folder;
    this.#object = object;
  }

  identity(): SystemIdentity {
    return travellingIdentity(this.#file);
  }

  describe(): Relation {
    const { table, query } = this.#object;
    this.#described =
      query !== undefined
        ? describeQuery(this.#database, query)
        : describeTable(this.#database, this.#entry(table ?? ''));
    return this.#described;
  }

  /** The text after FROM. */
  fromClause(): string {
    const { table, query } = this.#object;
    return query !== undefined ? fromQuery(query) : quoteDouble(this.#entry(table ?? '').name);
  }

  check(mode: Mode): readonly Finding[] {
    const facts = {
      database: this.#database,
      object: this.#object,
      relation: this.#described ?? this.describe(),
      from: this.fromClause(),
      hasRowid: this.#hasRowid,
    };
    const findings = fieldFindings(mode, facts);
    if (mode !== 'Snapshot' && !this.#isWritable()) {
      findings.push({
        severity: 'warning',
        code: 'LateRowsBySafetyLag',
        path: 'spec.safetyLag',
        message: `${this.#file} cannot be written by this user, so an open transaction of another process cannot be seen: only safetyLag covers late rows`,
        fix: 'give this user write rights on the file, or set safetyLag to longer than the longest transaction',
      });
    }
    return findings;
  }

  /** Reads a part with its own statement: the snapshot, and the lock that it may hold, end with the call. */
  readPart(request: PartRequest): PackedPart & { readonly styles?: readonly string[] } {
    const database = this.#database;
    database.exec('BEGIN');
    try {
      this.#requirePlanned(request);
      const rows = database.prepare(request.sql).raw().iterate() as IterableIterator<Stored[]>;
      const part = partOf(rows, () =>
        takePart({ request, rows, waiting: undefined, requireText: this.#textCheck(request) }),
      );
      if (!request.distinct || part.rowCount === 0) return part;
      return { ...part, styles: this.#distinct.require(database, request.distinct, part.seen) };
    } finally {
      database.exec('COMMIT');
    }
  }

  #requirePlanned({ shape, identity }: PartRequest): void {
    if (isSameSystem(identity, this.#openedSystem) === false)
      throw schemaChanged(this.#file, { what: 'the file was replaced' });
    this.#watch.requireShape(shape);
  }

  /** The first call checks all rows of the statement. */
  #textCheck(request: PartRequest): () => void {
    let isText = false;
    return () => {
      if (!isText) requireText(this.#database, request);
      isText = true;
    };
  }

  get #watch(): SchemaWatch {
    this.#watched ??= new SchemaWatch(this.#database, this.#object.table ?? 'the query', () =>
      this.#shapeNow(),
    );
    return this.#watched;
  }

  #shapeNow(): Relation | undefined {
    const { table, query } = this.#object;
    if (query !== undefined) return describeQuery(this.#database, query);
    const entry = findTable(this.#database, tableName(table ?? '', 'spec.source.table'));
    return entry && describeShape(this.#database, entry);
  }

  /** One statement over several calls, for a table without a key: one snapshot, which in a file without WAL blocks writers. */
  startScan(request: PartRequest): void {
    this.endScan();
    const database = this.#database;
    database.exec('BEGIN');
    try {
      this.#requirePlanned(request);
      this.#scan = {
        request,
        rows: database.prepare(request.sql).raw().iterate() as Iterator<Stored[]>,
        waiting: undefined,
        requireText: this.#textCheck(request),
      };
    } catch (thrown) {
      database.exec('ROLLBACK');
      throw thrown;
    }
  }

  nextPart(): PackedPart {
    if (!this.#scan) throw permanent('ScanEnded', `the reading of ${this.#file} was ended`);
    return takePart(this.#scan);
  }

  endScan(): void {
    if (!this.#scan) return;
    this.#scan.rows.return?.();
    this.#scan = undefined;
    this.#opened?.exec('COMMIT');
  }

  /** The first row of a statement, in the format of keys. Undefined if there is no row, or for NULL. */
  firstKey(sql: string, column: Column): string | undefined {
    const stored = this.#watch.guarded(() => this.#database.prepare(sql).raw().get()) as Stored[] | undefined;
    const value = stored?.[0];
    return value === null || value === undefined ? undefined : keyText(value, column);
  }

  /**
   * SQLite allows NULL in a primary key that is not declared NOT NULL. Counts rows that have had NULL since the plan was made. The rows
   * are checked only if the data has changed.
   */
  countNullKeys(columns: readonly string[]): number {
    const { table } = this.#object;
    if (table === undefined) return 0;
    const database = this.#database;
    const changes = database.pragma('data_version', { simple: true }) as bigint;
    if (changes === this.#withoutNulls) return 0;
    const { name } = this.#entry(table);
    const nullable = columns.filter((column) => maybeNull(database, name, column)).map(quoteDouble);
    const isNull = nullable.map((column) => `${column} IS NULL`).join(' OR ');
    const count =
      nullable.length === 0
        ? 0
        : this.#watch.guarded(() =>
            countUpTo(database, `SELECT 1 FROM ${quoteDouble(name)} WHERE ${isNull}`),
          );
    if (count === 0) this.#withoutNulls = changes;
    return count;
  }

  /** The rows are checked only if the data has changed. */
  requireTimeOrder(name: string, last: string): void {
    const database = this.#database;
    const changes = database.pragma('data_version', { simple: true }) as bigint;
    if (this.#orderedUpTo?.changes === changes && this.#orderedUpTo.last === last) return;
    const column = {
      database,
      from: this.fromClause(),
      name,
      timeZone: this.#object.timeZone ?? 'UTC',
      hasRowid: this.#hasRowid,
    };
    this.#watch.guarded(() => requireTimeOrder(column, last));
    this.#orderedUpTo = { changes, last };
  }

  get #hasRowid(): boolean {
    const { table } = this.#object;
    return table !== undefined && this.#entry(table).hasRowid;
  }

  /** For a table with AUTOINCREMENT. */
  largestIssued(): bigint | undefined {
    const { table } = this.#object;
    if (table === undefined || !hasAutoincrement(this.#database, this.#entry(table).name)) return undefined;
    const sequence = this.#database.prepare('SELECT seq FROM sqlite_sequence WHERE name = ?').pluck();
    return (sequence.get(this.#entry(table).name) as bigint | undefined) ?? 0n;
  }

  count(select: string): number {
    return this.#watch.guarded(() => countUpTo(this.#database, select));
  }

  /**
   * Invariant 10. SQLite has one writer at a time: whoever gets its lock knows that no transaction with changes is open, and that every
   * later one takes its times and ids after now. The lock is released at once; nothing is written.
   */
  probeWriter(): { readonly state: 'free' | 'busy' | 'unknown'; readonly nowMs: number } {
    const database = this.#database;
    if (!this.#isWritable()) return { state: 'unknown', nowMs: Date.now() };
    database.pragma('query_only = OFF');
    const timeout = database.pragma('busy_timeout', { simple: true }) as bigint;
    database.pragma(`busy_timeout = ${probeTimeoutMs}`);
    try {
      database.exec('BEGIN IMMEDIATE');
      const nowMs = Date.now();
      database.exec('ROLLBACK');
      return { state: 'free', nowMs };
    } catch (thrown) {
      if (!isBusy(thrown)) throw thrown;
      return { state: 'busy', nowMs: Date.now() };
    } finally {
      database.pragma(`busy_timeout = ${timeout}`);
      database.pragma('query_only = ON');
    }
  }

  close(): void {
    try {
      this.endScan();
    } catch {
      // For a damaged file; reading it has already reported the error.
    }
    this.#opened?.close();
    this.#opened = undefined;
    this.#watched = undefined;
    this.#distinct = new DistinctKeysCheck();
    this.#withoutNulls = undefined;
    this.#orderedUpTo = undefined;
  }

  /** If another file was moved to the path (a backup that is restored), it is opened instead of the previous one. */
  get #database(): Database {
    const isBetweenReads = !this.#scan && !this.#opened?.inTransaction;
    if (this.#opened && isBetweenReads && fileIdentity(this.#file) !== this.#identity) this.close();
    if (!this.#opened) {
      this.#opened = openForReading(this.#file, this.#folder);
      this.#identity = fileIdentity(this.#file);
      this.#openedSystem = travellingIdentity(this.#file);
    }
    return this.#opened;
  }

  #entry(table: string) {
    const wanted = tableName(table, 'spec.source.table');
    const entry = findTable(this.#database, wanted);
    if (entry) return entry;
    const known = listTables(this.#database, { called: wanted, most: mostCompared }).filter(isOfUser);
    throw permanent('TableNotFound', `${this.#file} has no table or view ${table}`, {
      path: 'spec.source.table',
      fix: tableRemedy(
        [wanted],
        known.map(({ name }) => [name]),
        'correct the name, or create the table',
      ),
    });
  }

  #isWritable(): boolean {
    return isWritable(this.#file) && !this.#database.readonly;
  }
}

/** The driver cannot define a function or close a transaction while a statement is open. */
function partOf<T>(rows: IterableIterator<unknown>, take: () => T): T {
  try {
    return take();
  } finally {
    rows.return?.();
  }
}
