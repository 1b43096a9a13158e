import { randomBytes } from 'node:crypto';
import { homedir } from 'node:os';
import { join } from 'node:path';
import { Connection, Request } from 'tedious';
import { freePort } from '../free-port.ts';
import { startProcess } from '../processes.ts';
import { addViews, endSessions } from './babelfish.ts';
import { findServer, inFolders } from './find.ts';
import { dataFolder, ServerProcess } from './server-process.ts';

export interface SqlServerDatabase {
  readonly host: string;
  readonly port: number;
  readonly database: string;
  /** Has every right, too. */
  readonly user: string;
  readonly password: string;
}

export type SqlServerCell = string | number | boolean | Buffer | Date | null;

export interface SqlServer {
  readonly host: string;
  readonly port: number;
  /** Has every right. */
  readonly user: string;
  readonly password: string;
  readonly adminUrl: string;
  createDatabase(name?: string): Promise<SqlServerDatabase>;
  /** Runs statements with every right; returns the rows of the last one. */
  query(sql: string, database?: string): Promise<SqlServerCell[][]>;
  /** Ends sessions as an administrator would; one that has ended meanwhile is no error. */
  endSessions(ids: readonly number[]): Promise<void>;
  /** The process, if this test owns it. */
  readonly process: ServerProcess | undefined;
  stop(): Promise<void>;
}

/** A local server that somebody has installed for tests: `bin/start DATADIR PORT` runs it in the foreground, with the user sa. */
const local = inFolders(
  join(process.env.IDRA_TEST_SERVERS ?? join(homedir(), '.cache/idra-test-servers'), 'sqlserver/bin'),
  ['start'],
);

let shared: Promise<SqlServer> | undefined;

/** A running SQL Server, or what stands in for it: shared by all test files, unless a separate one is required for this test. */
export async function sqlserver({ own = false }: { readonly own?: boolean } = {}): Promise<SqlServer> {
  if (own) return await startServer();
  const given = process.env.IDRA_TEST_SQLSERVER_URL;
  shared ??= given ? Promise.resolve(describe(new URL(given))) : startServer();
  return describe(new URL((await shared).adminUrl));
}

async function startServer(): Promise<SqlServer> {
  const bin = await findServer('sqlserver', [local]);
  const folder = await dataFolder('sqlserver');
  const url = new URL('mssql://sa@127.0.0.1');
  // The server may use the port after it for itself.
  url.port = String(await freePort());
  url.password = randomBytes(12).toString('hex');
  const env = { SA_PASSWORD: url.password };
  const server = await ServerProcess.start({
    folder,
    start: () => startProcess(join(bin, 'start'), [join(folder, 'data'), url.port], { env }),
    answers: () => runOnce(addressOf(url), 'SELECT 1'),
  });
  if (await isBabelfish(addressOf(url))) await addViews(addressOf(url));
  return describe(url, server);
}

/** What stands in for SQL Server. */
async function isBabelfish(address: Address): Promise<boolean> {
  const [[version] = []] = await runOnce(address, 'SELECT @@VERSION');
  return String(version).startsWith('Babelfish');
}

let creating: Promise<unknown> = Promise.resolve();

function describe(url: URL, server?: ServerProcess): SqlServer {
  const made: string[] = [];
  const address = addressOf(url);
  const query: SqlServer['query'] = (sql, database) =>
    runOnce({ ...address, ...(database !== undefined && { database }) }, sql);
  return {
    ...address,
    adminUrl: url.href,
    process: server,
    query,
    createDatabase: (name = `t_${randomBytes(5).toString('hex')}`) => {
      const create = async () => {
        const password = `Aa1-${randomBytes(12).toString('hex')}`;
        await query(`CREATE DATABASE [${name}]`);
        made.push(name);
        await query(`CREATE LOGIN [${name}] WITH PASSWORD = '${password}'`);
        // Not only owner of the database: the server that stands in for SQL Server lets nobody else rename.
        await query(`ALTER SERVER ROLE sysadmin ADD MEMBER [${name}]`);
        return { host: address.host, port: address.port, database: name, user: name, password };
      };
      // One at a time: the server that stands in for SQL Server cannot grant two of them at once ("tuple concurrently updated").
      const created = creating.then(create);
      creating = created.catch(() => {});
      return created;
    },
    endSessions: async (ids) => {
      if (await isBabelfish(address)) return await endSessions(address, ids);
      for (const id of ids) await query(`KILL ${id}`).catch(() => {});
    },
    stop: async () => {
      if (server) return await server.stop();
      for (const name of made.splice(0)) {
        await query(`DROP DATABASE IF EXISTS [${name}]`).catch(() => {});
        await query(`DROP LOGIN [${name}]`).catch(() => {});
      }
    },
  };
}

function addressOf(url: URL) {
  return {
    host: url.hostname,
    port: Number(url.port || 1_433),
    user: decodeURIComponent(url.username),
    password: decodeURIComponent(url.password),
  };
}

type Address = Omit<SqlServerDatabase, 'database'> & { readonly database?: string };

/** One session, without anything of Idra's. */
export async function openSqlServer({
  host,
  port,
  user,
  password,
  database,
}: Address): Promise<SqlServerSession> {
  const connection = new Connection({
    server: host,
    authentication: { type: 'default', options: { userName: user, password } },
    options: {
      port,
      ...(database !== undefined && { database }),
      encrypt: false,
      requestTimeout: 0,
      connectTimeout: 20_000,
      lowerCaseGuids: true,
      useUTC: true,
    },
  });
  connection.on('error', () => {});
  let hasEnded = false;
  const ended = new Promise<void>((resolve) =>
    connection.once('end', () => {
      hasEnded = true;
      resolve();
    }),
  );
  await new Promise<void>((resolve, reject) =>
    connection.connect((error) => (error ? reject(error) : resolve())),
  );
  return {
    query: (sql) => runIn(connection, sql),
    close: async () => {
      if (hasEnded) return;
      connection.close();
      await ended;
    },
  };
}

export interface SqlServerSession {
  /** Rows of the last statement that returns some. */
  query(sql: string): Promise<SqlServerCell[][]>;
  close(): Promise<void>;
}

function runIn(connection: Connection, sql: string): Promise<SqlServerCell[][]> {
  return new Promise((resolve, reject) => {
    let rows: SqlServerCell[][] = [];
    const request = new Request(sql, (error) => (error ? reject(error) : resolve(rows)));
    request.on('columnMetadata', () => {
      rows = [];
    });
    request.on('row', (cells) => {
      rows.push((cells as unknown as { readonly value: SqlServerCell }[]).map((cell) => cell.value));
    });
    connection.execSqlBatch(request);
  });
}

async function runOnce(address: Address, sql: string): Promise<SqlServerCell[][]> {
  const session = await openSqlServer(address);
  try {
    return await session.query(sql);
  } finally {
    await session.close();
  }
}
