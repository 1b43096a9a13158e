import { boundedText } from '../../../core/bounded-text.ts';
import { permanent } from '../../../core/errors.ts';
import type { Result } from './statements.ts';

/** Facts about the server that statements depend on. */
export interface ServerFacts {
  /** `SQL Server 16.0.4135.4`, `Azure SQL 12.0.2000.8`. */
  readonly version: string;
  /** The schema of tables whose names have none. */
  readonly defaultSchema: string;
  /** Statements may read a snapshot (ALLOW_SNAPSHOT_ISOLATION). */
  readonly allowsSnapshot: boolean;
  /** READ COMMITTED reads row versions and waits for nobody. */
  readonly readsVersions: boolean;
  /** A readable secondary, or a database that is read-only. */
  readonly isReadOnly: boolean;
  /** Identifiers of the database, whatever its address. */
  readonly identity: readonly string[];
  readonly spid: number;
}

/** `azureEngines`: values of EngineEdition. */
const azureEngines: ReadonlySet<string> = new Set(['5', '8']);
const oldestMajor = 12;
/** They are kept as long as the connection lives. */
const longestFact = 256;
const noIdentity = /^(0{8}-0{4}-0{4}-0{4}-0{12})?$/;

const factsSql = `SELECT CONVERT(nvarchar(128), SERVERPROPERTY('ProductVersion')), CONVERT(nvarchar(128), SERVERPROPERTY('EngineEdition')),
  SCHEMA_NAME(), CONVERT(nvarchar(128), DATABASEPROPERTYEX(DB_NAME(), 'Updateability')), @@SPID`;

/** Some systems that speak the protocol do not have these columns, and then nothing of it. */
const databaseSql = `SELECT snapshot_isolation_state, is_read_committed_snapshot_on, CONVERT(nvarchar(36), service_broker_guid)
  FROM sys.databases WHERE database_id = DB_ID()`;

export async function readFacts(
  run: (sql: string) => Promise<readonly Result[]>,
  where: string,
): Promise<ServerFacts> {
  const [row = []] = (await run(factsSql))[0]?.rows ?? [];
  const [version, engine, schema, updateability, spid] = row.map((cell) =>
    cell === null ? '' : boundedText(String(cell), longestFact),
  );
  const isAzure = azureEngines.has(engine ?? '');
  const major = Number(/^\d+/.exec(version ?? '')?.[0]);
  if (!isAzure && major < oldestMajor) throw tooOld(where, version ?? '');
  const [[snapshot, versions, guid] = []] = await run(databaseSql).then(
    (results) => results[0]?.rows ?? [],
    () => [],
  );
  return {
    version: `${isAzure ? 'Azure SQL' : 'SQL Server'} ${/^\d+(\.\d+)*/.exec(version ?? '')?.[0] ?? 'unknown'}`,
    defaultSchema: schema === '' ? 'dbo' : (schema ?? 'dbo'),
    allowsSnapshot: Number(snapshot) === 1,
    readsVersions: Number(versions) === 1,
    isReadOnly: updateability === 'READ_ONLY',
    identity: noIdentity.test(String(guid ?? ''))
      ? []
      : [boundedText(String(guid), longestFact).toLowerCase()],
    spid: Number(spid),
  };
}

function tooOld(where: string, version: string): Error {
  return permanent('ServerTooOld', `${where}: SQL Server ${version} is not supported`, {
    path: 'spec.sqlserver.host',
    fix: 'use SQL Server 2014 (12.0) or later',
  });
}
