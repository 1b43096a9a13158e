import { quoteBacktick, splitTable, type TableName } from '../sql/names.ts';

export type { TableName } from '../sql/names.ts';

/** Resolves a name from a manifest. Without a schema it is a table of the DataSource's database. */
export function resolveName(name: string, database: string, path: string): TableName {
  const { schema = database, table } = splitTable(name, path, { title: 'MySQL', form: 'database.table' });
  return { schema, table };
}

/** In a grant on a whole database, `_` and `%` are wildcards: unescaped, the grant would include other databases. */
export function quoteForGrant(schema: string): string {
  return quoteBacktick(schema.replaceAll(/[_%\\]/g, '\\$&'));
}

export function quoteName({ schema, table }: TableName): string {
  return `${quoteBacktick(schema)}.${quoteBacktick(table)}`;
}
