import { ownTableUnsafe } from '../../sql/destination/own-tables.ts';
import { joinName } from '../../sql/names.ts';
import { quoteName, regclass, type TableName } from '../names.ts';
import type { Session } from '../session.ts';
import { literalText } from '../types/literals.ts';

/** A table that Idra creates for itself, in its current state (connectors/sql/destination/own-tables.ts). */
export interface OwnTable {
  readonly oid: string;
  readonly isOurs: boolean;
  readonly columns: readonly string[];
  /** The table is ours, but others may create triggers on it, for example through default privileges. */
  readonly takesTriggers: boolean;
  /** Why it is not a plain table that only our role can modify. */
  readonly faults: readonly string[];
}

/** A shadow has the defaults and checks of its target; the commit table has those defined in commit-rows.ts. */
export type OwnTableUse = 'commits' | 'shadow';

/** Undefined if nothing has this name. */
export async function inspectOwnTable(
  session: Session,
  name: TableName,
  use: OwnTableUse,
  signal?: AbortSignal,
): Promise<OwnTable | undefined> {
  const [row] = await session.query(inspectSql(name), signal);
  if (!row) return undefined;
  const [oid, columns, kind, owner, user, takesTriggers, ...found] = row;
  const asked = use === 'commits' ? [...faultsOfAll, ...faultsOfCommits] : faultsOfAll;
  const isOurs = owner === user;
  return {
    oid: oid ?? '',
    isOurs,
    columns: JSON.parse(columns ?? '[]') as string[],
    takesTriggers: isOurs && takesTriggers === 't',
    faults: [
      ...(kind === 'r' ? [] : ['is not a plain table']),
      ...(isOurs ? [] : [`belongs to role ${owner}, not to ${user}`]),
      ...asked.filter((_, index) => found[index] === 't'),
    ],
  };
}

/** Throws OwnTableUnsafe. Undefined if the table does not exist. */
export async function requireOwnTable(
  session: Session,
  name: TableName,
  use: OwnTableUse,
  signal?: AbortSignal,
): Promise<OwnTable | undefined> {
  const table = await inspectOwnTable(session, name, use, signal);
  if (!table || table.faults.length === 0) return table;
  throw ownTableUnsafe(joinName([name.schema, name.table]), table.faults, remedyOf(quoteName(name), use));
}

/** Revokes what the schema's default privileges have granted to others. */
export function revokeSql(table: TableName, rights: 'ALL' | 'TRIGGER'): string {
  const body = `DECLARE grantee text; BEGIN FOR grantee IN
      SELECT DISTINCT CASE WHEN a.grantee = 0 THEN 'PUBLIC' ELSE pg_catalog.quote_ident(pg_catalog.pg_get_userbyid(a.grantee)) END
      FROM pg_catalog.pg_class c, pg_catalog.aclexplode(c.relacl) a WHERE c.oid = ${regclass(table)} AND a.grantee <> c.relowner
    LOOP EXECUTE ${literalText(`REVOKE ${rights} ON ${quoteName(table)} FROM `)} || grantee; END LOOP; END`;
  return `DO ${literalText(body)}`;
}

function remedyOf(quoted: string, use: OwnTableUse): string {
  if (use === 'shadow') return `find out who created it, then DROP TABLE ${quoted}`;
  return `find out who created it, and delete the objects named in the message; if Syncs store their offsets in it, give it to the user of this DataSource: ALTER TABLE ${quoted} OWNER TO`;
}

const faultsOfAll = [
  'has triggers of other users',
  'has rules',
  'has row security',
  'takes part in inheritance or partitioning',
] as const;
const faultsOfCommits = [
  'has constraints other than its key',
  'has defaults other than its own',
  'has columns of types that are not built in',
  'has indexes by expressions',
] as const;

/** In the order of the lists above. */
function inspectSql({ schema, table }: TableName): string {
  return `SELECT c.oid, (SELECT pg_catalog.json_agg(b.attname) FROM pg_catalog.pg_attribute b WHERE b.attrelid = c.oid AND b.attnum > 0 AND NOT b.attisdropped),
      c.relkind::text, pg_catalog.pg_get_userbyid(c.relowner), current_user,
      EXISTS (SELECT FROM pg_catalog.aclexplode(c.relacl) a WHERE a.privilege_type = 'TRIGGER' AND a.grantee <> c.relowner),
      EXISTS (SELECT FROM pg_catalog.pg_trigger t JOIN pg_catalog.pg_proc f ON f.oid = t.tgfoid
        WHERE t.tgrelid = c.oid AND NOT t.tgisinternal AND pg_catalog.pg_get_userbyid(f.proowner) <> current_user),
      EXISTS (SELECT FROM pg_catalog.pg_rewrite r WHERE r.ev_class = c.oid AND c.relkind = 'r'),
      c.relrowsecurity,
      c.relispartition OR EXISTS (SELECT FROM pg_catalog.pg_inherits h WHERE c.oid IN (h.inhrelid, h.inhparent)),
      EXISTS (SELECT FROM pg_catalog.pg_constraint k WHERE k.conrelid = c.oid AND k.contype NOT IN ('p', 'n')),
      EXISTS (SELECT FROM pg_catalog.pg_attrdef d WHERE d.adrelid = c.oid AND pg_catalog.pg_get_expr(d.adbin, d.adrelid) <> 'false'),
      EXISTS (SELECT FROM pg_catalog.pg_attribute b JOIN pg_catalog.pg_type y ON y.oid = b.atttypid
        WHERE b.attrelid = c.oid AND b.attnum > 0 AND NOT b.attisdropped AND y.typnamespace <> 'pg_catalog'::regnamespace),
      EXISTS (SELECT FROM pg_catalog.pg_index i WHERE i.indrelid = c.oid AND (i.indexprs IS NOT NULL OR i.indpred IS NOT NULL))
    FROM pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
    WHERE n.nspname = ${literalText(schema)} AND c.relname = ${literalText(table)}`;
}
