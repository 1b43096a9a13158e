import type { Database } from 'better-sqlite3';
import { ownTableUnsafe } from '../../sql/destination/own-tables.ts';
import { quoteDouble } from '../../sql/names.ts';

/**
 * Whether the table exists. Throws OwnTableUnsafe if another object has its name, or others have added objects to it: a view or trigger
 * could pretend that an offset was stored.
 */
export function requireOwnTable(
  database: Database,
  name: string,
  columns: readonly string[],
  key: readonly string[],
): boolean {
  const found = database
    .prepare(`SELECT type FROM pragma_table_list WHERE schema = 'main' AND name = ? COLLATE NOCASE`)
    .pluck()
    .get(name) as string | undefined;
  if (found === undefined) return false;
  const faults =
    found === 'table'
      ? faultsOf(database, name, columns, key)
      : [`is a ${found} table`.replace('view table', 'view')];
  if (faults.length === 0) return true;
  const drop = `DROP ${found === 'view' ? 'VIEW' : 'TABLE'} ${quoteDouble(name)}`;
  throw ownTableUnsafe(
    name,
    faults,
    `find out who created it, then ${drop}, or delete the objects named in the message`,
  );
}

function faultsOf(
  database: Database,
  name: string,
  columns: readonly string[],
  key: readonly string[],
): string[] {
  const pluck = (sql: string) => database.prepare(sql).pluck().all(name) as unknown[];
  const made = pluck('SELECT name FROM pragma_table_xinfo(?) WHERE hidden = 0 ORDER BY cid');
  const all = pluck('SELECT name FROM pragma_table_xinfo(?)');
  const primary = pluck('SELECT name FROM pragma_table_xinfo(?) WHERE pk > 0 ORDER BY pk');
  const triggers = pluck(
    `SELECT name FROM sqlite_schema WHERE type = 'trigger' AND tbl_name = ? COLLATE NOCASE`,
  );
  const keys = pluck('SELECT "table" FROM pragma_foreign_key_list(?)');
  const indexes = pluck(`SELECT name FROM pragma_index_list(?) WHERE origin <> 'pk'`);
  return [
    ...(triggers.length > 0 ? [`has the triggers ${triggers.join(', ')}`] : []),
    ...(isSame(made, columns) && all.length === made.length ? [] : ['has other columns']),
    ...(isSame(primary, key) ? [] : ['has another primary key']),
    ...(keys.length > 0 ? ['has foreign keys'] : []),
    ...(indexes.length > 0 ? ['has indexes or unique constraints'] : []),
  ];
}

function isSame(found: readonly unknown[], wanted: readonly string[]): boolean {
  return found.join() === wanted.join();
}
