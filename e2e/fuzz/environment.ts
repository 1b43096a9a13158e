import { join } from 'node:path';
import {
  type MongodbServer,
  type MysqlServer,
  mariadb,
  mongodb,
  mongodbMemory,
  mysql,
  type PostgresServer,
  postgres,
  type SqlServer,
  sqlserver,
} from '../kit/servers.ts';
import { until } from '../kit/wait.ts';
import { preparations } from '../pairs/types/postgres.ts';
import {
  documentDatabase,
  type FuzzDatabase,
  serverDatabase,
  sqliteDatabase,
  sqlserverDatabase,
} from './databases.ts';
import type { End } from './scenario/scenario.ts';
import { type BlockSettings, blockSettings, type ChosenSetting } from './scenario/settings.ts';
import type { FuzzSystemName } from './systems/system.ts';

type ServerName = Exclude<FuzzSystemName, 'sqlite'>;
type Server = PostgresServer | MysqlServer | SqlServer | MongodbServer;

const starts: Readonly<Record<ServerName, () => Promise<Server>>> = {
  postgres: () =>
    postgres({ own: true, settings: { max_connections: '600', max_prepared_transactions: '50' } }),
  mysql: () => mysql({ own: true, settings: { 'max-connections': '600' } }),
  mariadb: () => mariadb({ own: true, settings: { 'max-connections': '600' } }),
  sqlserver: () => sqlserver({ own: true }),
  mongodb: () => mongodb({ own: true }),
  'mongodb-memory': () => mongodbMemory({ own: true }),
};

/** One of the tester's own servers has ended by itself. */
export class ServerDied extends Error {
  constructor(system: FuzzSystemName, end: string) {
    super(`the ${system} of the tester has ended: ${end}`);
  }
}

/** The servers of this run, which nobody else uses, because their settings are changed. */
export class FuzzServers {
  readonly #servers = new Map<ServerName, Promise<Server>>();

  get(system: ServerName): Promise<Server> {
    const started = this.#servers.get(system) ?? starts[system]();
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
      await until(async () => server.process?.end !== undefined || (await answer(server)), {
        what: `an answer of the ${system} of the tester, or its end`,
      });
    }
    await this.requireAlive();
  }

  async stop(): Promise<void> {
    for (const server of this.#servers.values()) await server.then((each) => each.stop()).catch(() => {});
  }
}

async function answer(server: Server): Promise<unknown> {
  return 'client' in server
    ? await server.client.db('admin').command({ ping: 1 })
    : await server.query('SELECT 1');
}

/** Two databases of each requested system, with the settings of one block of seeds. */
export class Block {
  readonly settings: BlockSettings;
  readonly #servers: FuzzServers;
  readonly #folder: string;
  readonly #databases = new Map<string, Promise<FuzzDatabase>>();
  readonly #ends: (() => Promise<void>)[] = [];
  readonly #configured = new Map<FuzzSystemName, Promise<void>>();
  #files = 0;

  constructor(servers: FuzzServers, folder: string, block: number) {
    this.#servers = servers;
    this.#folder = folder;
    this.settings = blockSettings(block);
  }

  database(system: FuzzSystemName, end: End): Promise<FuzzDatabase> {
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

  async #create(system: ServerName): Promise<FuzzDatabase> {
    const server = await this.#servers.get(system);
    const chosen = this.settings[system];
    switch (system) {
      case 'postgres':
        return await this.#createPostgres(server as PostgresServer, chosen);
      case 'sqlserver':
        return await this.#createSqlServer(server as SqlServer, chosen);
      case 'mongodb':
      case 'mongodb-memory':
        return this.#createCollections(system, server as MongodbServer);
      default: {
        const configured =
          this.#configured.get(system) ?? this.#configureMysql(server as MysqlServer, chosen);
        this.#configured.set(system, configured);
        await configured;
        return await this.#createMysql(system, server as MysqlServer);
      }
    }
  }

  async #createSqlServer(server: SqlServer, chosen: readonly ChosenSetting[]): Promise<FuzzDatabase> {
    const made = await server.createDatabase();
    // Readers then wait for nobody. The server that stands in for SQL Server does not know it, and never waits.
    const isVersioned = this.#databases.size % 2 === 0;
    await server
      .query(`ALTER DATABASE [${made.database}] SET READ_COMMITTED_SNAPSHOT ${isVersioned ? 'ON' : 'OFF'}`)
      .catch(() => {});
    const database = sqlserverDatabase(
      made,
      chosen.map(({ name, value }) => `SET ${name} ${value}`),
    );
    this.#ends.push(async () => {
      for (const sessions of Object.values(database.idle ?? {})) {
        for (const each of sessions.splice(0)) await each.end();
      }
      // Sessions of Idra may still be ending.
      await server.query(`DROP DATABASE IF EXISTS [${made.database}]`).catch(() => {});
      await server.query(`DROP LOGIN [${made.user}]`).catch(() => {});
    });
    return database;
  }

  #createCollections(system: 'mongodb' | 'mongodb-memory', server: MongodbServer): FuzzDatabase {
    const database = server.createDatabase();
    // The server in memory refuses it after some statements; what is left ends with the server.
    const drop = () => server.client.db(database).dropDatabase();
    this.#ends.push(async () => void (await drop().catch(() => {})));
    return documentDatabase(system, server, database);
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
