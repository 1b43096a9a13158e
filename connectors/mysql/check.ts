import type { Finding } from '../../core/errors.ts';
import type { WriteMode } from '../../core/sync-spec.ts';
import { passwordFindings } from '../sql/connection/password-rule.ts';
import { triggersMayChange } from '../sql/destination/trigger-finding.ts';
import { accountOf } from './connection/refusal.ts';
import { quoteForGrant, type TableName } from './names.ts';
import type { Session } from './session.ts';
import { literalText } from './types/literals.ts';

const forEveryWrite = ['SELECT', 'INSERT', 'UPDATE', 'CREATE'];
const forMode: Readonly<Record<WriteMode, readonly string[]>> = {
  Append: [],
  Upsert: ['CREATE TEMPORARY TABLES'],
  Replace: ['ALTER', 'DELETE', 'DROP'],
};

/** Rights that writing this table requires and the user lacks, with the statement that grants them. */
export async function writeFindings(
  session: Session,
  name: TableName,
  writeMode: WriteMode,
  signal: AbortSignal,
): Promise<readonly Finding[]> {
  const held = await rightsIn(session, name, signal);
  if (!held) return [];
  const missing = [...forEveryWrite, ...forMode[writeMode]].filter((right) => !held.has(right));
  if (missing.length === 0) return [];
  return [
    {
      severity: 'error',
      code: 'PermissionDenied',
      path: 'spec.destination.dataSource',
      message: `this user lacks ${missing.join(', ')} in database ${name.schema}`,
      fix: `GRANT ${missing.join(', ')} ON ${quoteForGrant(name.schema)}.* TO ${await currentUser(session, signal)}`,
    },
  ];
}

/** Undefined if a role is active, because the rights of a role are not listed. */
async function rightsIn(
  session: Session,
  { schema, table }: TableName,
  signal: AbortSignal,
): Promise<ReadonlySet<string> | undefined> {
  const [[role] = []] = await session.query('SELECT CURRENT_ROLE()', signal);
  if (role !== null && role !== undefined && role !== 'NONE') return undefined;
  const grantee = "GRANTEE = CONCAT('''', REPLACE(CURRENT_USER(), '@', '''@'''), '''')";
  const database = `${literalText(schema)} LIKE TABLE_SCHEMA`;
  const rows = await session.query(
    `SELECT PRIVILEGE_TYPE FROM information_schema.USER_PRIVILEGES WHERE ${grantee}
     UNION SELECT PRIVILEGE_TYPE FROM information_schema.SCHEMA_PRIVILEGES WHERE ${grantee} AND ${database}
     UNION SELECT PRIVILEGE_TYPE FROM information_schema.TABLE_PRIVILEGES WHERE ${grantee} AND TABLE_SCHEMA = ${literalText(schema)} AND TABLE_NAME = ${literalText(table)}`,
    signal,
  );
  return new Set(rows.map(([right]) => String(right).toUpperCase()));
}

export async function currentUser(session: Session, signal: AbortSignal): Promise<string> {
  return await session.guard(() => accountOf(session), signal);
}

/** What a DataSource's check reports. A user need not have every right for every sync. */
export async function systemFindings(session: Session, signal: AbortSignal): Promise<readonly Finding[]> {
  const findings = passwordFindings(session.rule, true);
  const { facts } = session;
  if (facts.textCollation === 'utf8mb4_bin') {
    findings.push({
      severity: 'error',
      code: 'ServerTooOld',
      path: 'spec.mysql.host',
      message: `${facts.version} has no collation in which 'a' and 'a ' differ`,
      fix: 'use MySQL 8.0.17 or later, or MariaDB 10.6 or later',
    });
  }
  const user = await currentUser(session, signal);
  const mayProcess = await session.query(
    "SELECT 1 FROM information_schema.USER_PRIVILEGES WHERE PRIVILEGE_TYPE = 'PROCESS' AND GRANTEE = CONCAT('''', REPLACE(CURRENT_USER(), '@', '''@'''), '''')",
    signal,
  );
  if (mayProcess.length === 0) {
    findings.push({
      // A Sync that reads with a mode by id or timestamp warns of it by itself.
      severity: 'info',
      code: 'LateRowsBySafetyLag',
      message:
        'as a source: without the right PROCESS open transactions cannot be seen, and only safetyLag covers late rows',
      fix: `GRANT PROCESS ON *.* TO ${user}`,
    });
  }
  if (!facts.hasLocalInfile) {
    findings.push({
      severity: 'info',
      code: 'NoLocalInfile',
      message:
        'as a destination: local_infile is off, and rows are written by INSERT, which is slower than LOAD DATA',
      fix: 'SET GLOBAL local_infile = 1',
    });
  }
  if (facts.isReplica) {
    findings.push({
      severity: 'info',
      code: 'ReadOnlyServer',
      message: 'the server is read-only: it can be a source, with safetyLag, but not a destination',
    });
  }
  return findings;
}

/** Triggers that fire before a row is written. AFTER triggers are left out: they cannot write their own table. */
export async function triggerFindings(
  session: Session,
  name: TableName,
  signal: AbortSignal,
): Promise<readonly Finding[]> {
  const { schema, table } = name;
  const rows = await session.query(
    `SELECT TRIGGER_NAME FROM information_schema.TRIGGERS WHERE EVENT_OBJECT_SCHEMA = ${literalText(schema)}
       AND EVENT_OBJECT_TABLE = ${literalText(table)} AND ACTION_TIMING = 'BEFORE' AND EVENT_MANIPULATION IN ('INSERT', 'UPDATE') ORDER BY 1`,
    signal,
  );
  const held = await rightsIn(session, name, signal);
  if (held && !held.has('TRIGGER'))
    return [triggersNotSeen(`${schema}.${table}`, await currentUser(session, signal), schema)];
  return triggersMayChange(
    `${schema}.${table}`,
    rows.map(([trigger]) => String(trigger)),
  );
}

function triggersNotSeen(table: string, user: string, schema: string): Finding {
  return {
    severity: 'info',
    code: 'TriggersNotSeen',
    path: 'spec.destination.table',
    message: `only users with the right TRIGGER can see whether ${table} has triggers, which may change rows as they are written`,
    fix: `GRANT TRIGGER ON ${quoteForGrant(schema)}.* TO ${user}, or make sure that there are none`,
  };
}
