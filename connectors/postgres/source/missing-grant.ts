import pg from 'pg';
import type { SystemAccess } from '../../../core/connector.ts';
import type { IdraError } from '../../../core/errors.ts';
import type { SourceObject } from '../../../core/sync-spec.ts';
import { quoteDouble } from '../../sql/names.ts';
import { readerName } from '../connection/open.ts';
import { quoteName, resolveName, type TableName } from '../names.ts';
import { Session } from '../session.ts';
import { literalText } from '../types/literals.ts';

/**
 * The statement that grants what a source was refused. A query, or a table read by name, says in the message what it lacks. Uses a session
 * of its own, because the refused one may be within a failed transaction.
 */
export async function missingGrant(
  access: SystemAccess,
  { table }: SourceObject,
  { cause }: IdraError,
  signal: AbortSignal,
): Promise<string | undefined> {
  const session = await Session.open(access, readerName, signal);
  try {
    const own = table === undefined ? [] : [await resolveName(session, table, 'spec.source.table')];
    const refused = cause instanceof pg.DatabaseError ? refusedObject(cause.message) : undefined;
    const [[user] = []] = await session.query('SELECT current_user', signal);
    const to = `TO ${quoteDouble(user ?? '')}`;
    for (const name of own) {
      const grants = await lackingOn(session, name, signal);
      if (grants.length > 0) return grants.map((each) => `${each} ${to}`).join('; ');
    }
    if (refused?.kind === 'schema') return `GRANT USAGE ON SCHEMA ${quoteDouble(refused.name)} ${to}`;
    if (refused?.kind === 'function') return `GRANT EXECUTE ON FUNCTION ${quoteDouble(refused.name)} ${to}`;
    const found = refused ? await unreadable(session, refused.name, signal) : [];
    return found.length === 0
      ? undefined
      : found.map((each) => `GRANT SELECT ON ${quoteName(each)} ${to}`).join('; ');
  } finally {
    await session.close();
  }
}

/** English only; nothing else depends on it. */
export function refusedObject(message: string): { readonly kind: string; readonly name: string } | undefined {
  const [, kind = '', name = ''] =
    /^permission denied for (table|view|materialized view|foreign table|relation|schema|function) (.+)$/.exec(
      message,
    ) ?? [];
  return name === '' ? undefined : { kind, name };
}

/** What the user lacks on an object of this name. Rights on some of its columns are no reason. */
async function lackingOn(session: Session, name: TableName, signal: AbortSignal): Promise<readonly string[]> {
  const [[canUse, canRead] = []] = await session.query(
    `SELECT pg_catalog.has_schema_privilege(n.oid, 'USAGE'), pg_catalog.has_any_column_privilege(c.oid, 'SELECT')
     FROM pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
     WHERE n.nspname = ${literalText(name.schema)} AND c.relname = ${literalText(name.table)}`,
    signal,
  );
  return [
    ...(canUse === 'f' ? [`GRANT USAGE ON SCHEMA ${quoteDouble(name.schema)}`] : []),
    ...(canRead === 'f' ? [`GRANT SELECT ON ${quoteName(name)}`] : []),
  ];
}

/** Objects of this name, in whatever schema, that the user may not read as a whole. */
async function unreadable(
  session: Session,
  name: string,
  signal: AbortSignal,
): Promise<readonly TableName[]> {
  const rows = await session.query(
    `SELECT n.nspname, c.relname FROM pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
     WHERE c.relname = ${literalText(name)} AND c.relkind IN ('r', 'p', 'v', 'm', 'f') AND n.nspname !~ '^pg_'
       AND pg_catalog.has_schema_privilege(n.oid, 'USAGE') AND NOT pg_catalog.has_table_privilege(c.oid, 'SELECT') LIMIT 2`,
    signal,
  );
  // Of several, the server does not say which one it is.
  return rows.length === 1
    ? rows.map(([schema, table]) => ({ schema: schema ?? '', table: table ?? '' }))
    : [];
}
