import { type Finding, IdraError } from '../../core/errors.ts';
import type { WriteMode } from '../../core/sync-spec.ts';
import { passwordFindings } from '../sql/connection/password-rule.ts';
import { triggersMayChange } from '../sql/destination/trigger-finding.ts';
import { joinName } from '../sql/names.ts';
import { objectId } from './catalog.ts';
import { quoteBracket, quoteName, type TableName } from './names.ts';
import type { Session } from './session.ts';
import { literalText } from './types/literals.ts';

/** The database user that rights are granted to. */
export async function currentUser(session: Session, signal: AbortSignal): Promise<string> {
  const [[user] = []] = await session.query('SELECT USER_NAME()', signal);
  return quoteBracket(String(user));
}

export async function selectGrant(session: Session, name: TableName, signal: AbortSignal): Promise<string> {
  return `GRANT SELECT ON ${quoteName(name)} TO ${await currentUser(session, signal)}`;
}

interface Right {
  readonly name: string;
  readonly scope: 'table' | 'schema' | 'database';
}

const onTable: readonly Right[] = ['SELECT', 'INSERT', 'UPDATE'].map((name) => ({ name, scope: 'schema' }));
const toCreate: readonly Right[] = [
  { name: 'CREATE TABLE', scope: 'database' },
  { name: 'ALTER', scope: 'schema' },
];

/** Rights that writing this table requires and the user lacks, with the statements that grant them. */
export async function writeFindings(
  session: Session,
  name: TableName,
  { writeMode, isCreated }: { readonly writeMode: WriteMode; readonly isCreated: boolean },
  signal: AbortSignal,
): Promise<readonly Finding[]> {
  const needed = [...onTable, ...(isCreated || writeMode === 'Replace' ? toCreate : toCreate.slice(0, 1))];
  const schema = quoteBracket(name.schema);
  const asked = needed.map(({ name: right, scope }) =>
    scope === 'database'
      ? `HAS_PERMS_BY_NAME(DB_NAME(), 'DATABASE', '${right}')`
      : `HAS_PERMS_BY_NAME(${literalText(schema)}, 'SCHEMA', '${right}')`,
  );
  const onObject = onTable.map(
    ({ name: right }) => `HAS_PERMS_BY_NAME(${literalText(quoteName(name))}, 'OBJECT', '${right}')`,
  );
  const [row = []] = await session.query(`SELECT ${[...asked, ...onObject].join(', ')}`, signal);
  const missing = needed.filter((right, index) => {
    const ofTable = right.scope === 'schema' ? row[needed.length + onTable.indexOf(right)] : 0;
    return Number(row[index]) !== 1 && Number(ofTable ?? 0) !== 1;
  });
  if (missing.length === 0) return [];
  const user = await currentUser(session, signal);
  const grants = missing.map(({ name: right, scope }) =>
    scope === 'database' ? `GRANT ${right} TO ${user}` : `GRANT ${right} ON SCHEMA::${schema} TO ${user}`,
  );
  return [
    {
      severity: 'error',
      code: 'PermissionDenied',
      path: 'spec.destination.dataSource',
      message: `this user lacks ${missing.map(({ name: right }) => right).join(', ')} for schema ${name.schema}`,
      fix: grants.join('; '),
    },
  ];
}

/** What a DataSource's check reports. A user need not have every right for every sync. */
export async function systemFindings(session: Session, signal: AbortSignal): Promise<readonly Finding[]> {
  const findings = passwordFindings(session.rule, true);
  const { facts } = session;
  const [[mayView] = []] = await session.query(
    "SELECT HAS_PERMS_BY_NAME(NULL, NULL, 'VIEW SERVER STATE')",
    signal,
  );
  if (Number(mayView) !== 1) {
    findings.push({
      // A Sync that reads with a mode by id or timestamp warns of it by itself.
      severity: 'info',
      code: 'LateRowsBySafetyLag',
      message:
        'as a source: without the right VIEW SERVER STATE open transactions cannot be seen, and only safetyLag covers late rows, except for a rowversion',
      fix: `GRANT VIEW SERVER STATE TO the login of ${await currentUser(session, signal)}`,
    });
  }
  if (facts.isReadOnly) {
    findings.push({
      severity: 'info',
      code: 'ReadOnlyServer',
      message: 'the database is read-only: it can be a source, with safetyLag, but not a destination',
    });
  }
  if (!facts.allowsSnapshot && !facts.readsVersions) {
    findings.push({
      severity: 'info',
      code: 'ReadersWait',
      message:
        'as a source: the database keeps no row versions, so reading waits for transactions that have changed rows, and they wait for readers',
      fix: 'ALTER DATABASE CURRENT SET ALLOW_SNAPSHOT_ISOLATION ON',
    });
  }
  return findings;
}

/** Triggers of the target, and what else acts on each written row. */
export async function triggerFindings(
  session: Session,
  name: TableName,
  signal: AbortSignal,
): Promise<readonly Finding[]> {
  const sql = `SELECT name FROM sys.triggers WHERE parent_id = ${objectId(name)} AND is_disabled = 0 ORDER BY name`;
  const rows = await session.query(sql, signal).catch((thrown: unknown) => {
    if (thrown instanceof IdraError && thrown.disposition === 'permanent') return [];
    throw thrown;
  });
  return triggersMayChange(
    joinName([name.schema, name.table]),
    rows.map(([trigger]) => String(trigger)),
  );
}
