import { permanent } from '../../core/errors.ts';
import { joinName, quoteBacktick } from '../sql/names.ts';

export interface TableName {
  readonly schema: string;
  readonly table: string;
}

/** Parts of a name in a manifest; without a schema, the DataSource's database. */
export function resolveName(parts: readonly string[], database: string, path: string): TableName {
  const [schema, table] = parts.length === 1 ? [database, parts[0]] : parts;
  if (parts.length <= 2 && schema !== undefined && table !== undefined) return { schema, table };
  throw permanent(
    'NameInvalid',
    `"${joinName(parts)}" has ${parts.length} parts, and MySQL knows database.table`,
    {
      path,
      mend: 'write database.table, or the table alone',
    },
  );
}

export function quoteName({ schema, table }: TableName): string {
  return `${quoteBacktick(schema)}.${quoteBacktick(table)}`;
}
