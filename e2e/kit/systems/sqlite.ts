import Database from 'better-sqlite3';
import { systemManifest } from './manifests.ts';
import { asText, inSessions, nameIn, type TestDatabase, type TestSession } from './test-database.ts';

export function sqliteDatabase(path: string): TestDatabase {
  return {
    system: 'sqlite',
    tableName: nameIn,
    object: (table) => ({ table: nameIn(table) }),
    quote: (identifier) => `"${identifier.replaceAll('"', '""')}"`,
    manifest: (name) => systemManifest(name, `sqlite: { path: "${path}" }`),
    ...inSessions(async () => sqliteSession(path)),
  };
}

/** `busyMs`: how long a statement waits for another session's lock, which blocks this process. */
export function sqliteSession(path: string, busyMs = 10_000): TestSession {
  const db = new Database(path);
  db.defaultSafeIntegers(true);
  db.pragma('journal_mode = WAL');
  db.pragma(`busy_timeout = ${busyMs}`);
  return {
    async query(sql) {
      // `prepare` accepts only one statement; statements that return no rows may be several.
      if (!/^\s*(select|pragma|with)\b/i.test(sql)) {
        db.exec(sql);
        return [];
      }
      return (db.prepare(sql).raw(true).all() as unknown[][]).map((row) => row.map(asText));
    },
    async close() {
      db.close();
    },
  };
}
