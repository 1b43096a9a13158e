import { randomBytes } from 'node:crypto';
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import mysql from 'mysql2/promise';
import { type Certificates, makeCertificates } from '../certificates.ts';
import { freePort } from '../free-port.ts';
import type { RunningProcess } from '../processes.ts';
import { dataFolder, ServerProcess } from './server-process.ts';

/** For a test, MySQL and MariaDB differ only in how they are found and started. */
export interface MysqlOptions {
  /** Server options: `{ 'local-infile': '0' }`. A server with its own settings is not shared. */
  readonly settings?: Readonly<Record<string, string>>;
  /** Serve TLS with a test certificate for localhost and 127.0.0.1. */
  readonly tls?: boolean;
  /** A server for this test only, which may be killed. */
  readonly own?: boolean;
}

export interface MysqlDatabase {
  readonly url: string;
  readonly host: string;
  readonly port: number;
  readonly database: string;
  /** Has all rights in the database, and no others. */
  readonly user: string;
  readonly password: string;
}

export interface MysqlServer {
  readonly host: string;
  readonly port: number;
  /** Has every right. */
  readonly user: string;
  readonly password: string;
  readonly adminUrl: string;
  readonly certificates?: Certificates;
  /** A database with a user of the same name. */
  createDatabase(name?: string): Promise<MysqlDatabase>;
  /** Runs one statement with every right; returns the rows. */
  query(sql: string, database?: string): Promise<Record<string, unknown>[]>;
  /** The process, if this test owns it. */
  readonly process: ServerProcess | undefined;
  /** Stops a server that this test owns; on a shared one, drops what was created here. */
  stop(): Promise<void>;
}

export interface ServerFolders {
  readonly data: string;
  /** Each server has its own TMPDIR, because a server that starts deletes the temporary tables of all servers there. */
  readonly env: { readonly TMPDIR: string };
}

/** How one of the two is started in a prepared folder. */
export interface MysqlRecipe {
  readonly name: 'mysql' | 'mariadb';
  find(): Promise<string>;
  initialise(bin: string, folders: ServerFolders): Promise<void>;
  start(bin: string, folders: ServerFolders, port: number, args: readonly string[]): Promise<RunningProcess>;
}

/** Like in production, except for what waits for the disk, because there are many tests. */
const defaultSettings: Readonly<Record<string, string>> = {
  'local-infile': '1',
  'innodb-flush-log-at-trx-commit': '2',
  'innodb-buffer-pool-size': '64M',
  'max-connections': '200',
};

const sharedUrls = new Map<string, Promise<string>>();

export async function mysqlServer(recipe: MysqlRecipe, options: MysqlOptions): Promise<MysqlServer> {
  if (options.own || options.tls || options.settings) return await startServer(recipe, options);
  const given = process.env[`IDRA_TEST_${recipe.name.toUpperCase()}_URL`];
  const start = () =>
    given ? Promise.resolve(given) : startServer(recipe, {}).then((server) => server.adminUrl);
  const url = sharedUrls.get(recipe.name) ?? start();
  sharedUrls.set(recipe.name, url);
  return describe(new URL(await url));
}

async function startServer(recipe: MysqlRecipe, { settings = {}, tls }: MysqlOptions): Promise<MysqlServer> {
  const bin = await recipe.find();
  const folder = await dataFolder(recipe.name);
  const folders = { data: join(folder, 'data'), env: { TMPDIR: join(folder, 'tmp') } };
  await mkdir(folders.env.TMPDIR);
  const url = new URL('mysql://idra_admin@127.0.0.1');
  url.password = randomBytes(12).toString('hex');
  url.port = String(await freePort());
  const certificates = tls ? await makeCertificates(join(folder, 'tls')) : undefined;

  await recipe.initialise(bin, folders);
  // Run at each start, before the server listens.
  const initFile = join(folder, 'init.sql');
  const admin = `create user if not exists idra_admin@'%' identified by '${url.password}';\n`;
  await writeFile(initFile, `${admin}grant all on *.* to idra_admin@'%' with grant option;\n`, {
    mode: 0o600,
  });
  const all = { 'init-file': initFile, ...defaultSettings, ...tlsSettings(certificates), ...settings };
  const args = Object.entries(all).map(([key, value]) => `--${key}=${value}`);

  const server = await ServerProcess.start({
    folder,
    start: () => recipe.start(bin, folders, Number(url.port), args),
    answers: () => query(url, 'select 1'),
  });
  return describe(url, server, certificates);
}

function tlsSettings(certificates: Certificates | undefined): Record<string, string> {
  if (!certificates) return {};
  return {
    'ssl-ca': certificates.caFile,
    'ssl-cert': certificates.certFile,
    'ssl-key': certificates.keyFile,
  };
}

function describe(url: URL, server?: ServerProcess, certificates?: Certificates): MysqlServer {
  const made: string[] = [];
  const admin = (sql: string, database?: string) => query(url, sql, database);
  return {
    host: url.hostname,
    port: Number(url.port || 3306),
    user: decodeURIComponent(url.username),
    password: decodeURIComponent(url.password),
    adminUrl: url.href,
    ...(certificates && { certificates }),
    process: server,
    query: admin,
    createDatabase: async (name = `t_${randomBytes(5).toString('hex')}`) => {
      const password = randomBytes(12).toString('hex');
      await admin(`create database \`${name}\` character set utf8mb4`);
      made.push(name);
      await admin(`create user '${name}'@'%' identified by '${password}'`);
      // Underscores are wildcards in the name of a grant.
      await admin(`grant all on \`${name.replaceAll('_', '\\_')}\`.* to '${name}'@'%'`);
      return describeDatabase(url, name, password);
    },
    stop: async () => {
      if (server) return await server.stop();
      for (const name of made.splice(0)) {
        await admin(`drop database if exists \`${name}\``);
        await admin(`drop user if exists '${name}'@'%'`);
      }
    },
  };
}

function describeDatabase(admin: URL, name: string, password: string): MysqlDatabase {
  const url = new URL(admin);
  url.username = name;
  url.password = password;
  url.pathname = `/${name}`;
  const { hostname: host, port } = url;
  return { url: url.href, host, port: Number(port || 3306), database: name, user: name, password };
}

async function query(admin: URL, sql: string, database?: string): Promise<Record<string, unknown>[]> {
  const connection = await mysql.createConnection({
    host: admin.hostname,
    port: Number(admin.port || 3306),
    user: decodeURIComponent(admin.username),
    password: decodeURIComponent(admin.password),
    ...(database !== undefined && { database }),
  });
  try {
    const [rows] = await connection.query(sql);
    return Array.isArray(rows) ? (rows as Record<string, unknown>[]) : [];
  } finally {
    await connection.end();
  }
}
