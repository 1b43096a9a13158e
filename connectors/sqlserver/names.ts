import { splitTable, type TableName } from '../sql/names.ts';

export type { TableName } from '../sql/names.ts';

/** Brackets quote a name whatever QUOTED_IDENTIFIER is. */
export function quoteBracket(identifier: string): string {
  return `[${identifier.replaceAll(']', ']]')}]`;
}

export function quoteName({ schema, table }: TableName): string {
  return `${quoteBracket(schema)}.${quoteBracket(table)}`;
}

/** Resolves a name from a manifest. Without a schema it is in the default schema of the user. */
export function resolveName(name: string, defaultSchema: string, path: string): TableName {
  const { schema = defaultSchema, table } = splitTable(name, path, {
    title: 'SQL Server',
    form: 'schema.table',
  });
  return { schema, table };
}
