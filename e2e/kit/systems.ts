import { join } from 'node:path';
import { mariadb, mysql, postgres, sqlserver } from './servers.ts';
import {
  createCollections,
  type MongodbKind,
  startMongodb,
  type TestCollections,
} from './systems/mongodb.ts';
import { createMysql } from './systems/mysql.ts';
import { createPostgres } from './systems/postgres.ts';
import { sqliteDatabase } from './systems/sqlite.ts';
import { createSqlServer } from './systems/sqlserver.ts';
import type { DataSystem, SqlSystem, TestDatabase } from './systems/test-database.ts';

export {
  dataSourceManifest,
  secretManifest,
  secretsManifest,
  serverManifest,
  systemManifest,
} from './systems/manifests.ts';
export { extendedJson, type MongodbKind, type TestCollections } from './systems/mongodb.ts';
export { exactMysqlValues, mysqlDatabase } from './systems/mysql.ts';
export { postgresDatabase } from './systems/postgres.ts';
export { sqliteSession } from './systems/sqlite.ts';
export {
  asText,
  type DataSystem,
  dataSystems,
  type SqlSystem,
  type SystemName,
  sqlSystems,
  systemNames,
  type TestDatabase,
  type TestEnd,
  type TestSession,
} from './systems/test-database.ts';

/** Distinguished by `system`. */
export type AnyDatabase = TestDatabase<SqlSystem> | TestCollections;

/** Servers are started, or found, when their first database is requested; a server that is nowhere throws ServerMissing. */
export class TestSystems {
  readonly #folder: string;
  readonly #servers = new Map<string, Promise<{ stop(): Promise<void> }>>();
  readonly #open: { close(): Promise<void> }[] = [];
  #files = 0;

  /** `folder` is for SQLite's files. */
  constructor(folder: string) {
    this.#folder = folder;
  }

  async createDatabase<System extends SqlSystem>(system: System): Promise<TestDatabase<System>> {
    return (await this.#createDatabase(system)) as TestDatabase<SqlSystem> as TestDatabase<System>;
  }

  async #createDatabase(system: SqlSystem): Promise<TestDatabase<SqlSystem>> {
    switch (system) {
      case 'postgres':
        return await createPostgres(await this.#server('postgres', postgres));
      case 'mysql':
        return await createMysql(system, await this.#server('mysql', mysql));
      case 'mariadb':
        return await createMysql(system, await this.#server('mariadb', mariadb));
      case 'sqlite':
        return sqliteDatabase(join(this.#folder, `${++this.#files}.db`));
      case 'sqlserver':
        return this.#keep(await createSqlServer(await this.#server('sqlserver', sqlserver)));
    }
  }

  async createCollections(kind: MongodbKind = 'Any'): Promise<TestCollections> {
    return this.#keep(
      await createCollections(await this.#server(`mongodb ${kind}`, () => startMongodb(kind))),
    );
  }

  /** An empty database of any of the systems. */
  async createAny(system: DataSystem, kind?: MongodbKind): Promise<AnyDatabase> {
    return system === 'mongodb' ? await this.createCollections(kind) : await this.createDatabase(system);
  }

  async stop(): Promise<void> {
    for (const each of this.#open) await each.close().catch(() => {});
    for (const server of this.#servers.values()) await server.then((each) => each.stop()).catch(() => {});
  }

  async #server<Server extends { stop(): Promise<void> }>(
    name: string,
    start: () => Promise<Server>,
  ): Promise<Server> {
    const started = (this.#servers.get(name) as Promise<Server> | undefined) ?? start();
    this.#servers.set(name, started);
    return await started;
  }

  #keep<Open extends { close(): Promise<void> }>(open: Open): Open {
    this.#open.push(open);
    return open;
  }
}
