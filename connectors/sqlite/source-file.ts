import type { Database } from 'better-sqlite3';
import { type Finding, permanent } from '../../core/errors.ts';
import type { Mode, SourceObject } from '../../core/sync-spec.ts';
import type { Column, Relation } from '../../core/values.ts';
import { quoteDouble } from '../sql/names.ts';
import type { Stored } from './codec.ts';
import { countUpTo, describeQuery, describeTable, findTable, fromQuery, tableName } from './describe.ts';
import { isBusy } from './errors.ts';
import { keyText } from './key-text.ts';
import { isWritable, openForReading } from './open-file.ts';
import { type PackedPart, type PartRequest, type Scan, takePart } from './part.ts';
import { fieldFindings, hasAutoincrement } from './source-findings.ts';

/** How long the look for an open writer may wait for its lock. */
const probeTimeoutMs = 250;

/** A source's file in its own thread: called through thread.ts only. */
export class SourceFile {
  readonly #file: string;
  readonly #object: SourceObject;
  #opened: Database | undefined;
  #described: Relation | undefined;
  #scan: Scan | undefined;

  constructor(file: string, object: SourceObject) {
    this.#file = file;
    this.#object = object;
  }

  describe(): Relation {
    const { table, query } = this.#object;
    this.#described =
      query !== undefined
        ? describeQuery(this.#database, query)
        : describeTable(this.#database, this.#entry(table ?? ''));
    return this.#described;
  }

  /** What follows FROM. */
  fromClause(): string {
    const { table, query } = this.#object;
    return query !== undefined ? fromQuery(query) : quoteDouble(this.#entry(table ?? '').name);
  }

  check(mode: Mode): readonly Finding[] {
    const look = {
      database: this.#database,
      object: this.#object,
      relation: this.#described ?? this.describe(),
      from: this.fromClause(),
    };
    const findings = fieldFindings(mode, look);
    if (mode !== 'Snapshot' && !this.#isWritable()) {
      findings.push({
        severity: 'warning',
        code: 'LateRowsBySafetyLag',
        path: 'spec.safetyLag',
        message: `${this.#file} cannot be written by this user, so an open transaction of another process cannot be seen: safetyLag bounds late rows`,
        mend: 'give this user write rights on the file, or set safetyLag to longer than a transaction lasts',
      });
    }
    return findings;
  }

  /** A part of a statement of its own: the snapshot, and the lock that it may be, end with the call. */
  readPart(request: PartRequest): PackedPart {
    const rows = this.#database.prepare(request.sql).raw().iterate() as IterableIterator<Stored[]>;
    try {
      return takePart({ request, rows, waiting: undefined });
    } finally {
      rows.return?.();
    }
  }

  /** One statement over several calls, for a table without a key: one snapshot, which in a file without WAL keeps writers waiting. */
  startScan(request: PartRequest): void {
    this.endScan();
    this.#scan = {
      request,
      rows: this.#database.prepare(request.sql).raw().iterate() as Iterator<Stored[]>,
      waiting: undefined,
    };
  }

  nextPart(): PackedPart {
    if (!this.#scan) throw permanent('ScanEnded', `the reading of ${this.#file} was ended`);
    return takePart(this.#scan);
  }

  endScan(): void {
    this.#scan?.rows.return?.();
    this.#scan = undefined;
  }

  /** First row of a statement, as keys are written. Undefined: no row, or NULL. */
  firstKey(sql: string, column: Column): string | undefined {
    const stored = this.#database.prepare(sql).raw().get() as Stored[] | undefined;
    const value = stored?.[0];
    return value === null || value === undefined ? undefined : keyText(value, column);
  }

  /** Of a table with AUTOINCREMENT. */
  largestIssued(): bigint | undefined {
    const { table } = this.#object;
    if (table === undefined || !hasAutoincrement(this.#database, this.#entry(table).name)) return undefined;
    const sequence = this.#database.prepare('SELECT seq FROM sqlite_sequence WHERE name = ?').pluck();
    return (sequence.get(this.#entry(table).name) as bigint | undefined) ?? 0n;
  }

  count(select: string): number {
    return countUpTo(this.#database, select);
  }

  /**
   * Invariant 10. SQLite has one writer at a time: whoever gets its lock knows that no transaction with changes is open, and that every
   * later one takes its times and ids after now. The lock is given back at once, nothing is written.
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
    this.endScan();
    this.#opened?.close();
    this.#opened = undefined;
  }

  get #database(): Database {
    this.#opened ??= openForReading(this.#file);
    return this.#opened;
  }

  #entry(table: string) {
    const entry = findTable(this.#database, tableName(table, 'spec.source.table'));
    if (entry) return entry;
    throw permanent('TableNotFound', `${this.#file} has no table or view ${table}`, {
      path: 'spec.source.table',
      mend: 'correct the name, or create the table',
    });
  }

  #isWritable(): boolean {
    return isWritable(this.#file) && !this.#database.readonly;
  }
}
