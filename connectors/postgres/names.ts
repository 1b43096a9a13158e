import { permanent } from '../../core/errors.ts';
import { joinName, quoteDouble } from '../sql/names.ts';
import { readRows } from './connection/read-only.ts';
import type { Session } from './session.ts';
import { literalText } from './types/literals.ts';

export interface TableName {
  readonly schema: string;
  readonly table: string;
}

/** Parts of a name in a manifest; without a schema, the first of the path that the session was given at its login. */
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
  const current = 'SELECT pg_catalog.current_schema()';
  const [[first] = []] = await session.guard(() => readRows(session, current, 'users'));
  return { schema: first ?? 'public', table };
}

export function quoteName({ schema, table }: TableName): string {
  return `${quoteDouble(schema)}.${quoteDouble(table)}`;
}

/** SQL expression of a table's oid, or NULL. */
export function regclass(name: TableName): string {
  return `pg_catalog.to_regclass(${literalText(quoteName(name))})`;
}
