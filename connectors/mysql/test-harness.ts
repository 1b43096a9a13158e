import { randomBytes } from 'node:crypto';
import { after, before, describe } from 'node:test';
import mysqlDriver, { type Connection } from 'mysql2/promise';
import type { SystemAccess } from '../../core/connector.ts';
import { Secret } from '../../core/secret.ts';
import { type MysqlDatabase, type MysqlServer, mariadb, mysql } from '../../e2e/kit/servers.ts';
import { type Flow, type FlowOptions, openFlow } from '../sql/test-flow.ts';
import { connector } from './connector.ts';

/** The tests of this folder run on both. */
export const servers: readonly (readonly [name: string, start: typeof mysql])[] = [
  ['MySQL', mysql],
  ['MariaDB', mariadb],
];

/** The tests of `body` on each of the servers, each with a database for all of its tests. */
export function onEachServer(
  body: (database: TestDatabase, name: string) => void,
  options: { readonly own?: boolean; readonly rights?: readonly string[] } = {},
): void {
  for (const [name, start] of servers) {
    describe(name, () => {
      const database = new TestDatabase();
      before(() => database.start(() => start({ own: options.own ?? false }), options.rights));
      after(() => database.stop());
      body(database, name);
    });
  }
}

/** A database on one of them, with a user who has all rights in it, and PROCESS. */
export class TestDatabase {
  #started:
    | { readonly server: MysqlServer; readonly database: MysqlDatabase; readonly access: SystemAccess }
    | undefined;
  readonly #clients: Connection[] = [];
  readonly #flows: Flow[] = [];

  static async create(start: () => Promise<MysqlServer>, rights?: readonly string[]): Promise<TestDatabase> {
    const created = new TestDatabase();
    await created.start(start, rights);
    return created;
  }

  async start(start: () => Promise<MysqlServer>, rights: readonly string[] = ['PROCESS']): Promise<void> {
    const server = await start();
    const database = await server.createDatabase();
    for (const right of rights) await server.query(`GRANT ${right} ON *.* TO '${database.user}'@'%'`);
    this.#started = { server, database, access: accessOf(database) };
  }

  get server(): MysqlServer {
    return this.#running.server;
  }

  get access(): SystemAccess {
    return this.#running.access;
  }

  get name(): string {
    return this.#running.database.database;
  }

  get #running() {
    if (!this.#started) throw new Error('the database is created before the first test, not earlier');
    return this.#started;
  }

  /** A separate connection, closed with the database. */
  async client(): Promise<Connection> {
    const client = await mysqlDriver.createConnection({
      uri: this.#running.database.url,
      multipleStatements: true,
      rowsAsArray: true,
      supportBigNumbers: true,
      bigNumberStrings: true,
      dateStrings: true,
      jsonStrings: true,
    });
    client.on('error', () => {});
    this.#clients.push(client);
    await client.query("SET time_zone = '+00:00'");
    return client;
  }

  /** Runs statements as the user; returns the rows of the last one, as text. */
  async run(sql: string): Promise<(string | null)[][]> {
    const client = this.#clients[0] ?? (await this.client());
    const [result, fields] = await client.query(sql);
    const isList = Array.isArray(fields) && fields.every((each) => each === undefined || Array.isArray(each));
    const last = isList && Array.isArray(result) ? result.at(-1) : result;
    return Array.isArray(last) ? (last as unknown[][]).map((row) => row.map(textOf)) : [];
  }

  /** A table of `id` and `body` with this many rows. */
  async fill(table: string, rows: number): Promise<void> {
    await this.run(`CREATE TABLE ${table} (id BIGINT PRIMARY KEY, body VARCHAR(40) NOT NULL);
      INSERT INTO ${table} WITH RECURSIVE n AS (SELECT 1 AS i UNION ALL SELECT i + 1 FROM n WHERE i < ${rows}) SELECT i, CONCAT('row ', i) FROM n`);
  }

  /** Token, offset, rows and closed from a target's commit rows. */
  async commitRow(table: string): Promise<(string | null)[][]> {
    return await this.run(
      `SELECT token, \`offset\`, \`rows\`, closed FROM _idra_commits WHERE \`table\` = '${table}'`,
    );
  }

  /** Another user that has only this right. */
  async userWith(right: string): Promise<SystemAccess> {
    const user = `u_${randomBytes(5).toString('hex')}`;
    await this.server.query(`CREATE USER '${user}'@'%' IDENTIFIED BY 'other-user'`);
    await this.server.query(`GRANT ${right} TO '${user}'@'%'`);
    return accessOf({ ...this.#running.database, user, password: 'other-user' });
  }

  async flow(options: FlowOptions, destination = this.access, source = this.access): Promise<Flow> {
    const flow = await openFlow({ connector, source, destination }, options);
    this.#flows.push(flow);
    return flow;
  }

  /** Connections that a failed test left open would block later tests. */
  disconnect(): void {
    for (const client of this.#clients.splice(0)) client.destroy();
  }

  async stop(): Promise<void> {
    await Promise.allSettled(this.#flows.map((each) => each.close()));
    await Promise.allSettled(this.#clients.map((each) => each.end()));
    await this.#started?.server.stop();
  }
}

/** Claims the target as it is by now, even though the plan would have refused it, so that the server's own refusal of rows is tested. */
export async function claimUnplanned(flow: Flow): Promise<void> {
  const existing = await flow.destination.describe(new AbortController().signal);
  const columns = flow.plan.columns.columns.map((planned) => ({
    ...planned,
    existing: existing?.columns.find((each) => each.name === planned.name) ?? null,
  }));
  await flow.claim({ plan: { ...flow.plan, existing, columns: { ...flow.plan.columns, columns } } });
}

export function accessOf(
  { host, port, database, user, password }: MysqlDatabase,
  more: Readonly<Record<string, unknown>> = {},
  secrets: Readonly<Record<string, string>> = {},
): SystemAccess {
  const all: Readonly<Record<string, string>> = { password, ...secrets };
  return {
    dataSource: 'test/database',
    config: { host, port, database, user, tls: { mode: 'Disable' }, allowCleartextPassword: true, ...more },
    secret: (path) => (all[path] === undefined ? undefined : new Secret(all[path])),
  };
}

function textOf(value: unknown): string | null {
  if (value === null || value === undefined) return null;
  return Buffer.isBuffer(value) ? value.toString('hex') : String(value);
}
