import { permanent } from '../../core/errors.ts';
import { joinName, quoteDouble } from '../sql/names.ts';
import { literalText } from './literals.ts';
import type { Session } from './session.ts';

export interface TableName {
  readonly schema: string;
  readonly table: string;
}

/** Parts of a name in a manifest; without a schema, the first of the session's search_path. */
export async function resolveName(
  session: Session,
  parts: readonly string[],
  path: string,
): Promise<TableName> {
  const [schema, table] = parts.length === 1 ? [undefined, parts[0]] : parts;
  if (parts.length > 2 || table === undefined) {
    throw permanent(
      'NameInvalid',
      `"${joinName(parts)}" has ${parts.length} parts, and PostgreSQL knows schema.table`,
      {
        path,
        mend: 'write schema.table',
      },
    );
  }
  if (schema !== undefined) return { schema, table };
  const [[current] = []] = await session.query('SELECT current_schema()');
  return { schema: current ?? 'public', table };
}

export function quoteName({ schema, table }: TableName): string {
  return `${quoteDouble(schema)}.${quoteDouble(table)}`;
}

/** SQL expression of a table's oid, or NULL. */
export function regclass(name: TableName): string {
  return `pg_catalog.to_regclass(${literalText(quoteName(name))})`;
}
