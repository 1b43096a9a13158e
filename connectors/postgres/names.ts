import { quoteDouble, splitTable, type TableName } from '../sql/names.ts';
import { readRows } from './connection/read-only.ts';
import type { StatementRunner } from './connection/statements.ts';
import { literalText } from './types/literals.ts';

export type { TableName } from '../sql/names.ts';

/** Resolves a name from a manifest. Without a schema, the first schema of the search path set at login applies. */
export async function resolveName(session: StatementRunner, name: string, path: string): Promise<TableName> {
  const { schema, table } = splitTable(name, path, { title: 'PostgreSQL', form: 'schema.table' });
  if (schema !== undefined) return { schema, table };
  const current = 'SELECT pg_catalog.current_schema()';
  const [[first] = []] = await session.guard(() => readRows(session, current, 'users'));
  return { schema: first ?? 'public', table };
}

export function quoteName({ schema, table }: TableName): string {
  return `${quoteDouble(schema)}.${quoteDouble(table)}`;
}

/** SQL expression for a table's oid, or NULL. */
export function regclass(name: TableName): string {
  return `pg_catalog.to_regclass(${literalText(quoteName(name))})`;
}
