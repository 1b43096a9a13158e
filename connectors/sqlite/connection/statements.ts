import type { Database } from 'better-sqlite3';

/**
 * Runs a statement that has text of a file in it: a type, or the schema's own SQL, behind which a crafted file may have put another one
 * (ATTACH reaches every file of this process). The driver prepares one statement and refuses more.
 */
export function runOne(database: Database, sql: string): void {
  database.prepare(sql).run();
}
