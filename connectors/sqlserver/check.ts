import { type Finding, IdraError } from '../../core/errors.ts';
import type { WriteMode } from '../../core/sync-spec.ts';
import type { Relation } from '../../core/values.ts';
import { passwordFindings } from '../sql/connection/password-rule.ts';
import { commitTableName } from '../sql/destination/commit-table.ts';
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

/** Of the table and of the commit table beside it. */
const rowRights = ['SELECT', 'INSERT', 'UPDATE'] as const;

interface Right {
  readonly name: string;
  /** A condition that is true if the user has it. */
  readonly held: string;
  readonly grantedOn: string;
}

export interface WriteUse {
  readonly writeMode: WriteMode;
  /** The table, or null if it is created. */
  readonly existing: Pick<Relation, 'columns'> | null;
}

/** Rights that writing this table requires and the user lacks, with the statements that grant them. */
export async function writeFindings(
  session: Session,
  name: TableName,
  use: WriteUse,
  signal: AbortSignal,
): Promise<readonly Finding[]> {
  const commits: TableName = { schema: name.schema, table: commitTableName };
  const [[hasCommits] = []] = await session.query(`SELECT ${objectId(commits)}`, signal);
  const tables = [
    { name, exists: use.existing !== null },
    { name: commits, exists: hasCommits !== null && hasCommits !== undefined },
  ];
  const needed = neededRights(name, tables, use);
  const asked = needed.map(({ held }) => `CASE WHEN ${held} = 1 THEN 1 ELSE 0 END`);
  const [row = []] = await session.query(`SELECT ${asked.join(', ')}`, signal);
  const missing = needed.filter((_, index) => Number(row[index]) !== 1);
  if (missing.length === 0) return [];
  const user = await currentUser(session, signal);
  const names = [...new Set(missing.map((right) => right.name))];
  const grants = missing.map((right) => `GRANT ${right.name}${right.grantedOn} TO ${user}`);
  return [
    {
      severity: 'error',
      code: 'PermissionDenied',
      path: 'spec.destination.dataSource',
      message: `this user lacks ${names.join(', ')} for schema ${name.schema}`,
      fix: [...new Set(grants)].join('; '),
    },
  ];
}

function neededRights(
  { schema }: TableName,
  tables: readonly { readonly name: TableName; readonly exists: boolean }[],
  { writeMode, existing }: WriteUse,
): readonly Right[] {
  const onSchema = ` ON SCHEMA::${quoteBracket(schema)}`;
  const ofSchema = (right: string) =>
    `HAS_PERMS_BY_NAME(${literalText(quoteBracket(schema))}, 'SCHEMA', '${right}')`;
  const ofTable = (name: TableName, right: string) =>
    `HAS_PERMS_BY_NAME(${literalText(quoteName(name))}, 'OBJECT', '${right}')`;
  const rows = tables.flatMap(({ name, exists }) =>
    rowRights.map((right): Right => {
      return {
        name: right,
        held: exists ? ofTable(name, right) : ofSchema(right),
        grantedOn: onSchema,
      };
    }),
  );
  const creates = writeMode === 'Replace' || tables.some(({ exists }) => !exists);
  const [target] = tables;
  // Values of an identity column are written with IDENTITY_INSERT.
  const isNumbered = existing?.columns.some(({ isIdentity }) => isIdentity) ?? false;
  return [
    ...rows,
    ...(creates
      ? [
          {
            name: 'CREATE TABLE',
            held: `HAS_PERMS_BY_NAME(${ownDatabase}, 'DATABASE', 'CREATE TABLE')`,
            grantedOn: '',
          },
          { name: 'ALTER', held: ofSchema('ALTER'), grantedOn: onSchema },
        ]
      : isNumbered && target
        ? [{ name: 'ALTER', held: ofTable(target.name, 'ALTER'), grantedOn: ` ON ${quoteName(target.name)}` }]
        : []),
  ];
}

const ownDatabase = 'QUOTENAME(DB_NAME())';

/** What the server hides from this user without an error: rows by a security policy, values by masks and encryption. */
export async function hiddenFindings(
  session: Session,
  name: TableName,
  signal: AbortSignal,
): Promise<readonly Finding[]> {
  const id = objectId(name);
  const [table, object] = [joinName([name.schema, name.table]), literalText(quoteName(name))];
  const policies = await namesIn(
    session,
    `SELECT p.name FROM sys.security_predicates AS f JOIN sys.security_policies AS p ON p.object_id = f.object_id
     WHERE f.target_object_id = ${id} AND f.predicate_type = 0 AND p.is_enabled = 1 ORDER BY p.name`,
    signal,
  );
  const unmasks = [
    `HAS_PERMS_BY_NAME(${ownDatabase}, 'DATABASE', 'UNMASK')`,
    `HAS_PERMS_BY_NAME(${object}, 'OBJECT', 'UNMASK')`,
    `HAS_PERMS_BY_NAME(${object}, 'OBJECT', 'UNMASK', QUOTENAME(c.name), 'COLUMN')`,
  ];
  const masked = await namesIn(
    session,
    `SELECT c.name FROM sys.columns AS c WHERE c.object_id = ${id} AND c.is_masked = 1
       AND ${unmasks.map((each) => `COALESCE(${each}, 0) = 0`).join(' AND ')} ORDER BY c.column_id`,
    signal,
  );
  const encrypted = await namesIn(
    session,
    `SELECT c.name FROM sys.columns AS c WHERE c.object_id = ${id} AND c.encryption_type IS NOT NULL ORDER BY c.column_id`,
    signal,
  );
  const findings: Finding[] = [];
  if (policies.length > 0)
    findings.push({
      severity: 'warning',
      code: 'RowSecurity',
      message: `security policies (${policies.join(', ')}) may hide rows of ${table} from this user`,
      fix: 'let the predicates of the policies show all rows to the user of the DataSource',
    });
  if (masked.length > 0)
    findings.push({
      severity: 'error',
      code: 'ValuesMasked',
      message: `columns of ${table} are masked for this user, who would copy other values than the stored ones: ${masked.join(', ')}`,
      fix: `GRANT UNMASK TO ${await currentUser(session, signal)}, or leave the columns out with source.query`,
    });
  if (encrypted.length > 0)
    findings.push({
      severity: 'error',
      code: 'ValuesMasked',
      message: `columns of ${table} are encrypted by their clients (Always Encrypted), so that their encrypted bytes would be copied: ${encrypted.join(', ')}`,
      fix: 'leave the columns out with source.query',
    });
  return findings;
}

/** A system that does not know a view of the catalogue has none of its objects. */
async function namesIn(session: Session, sql: string, signal: AbortSignal): Promise<readonly string[]> {
  const rows = await session.query(sql, signal).catch((thrown: unknown) => {
    if (thrown instanceof IdraError && thrown.disposition === 'permanent') return [];
    throw thrown;
  });
  return rows.map(([each]) => String(each));
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
  return triggersMayChange(joinName([name.schema, name.table]), await namesIn(session, sql, signal));
}
