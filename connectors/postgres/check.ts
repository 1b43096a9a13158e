import type { SystemReport } from '../../core/connector.ts';
import { type Finding, IdraError } from '../../core/errors.ts';
import { lookUp } from '../../core/look-up.ts';
import type { Mode, SourceObject, WriteMode } from '../../core/sync-spec.ts';
import type { Relation } from '../../core/values.ts';
import { passwordFindings } from '../sql/connection/password-rule.ts';
import { commitTableName } from '../sql/destination/commit-table.ts';
import { triggersMayChange } from '../sql/destination/trigger-finding.ts';
import { quoteDouble } from '../sql/names.ts';
import { fieldToIndex, indexFindings } from '../sql/source/field-index.ts';
import { firstOfIndexesSql } from './catalog.ts';
import { readRows } from './connection/read-only.ts';
import type { Names } from './connection/search-path.ts';
import type { TableEntry } from './describe.ts';
import { requireOwnTable } from './destination/own-tables.ts';
import { sqlState } from './errors.ts';
import { quoteName, type TableName } from './names.ts';
import type { Session } from './session.ts';
import { literalText } from './types/literals.ts';

const oldestVersion = 120_000;

/** Version, and what late rows require; independent of what is synced. */
export async function reportSystem(session: Session, signal: AbortSignal): Promise<SystemReport> {
  const [[version, number] = []] = await session.query(
    "SELECT current_setting('server_version'), current_setting('server_version_num')",
    signal,
  );
  const findings = [
    ...(await boundFindings(session, 'info', signal)),
    ...passwordFindings(session.rule, false),
  ];
  if (Number(number) < oldestVersion) {
    findings.push({
      severity: 'error',
      code: 'ServerTooOld',
      message: `PostgreSQL ${version} is older than 12`,
      fix: 'upgrade the server',
    });
  }
  return { version: `PostgreSQL ${version?.split(' ')[0]}`, findings };
}

/** Whether the mode's bound for late rows is available. */
export async function readFindings(
  session: Session,
  mode: Mode,
  signal: AbortSignal,
): Promise<readonly Finding[]> {
  const isByTime = mode === 'Timestamp' || mode === 'LastDestinationTimestamp';
  const isById = mode === 'Id' || mode === 'LastDestinationId';
  if (!isByTime && !isById) return [];
  const findings = await boundFindings(session, 'warning', signal);
  return isByTime ? findings : findings.filter((each) => each.code === 'Standby');
}

export interface Sorted {
  readonly name: string;
  readonly from: string;
  readonly names: Names;
  readonly columns: readonly string[];
}

const undefinedFunction = '42883';

/** Whether the server can sort by everything that a mode may page by: json, xml and points have no order. */
export async function orderFindings(
  session: Session,
  { name, from, names, columns }: Sorted,
  signal: AbortSignal,
): Promise<Finding[]> {
  if (columns.length === 0) return [];
  const sql = `SELECT FROM ${from} ORDER BY ${columns.map(quoteDouble).join(', ')} LIMIT 0`;
  try {
    await session.abortable(() => readRows(session, sql, names), signal);
    return [];
  } catch (thrown) {
    if (sqlState(thrown) !== undefinedFunction) throw session.classified(thrown);
    return [
      {
        severity: 'error',
        code: 'FieldNotOrdered',
        path: 'spec.source.key',
        message: `rows of ${name} cannot be read in the order of ${columns.join(', ')}: one of their types has no order`,
        fix: 'name other columns in source.key, or cast them in source.query',
      },
    ];
  }
}

async function boundFindings(
  session: Session,
  severity: Finding['severity'],
  signal: AbortSignal,
): Promise<Finding[]> {
  const [[isStandby, canSee, isTracked, user] = []] = await session.query(
    "SELECT pg_is_in_recovery(), pg_has_role(current_user, 'pg_read_all_stats', 'USAGE'), current_setting('track_activities'), current_user",
    signal,
  );
  if (isStandby === 't') {
    return [
      {
        severity,
        code: 'Standby',
        message: 'the server is a standby: only safetyLag covers late rows',
        fix: 'read from the primary, or set safetyLag',
      },
    ];
  }
  const findings: Finding[] = [];
  if (canSee !== 't') {
    findings.push({
      severity,
      code: 'LateRowsBySafetyLag',
      message: `${user} may not see the transactions of other users: in modes by timestamp only safetyLag covers late rows`,
      fix: `GRANT pg_read_all_stats TO ${quoteDouble(user ?? '')}`,
    });
  }
  if (isTracked !== 'on') {
    findings.push({
      severity,
      code: 'LateRowsBySafetyLag',
      message: 'track_activities is off: in modes by timestamp only safetyLag covers late rows',
      fix: 'ALTER SYSTEM SET track_activities = on; SELECT pg_reload_conf()',
    });
  }
  return findings;
}

/** Rights on the target and its schema; `entry` is undefined if the table will be created. */
export async function writeFindings(
  session: Session,
  name: TableName,
  entry: TableEntry | undefined,
  writeMode: WriteMode,
  signal: AbortSignal,
): Promise<readonly Finding[]> {
  const schema = literalText(name.schema);
  const commits = literalText(`${quoteDouble(name.schema)}."_idra_commits"`);
  const [[isStandby, user, canCreate, canUse] = []] = await session.query(
    `SELECT pg_is_in_recovery(), current_user, has_schema_privilege(${schema}, 'CREATE'), has_schema_privilege(${schema}, 'USAGE')`,
    signal,
  );
  // Without it the names below cannot even be looked up.
  if (canUse !== 't') return [missingRight(`use schema ${name.schema}`, grantUsage(name, user ?? ''))];
  const [[hasCommits, canTemp, database] = []] = await session.query(
    `SELECT to_regclass(${commits}) IS NOT NULL, has_database_privilege(current_database(), 'TEMP'), current_database()`,
    signal,
  );
  const who = quoteDouble(user ?? '');
  const findings: Finding[] = [];
  if (isStandby === 't') {
    findings.push({
      severity: 'error',
      code: 'ReadOnlyServer',
      message: 'the server is a standby and cannot be written',
      fix: 'point the DataSource at the primary',
    });
  }
  if (canCreate !== 't' && (hasCommits !== 't' || entry === undefined || writeMode === 'Replace')) {
    findings.push(
      missingRight(
        `create tables in schema ${name.schema}`,
        `GRANT CREATE ON SCHEMA ${quoteDouble(name.schema)} TO ${who}`,
      ),
    );
  }
  if (canTemp !== 't' && writeMode === 'Upsert') {
    findings.push(
      missingRight(
        'create temporary tables',
        `GRANT TEMPORARY ON DATABASE ${quoteDouble(database ?? '')} TO ${who}`,
      ),
    );
  }
  if (hasCommits === 't') findings.push(...(await commitTableFindings(session, name, signal)));
  if (entry) findings.push(...(await tableFindings(session, name, entry, writeMode, who, signal)));
  return findings;
}

/** A commit table that others can modify, which the claim would refuse. */
async function commitTableFindings(
  session: Session,
  { schema }: TableName,
  signal: AbortSignal,
): Promise<Finding[]> {
  try {
    await requireOwnTable(session, { schema, table: commitTableName }, 'commits', signal);
    return [];
  } catch (thrown) {
    if (!(thrown instanceof IdraError) || thrown.code !== 'OwnTableUnsafe') throw thrown;
    const { code, message, fix = '' } = thrown;
    return [{ severity: 'error', code, path: 'spec.destination.table', message, fix }];
  }
}

async function tableFindings(
  session: Session,
  name: TableName,
  entry: TableEntry,
  writeMode: WriteMode,
  who: string,
  signal: AbortSignal,
): Promise<Finding[]> {
  const rights = writeMode === 'Upsert' ? ['INSERT', 'SELECT', 'UPDATE'] : ['INSERT', 'SELECT'];
  const items = rights.map((right) => `has_table_privilege(${entry.oid}::oid, '${right}')`);
  const [row = []] = await session.query(`SELECT ${items.join(', ')}`, signal);
  const missing = rights.filter((_, index) => row[index] !== 't');
  const findings: Finding[] = [];
  if (missing.length > 0)
    findings.push(
      missingRight(
        `${missing.join(', ')} on ${entry.relation.name}`,
        `GRANT ${missing.join(', ')} ON ${quoteName(name)} TO ${who}`,
      ),
    );
  if (writeMode !== 'Replace') findings.push(...(await triggerFindings(session, entry, signal)));
  if (entry.isUnlogged) {
    findings.push({
      severity: 'warning',
      code: 'TableUnlogged',
      message: `${entry.relation.name} is UNLOGGED: a crash of the server empties it, but the offset stays`,
      fix: `ALTER TABLE ${quoteName(name)} SET LOGGED`,
    });
  }
  return findings;
}

/** Triggers that fire before a row is written. AFTER triggers see the row as it will stay, unless they write the table themselves. */
async function triggerFindings(
  session: Session,
  { oid, relation }: TableEntry,
  signal: AbortSignal,
): Promise<Finding[]> {
  const [eachRow, before, insertOrUpdate] = [1, 2, 4 | 16];
  const rows = await session.query(
    `SELECT tgname FROM pg_catalog.pg_trigger WHERE tgrelid = ${oid} AND NOT tgisinternal AND tgenabled IN ('O', 'A')
       AND tgtype & ${eachRow | before} = ${eachRow | before} AND tgtype & ${insertOrUpdate} <> 0
       AND tgfoid <> 'pg_catalog.suppress_redundant_updates_trigger'::regproc ORDER BY 1`,
    signal,
  );
  return triggersMayChange(
    relation.name,
    rows.map(([name]) => name ?? ''),
  );
}

/** With the right to create tables, which a destination needs as well unless all of its tables exist. */
function grantUsage({ schema }: TableName, user: string): string {
  return `GRANT USAGE, CREATE ON SCHEMA ${quoteDouble(schema)} TO ${quoteDouble(user)}`;
}

function missingRight(what: string, fix: string): Finding {
  return {
    severity: 'error',
    code: 'PermissionDenied',
    path: 'spec.destination.dataSource',
    message: `this user may not ${what}`,
    fix,
  };
}

/** Whether an index supports the field that a mode reads by. */
export async function indexFindingsOf(
  session: Session,
  mode: Mode,
  object: SourceObject,
  relation: Relation | undefined,
  signal: AbortSignal,
): Promise<Finding[]> {
  const field = fieldToIndex(mode, object, relation);
  if (field === undefined || relation?.identity === undefined) return [];
  const rows = await session.query(firstOfIndexesSql(relation.identity), signal);
  const first = rows.map(([name]) => name ?? '');
  return indexFindings(field, relation, mode, first);
}

/** Kinds of objects that cannot be written. */
export function kindFindings({ relation, kind }: TableEntry, path: string): Finding[] {
  if (kind === 'r' || kind === 'p') return [];
  return [
    {
      severity: 'error',
      code: 'NotATable',
      path,
      message: `${relation.name} is ${lookUp(kinds, kind) ?? 'not a table'}, but rows are written only to tables`,
      fix: 'name a table',
    },
  ];
}

const kinds: Readonly<Record<string, string>> = {
  v: 'a view',
  m: 'a materialized view',
  f: 'a foreign table',
};
