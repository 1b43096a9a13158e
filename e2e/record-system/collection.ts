import { mkdirSync, statSync } from 'node:fs';
import { join } from 'node:path';
import Database from 'better-sqlite3';

/** A document, or null for a deletion. */
export interface Change {
  readonly id: number;
  /** JSON text with `_id`. */
  readonly document: string | null;
}

export interface LoggedChange extends Change {
  readonly position: number;
  readonly transaction: number;
  /** Canonical timestamp of the commit. */
  readonly at: string;
}

/** Documents by `_id` and the log of their changes, in a file that several processes may use. */
export class Collection {
  readonly name: string;
  readonly #folder: string;

  constructor(folder: string, name: string) {
    this.name = name;
    this.#folder = folder;
  }

  /** Undefined if there is no such collection. */
  identity(): string | undefined {
    try {
      return String(statSync(this.#path).ino);
    } catch {
      return undefined;
    }
  }

  create(): void {
    mkdirSync(this.#folder, { recursive: true });
    this.#on((database) =>
      database.exec(`PRAGMA journal_mode = WAL;
        CREATE TABLE IF NOT EXISTS documents (id INTEGER PRIMARY KEY, document TEXT NOT NULL);
        CREATE TABLE IF NOT EXISTS changes (position INTEGER PRIMARY KEY AUTOINCREMENT, tx INTEGER, at TEXT, id INTEGER, document TEXT);
        CREATE TABLE IF NOT EXISTS lost (position INTEGER)`),
    );
  }

  /** One transaction. */
  apply(changes: readonly Change[], at: Date = new Date()): void {
    this.#on((database) => {
      const put = database.prepare('INSERT OR REPLACE INTO documents VALUES (?, ?)');
      const remove = database.prepare('DELETE FROM documents WHERE id = ?');
      const log = database.prepare('INSERT INTO changes (tx, at, id, document) VALUES (?, ?, ?, ?)');
      const time = `${at.toISOString().slice(0, -1).replace('T', ' ')}Z`;
      database
        .transaction(() => {
          const tx = this.#end(database) + 1;
          for (const { id, document } of changes) {
            if (document === null) remove.run(id);
            else put.run(id, document);
            log.run(tx, time, id, document);
          }
        })
        .immediate();
    });
  }

  /** Documents in the order of `_id`. */
  documents(after: number | null = null, limit = -1): readonly Change[] {
    const sql = 'SELECT id, document FROM documents WHERE id > ? ORDER BY id LIMIT ?';
    return this.#on((database) => database.prepare(sql).all(after ?? -1, limit) as Change[]);
  }

  /** From the first, the middle and the last of them. */
  sample(count: number): readonly Change[] {
    const all = this.documents();
    if (all.length <= count) return all;
    const part = Math.max(1, Math.floor(count / 3));
    const middle = Math.floor((all.length - part) / 2);
    return [...all.slice(0, part), ...all.slice(middle, middle + part), ...all.slice(-part)];
  }

  changes(after: number, until: number): readonly LoggedChange[] {
    const sql =
      'SELECT position, tx AS "transaction", at, id, document FROM changes WHERE position > ? AND position <= ?';
    return this.#on((database) => database.prepare(sql).all(after, until) as LoggedChange[]);
  }

  /** The position of the last change, and the one up to which changes are lost. */
  log(): { readonly end: number; readonly lost: number } {
    return this.#on((database) => ({
      end: this.#end(database),
      lost: (database.prepare('SELECT max(position) FROM lost').pluck().get() as number | null) ?? 0,
    }));
  }

  /** Deletes all changes that were logged so far. */
  loseHistory(): void {
    this.#on((database) =>
      database.exec('INSERT INTO lost SELECT coalesce(max(position), 0) FROM changes; DELETE FROM changes'),
    );
  }

  #end(database: Database.Database): number {
    const sql = "SELECT seq FROM sqlite_sequence WHERE name = 'changes'";
    return (database.prepare(sql).pluck().get() as number | undefined) ?? 0;
  }

  get #path(): string {
    return join(this.#folder, `${this.name}.records`);
  }

  #on<T>(body: (database: Database.Database) => T): T {
    const database = new Database(this.#path, { timeout: 10_000 });
    try {
      return body(database);
    } finally {
      database.close();
    }
  }
}
