import { join } from 'node:path';
import { faultProxy } from '../kit/proxy.ts';
import { type MysqlServer, mariadb, mysql, type PostgresServer, postgres } from '../kit/servers.ts';
import type { SystemName } from '../kit/systems.ts';
import { until } from '../kit/wait.ts';
import { preparations } from '../pairs/types/postgres.ts';
import { startPooler } from './pooler.ts';
import type { End, Path } from './scenario/scenario.ts';
import { type BlockSettings, blockSettings, type ChosenSetting } from './scenario/settings.ts';
import type { Place } from './sessions.ts';

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

type Server = PostgresServer | MysqlServer;

/** One of the tester's own servers has ended by itself. */
export class ServerDied extends Error {
  constructor(system: SystemName, end: string) {
    super(`the ${system} of the tester has ended: ${end}`);
  }
}

/** The servers of this run, which nobody else uses, because their settings are changed. */
export class FuzzServers {
  readonly #servers = new Map<SystemName, Promise<Server>>();

  get(system: Exclude<SystemName, 'sqlite'>): Promise<Server> {
    const start = { postgres: startPostgres, mysql: startMysql, mariadb: startMariadb }[system];
    const started = this.#servers.get(system) ?? start();
    this.#servers.set(system, started);
    return started;
  }

  /** Throws ServerDied. What a Sync did meanwhile shows nothing about the product. */
  async requireAlive(): Promise<void> {
    for (const [system, starting] of this.#servers) {
      const server = await starting.catch(() => undefined);
      if (server?.process?.end !== undefined) throw new ServerDied(system, server.process.end);
    }
  }

  /**
   * Call after a failed seed. A crashing server closes its connections before it ends, because it writes its stack trace first. Throws
   * ServerDied.
   */
  async requireAnswers(): Promise<void> {
    for (const [system, starting] of this.#servers) {
      const server = await starting;
      await until(async () => server.process?.end !== undefined || (await server.query('SELECT 1')), {
        what: `an answer of the ${system} of the tester, or its end`,
      });
    }
    await this.requireAlive();
  }

  async stop(): Promise<void> {
    for (const server of this.#servers.values()) await server.then((each) => each.stop()).catch(() => {});
  }
}

const startPostgres = () =>
  postgres({ own: true, settings: { max_connections: '600', max_prepared_transactions: '50' } });
const startMysql = () => mysql({ own: true, settings: { 'max-connections': '600' } });
const startMariadb = () => mariadb({ own: true, settings: { 'max-connections': '600' } });

/** Two databases of each requested system, with the settings of one block of seeds. */
export class Block {
  readonly settings: BlockSettings;
  readonly #servers: FuzzServers;
  readonly #folder: string;
  readonly #databases = new Map<string, Promise<FuzzDatabase>>();
  readonly #ends: (() => Promise<void>)[] = [];
  readonly #configured = new Map<SystemName, Promise<void>>();
  #files = 0;

  constructor(servers: FuzzServers, folder: string, block: number) {
    this.#servers = servers;
    this.#folder = folder;
    this.settings = blockSettings(block);
  }

  database(system: SystemName, end: End): Promise<FuzzDatabase> {
    if (system === 'sqlite')
      return Promise.resolve(sqliteDatabase(join(this.#folder, `${++this.#files}-${end}.db`)));
    const key = `${system} ${end}`;
    const made = this.#databases.get(key) ?? this.#create(system);
    this.#databases.set(key, made);
    return made;
  }

  /** Drops the databases, and restores the servers' own settings. */
  async close(): Promise<void> {
    await Promise.allSettled(this.#databases.values());
    for (const end of this.#ends.reverse()) await end();
  }

  async #create(system: Exclude<SystemName, 'sqlite'>): Promise<FuzzDatabase> {
    const server = await this.#servers.get(system);
    const chosen = this.settings[system];
    if (system === 'postgres') return await this.#createPostgres(server as PostgresServer, chosen);
    const configured = this.#configured.get(system) ?? this.#configureMysql(server as MysqlServer, chosen);
    this.#configured.set(system, configured);
    await configured;
    return await this.#createMysql(system, server as MysqlServer);
  }

  async #createPostgres(server: PostgresServer, chosen: readonly ChosenSetting[]): Promise<FuzzDatabase> {
    const made = await server.createDatabase();
    await server.query(`GRANT pg_read_all_stats TO "${made.user}"`);
    for (const sql of preparations) await server.query(`SET ROLE "${made.user}"; ${sql}`, made.database);
    for (const [index, { name, value }] of chosen.entries()) {
      const of = index % 2 === 0 ? `DATABASE "${made.database}"` : `ROLE "${made.user}"`;
      await server.query(`ALTER ${of} SET ${name} = ${value}`);
    }
    this.#ends.push(async () => {
      await rollbackPrepared(server, made.database);
      await server.query(`DROP DATABASE IF EXISTS "${made.database}" WITH (FORCE)`);
      await server.query(`DROP ROLE IF EXISTS "${made.user}"`);
    });
    return serverDatabase('postgres', made, this.#folder);
  }

  async #configureMysql(server: MysqlServer, chosen: readonly ChosenSetting[]): Promise<void> {
    for (const { name, value } of chosen) {
      const [before] = await server.query(`SELECT CAST(@@GLOBAL.${name} AS CHAR) AS value`);
      await server.query(`SET GLOBAL ${name} = ${value}`);
      const old = String(before?.value ?? 'DEFAULT');
      const literal = /^(\d+(\.\d+)?|DEFAULT)$/.test(old) ? old : `'${old}'`;
      this.#ends.push(async () => {
        await server.query(`SET GLOBAL ${name} = ${literal}`);
      });
    }
  }

  async #createMysql(system: 'mysql' | 'mariadb', server: MysqlServer): Promise<FuzzDatabase> {
    const made = await server.createDatabase();
    await server.query(`GRANT PROCESS ON *.* TO '${made.user}'@'%'`);
    this.#ends.push(async () => {
      await server.query(`DROP DATABASE IF EXISTS \`${made.database}\``);
      await server.query(`DROP USER IF EXISTS '${made.user}'@'%'`);
    });
    // The tester sets settings that only an administrator may set.
    const url = new URL(server.adminUrl);
    url.pathname = `/${made.database}`;
    return serverDatabase(system, { ...made, url: url.href }, this.#folder);
  }
}

async function rollbackPrepared(server: PostgresServer, database: string): Promise<void> {
  const rows = await server.query(
    `SELECT gid FROM pg_prepared_xacts WHERE database = '${database}'`,
    database,
  );
  for (const { gid } of rows) await server.query(`ROLLBACK PREPARED '${String(gid)}'`, database);
}

interface Address {
  readonly url: string;
  readonly host: string;
  readonly port: number;
  readonly database: string;
  readonly user: string;
  readonly password: string;
}

function serverDatabase(system: Exclude<SystemName, 'sqlite'>, made: Address, folder: string): FuzzDatabase {
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

function sqliteDatabase(path: string): FuzzDatabase {
  return {
    system: 'sqlite',
    url: path,
    database: 'main',
    password: '',
    openPath: async () => undefined,
    dataSource: () => ({ sqlite: { path } }),
  };
}

/** A table's name in SQL, with its schema or database. */
export function tableIn({ system, database }: FuzzDatabase, table: string): string {
  if (system === 'sqlite') return table;
  return system === 'postgres' ? `public.${table}` : `\`${database}\`.${table}`;
}

/** The name as used in a Sync. */
export function manifestName({ system, database }: FuzzDatabase, table: string): string {
  if (system === 'sqlite') return table;
  return `${system === 'postgres' ? 'public' : database}.${table}`;
}
