import type { Database } from 'better-sqlite3';
import { bug } from '../../../core/errors.ts';
import { quoteDouble } from '../../sql/names.ts';
import { runOne } from '../connection/statements.ts';
import { swapStatements } from './ddl.ts';

/** The table that a Replace fills beside its target. All calls are within the caller's transaction. */
export class Shadow {
  readonly name: string;
  readonly #database: Database;
  readonly #target: string;

  constructor(database: Database, target: string, name: string) {
    this.#database = database;
    this.#target = target;
    this.name = name;
  }

  exists(): boolean {
    return this.#schemaText('table', this.name) !== undefined;
  }

  /** Undefined if it does not exist. */
  count(): number | undefined {
    if (!this.exists()) return undefined;
    return Number(
      this.#database
        .prepare(`SELECT count(*) FROM ${quoteDouble(this.name)}`)
        .pluck()
        .get() as bigint,
    );
  }

  drop(): void {
    this.#database.exec(`DROP TABLE IF EXISTS ${quoteDouble(this.name)}`);
  }

  /** Created empty from the target's own SQL (columns, defaults, constraints), under another name. */
  create(): void {
    this.drop();
    const text = this.#schemaText('table', this.#target);
    if (text === undefined) throw bug(`the claimed table ${this.#target} no longer exists`);
    runOne(this.#database, text.replace(afterCreateTable, `CREATE TABLE ${quoteDouble(this.name)}`));
  }

  /** Readers see the old rows until the commit, and the new ones after it. */
  swap(): void {
    const belongings = this.#belongings();
    const sequence = this.#sequence();
    // Views and the triggers of other tables refer to the target's name; modern renaming would refuse them while the name is briefly
    // missing.
    this.#database.pragma('legacy_alter_table = ON');
    try {
      for (const statement of swapStatements(this.#target, this.name)) runOne(this.#database, statement);
    } finally {
      this.#database.pragma('legacy_alter_table = OFF');
    }
    for (const statement of belongings) runOne(this.#database, statement);
    if (sequence !== undefined) this.#restoreSequence(sequence);
  }

  /** Indexes and triggers, which are dropped with the old table. Those of constraints have no SQL and are created with the new table. */
  #belongings(): readonly string[] {
    return this.#database
      .prepare(
        `SELECT sql FROM sqlite_schema WHERE tbl_name = ? COLLATE NOCASE AND type IN ('index', 'trigger') AND sql IS NOT NULL ORDER BY type, rootpage`,
      )
      .pluck()
      .all(this.#target) as string[];
  }

  /** AUTOINCREMENT never issues an id twice, not even one of a deleted row. */
  #sequence(): bigint | undefined {
    if (this.#schemaText('table', 'sqlite_sequence') === undefined) return undefined;
    return this.#database
      .prepare('SELECT seq FROM sqlite_sequence WHERE name = ? COLLATE NOCASE')
      .pluck()
      .get(this.#target) as bigint | undefined;
  }

  #restoreSequence(sequence: bigint): void {
    const changed = this.#database
      .prepare('UPDATE sqlite_sequence SET seq = max(seq, ?) WHERE name = ? COLLATE NOCASE')
      .run(sequence, this.#target);
    if (changed.changes === 0)
      this.#database
        .prepare('INSERT INTO sqlite_sequence (name, seq) VALUES (?, ?)')
        .run(this.#target, sequence);
  }

  #schemaText(type: string, name: string): string | undefined {
    return this.#database
      .prepare('SELECT sql FROM sqlite_schema WHERE type = ? AND name = ? COLLATE NOCASE')
      .pluck()
      .get(type, name) as string | undefined;
  }
}

/** SQLite stores the schema's SQL with exactly these words before the name, which is kept as it was written. */
const afterCreateTable = /^CREATE TABLE (?:"(?:[^"]|"")*"|'(?:[^']|'')*'|`(?:[^`]|``)*`|\[[^\]]*\]|[^\s(]+)/;
