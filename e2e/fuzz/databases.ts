import { join } from 'node:path';
import { faultProxy } from '../kit/proxy.ts';
import type { MongodbServer, SqlServerDatabase } from '../kit/servers.ts';
import { startPooler } from './pooler.ts';
import type { Path } from './scenario/scenario.ts';
import type { Place } from './sessions.ts';
import { type DocumentSystemName, hasDocuments } from './systems/system.ts';

/** A database of a block, at one end. */
export interface FuzzDatabase extends Place {
  readonly database: string;
  /** A DataSource's spec; its password is in the Secret with this name. */
  dataSource(secret: string, through: Through | undefined): Readonly<Record<string, unknown>>;
  readonly password: string;
  openPath(path: Path): Promise<Through | undefined>;
}

/** A proxy or pooler between Idra and a server. */
export interface Through {
  readonly host: string;
  readonly port: number;
  /** Ends all connections, if it can. */
  cut?(): void;
  stop(): Promise<void>;
}

interface Address {
  readonly url: string;
  readonly host: string;
  readonly port: number;
  readonly database: string;
  readonly user: string;
  readonly password: string;
}

export function serverDatabase(
  system: 'postgres' | 'mysql' | 'mariadb',
  made: Address,
  folder: string,
): FuzzDatabase {
  const { url, host, port, database, user, password } = made;
  return {
    system,
    url,
    database,
    password,
    openPath: async (path) => {
      if (path === 'proxy') return await faultProxy(host, port);
      return path === 'pooler'
        ? await startPooler(join(folder, `pooler-${port}-${database}`), made)
        : undefined;
    },
    dataSource: (secret, through) => ({
      [system === 'postgres' ? 'postgres' : 'mysql']: {
        host: through?.host ?? host,
        port: through?.port ?? port,
        database,
        user,
        passwordSecretRef: { name: secret, key: 'password' },
      },
    }),
  };
}

export function sqliteDatabase(path: string): FuzzDatabase {
  return {
    system: 'sqlite',
    url: path,
    database: 'main',
    password: '',
    openPath: async () => undefined,
    dataSource: () => ({ sqlite: { path } }),
  };
}

export function sqlserverDatabase(
  { host, port, database, user, password }: SqlServerDatabase,
  writerSettings: readonly string[],
): FuzzDatabase {
  const url = new URL(`mssql://${host}:${port}/${database}`);
  url.username = user;
  url.password = password;
  return {
    system: 'sqlserver',
    url: url.href,
    database,
    password,
    writerSettings,
    idle: { reader: [], writer: [] },
    openPath: async (path) => (path === 'direct' ? undefined : await faultProxy(host, port)),
    dataSource: (secret, through) => ({
      sqlserver: {
        host: through?.host ?? host,
        port: through?.port ?? port,
        database,
        user,
        passwordSecretRef: { name: secret, key: 'password' },
        // The server that stands in for SQL Server has no TLS.
        tls: { mode: 'Disable' },
        allowCleartextPassword: true,
      },
    }),
  };
}

export function documentDatabase(
  system: DocumentSystemName,
  { host, port, user, password, adminUrl }: MongodbServer,
  database: string,
): FuzzDatabase {
  const url = new URL(adminUrl);
  url.pathname = `/${database}`;
  // Its users are those of the server.
  if (user !== undefined) url.searchParams.set('authSource', 'admin');
  return {
    system,
    url: url.href,
    database,
    password: password ?? '',
    openPath: async (path) => (path === 'direct' ? undefined : await faultProxy(host, port)),
    dataSource: (secret, through) => ({
      mongodb: {
        hosts: [`${through?.host ?? host}:${through?.port ?? port}`],
        database,
        tls: { mode: 'Disable' },
        ...(user !== undefined && { user, passwordSecretRef: { name: secret, key: 'password' } }),
      },
    }),
  };
}

/** A table's name in SQL, with its schema or database; the name of a collection. */
export function tableIn({ system, database }: FuzzDatabase, table: string): string {
  switch (system) {
    case 'postgres':
      return `public.${table}`;
    case 'mysql':
    case 'mariadb':
      return `\`${database}\`.${table}`;
    case 'sqlserver':
      return `dbo.${table}`;
    default:
      return table;
  }
}

/** What a Sync names: `{ table: ... }` or `{ collection: ... }`. */
export function manifestObject(
  { system, database }: FuzzDatabase,
  table: string,
): Readonly<Record<string, string>> {
  if (hasDocuments(system)) return { collection: table };
  const schema = {
    postgres: 'public.',
    mysql: `${database}.`,
    mariadb: `${database}.`,
    sqlserver: 'dbo.',
    sqlite: '',
  };
  return { table: `${schema[system]}${table}` };
}
