import type { Statements } from './system.ts';

/** Statements that are the same in all SQL systems but for the names of transactions and identifiers. */
export function sqlStatements(
  quote: (identifier: string) => string,
  { begin = 'BEGIN', rollback = 'ROLLBACK' } = {},
): Statements {
  return {
    begin,
    rollback,
    insert(into, names, rows) {
      const values = rows.map((row) => `(${names.map((name) => row[name] ?? 'NULL').join(', ')})`);
      return `INSERT INTO ${into} (${names.map(quote).join(', ')}) VALUES ${values.join(', ')}`;
    },
    update(table, set, rows) {
      const changes = Object.entries(set).map(([name, value]) => `${quote(name)} = ${value}`);
      return `UPDATE ${table} SET ${changes.join(', ')} WHERE ${among(rows)}`;
    },
    delete: (table, rows) => `DELETE FROM ${table} WHERE ${among(rows)}`,
  };
}

function among(rows: readonly number[]): string {
  return `r IN (${rows.join(', ')})`;
}
