import type { Database } from 'better-sqlite3';

/**
 * Runs a statement that contains text from a file: a type, or the schema's own SQL, to which a crafted file may have appended another
 * statement (ATTACH can reach every file of this process). The driver prepares one statement and refuses more.
 */
export function runOne(database: Database, sql: string): void {
  database.prepare(sql).run();
}
