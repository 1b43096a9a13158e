import { randomBytes } from 'node:crypto';
import { after, before, describe } from 'node:test';
import type { SystemAccess } from '../../core/connector.ts';
import { Secret } from '../../core/secret.ts';
import { ServerSessions } from '../../core/session-pool.ts';
import {
  openSqlServer,
  type SqlServer,
  type SqlServerDatabase,
  type SqlServerSession,
  sqlserver,
} from '../../e2e/kit/servers.ts';
import { type Flow, type FlowOptions, openFlow } from '../sql/test-flow.ts';
import { connector } from './connector.ts';

/** Tests with a database for all of them. */
export function onServer(
  body: (database: TestDatabase) => void,
  options: { readonly own?: boolean } = {},
): void {
  describe('SQL Server', () => {
    const database = new TestDatabase();
    before(() => database.start(options));
    after(() => database.stop());
    body(database);
  });
}

/** A database on the server, with its owner. */
export class TestDatabase {
  #started:
    | { readonly server: SqlServer; readonly database: SqlServerDatabase; readonly access: SystemAccess }
    | undefined;
  /** A new session of the server that stands in for SQL Server takes a second to warm up. */
  readonly #sessions = new ServerSessions();
  readonly #clients: SqlServerSession[] = [];
  readonly #flows: Flow[] = [];

  static async create(options: { readonly own?: boolean } = {}): Promise<TestDatabase> {
    const created = new TestDatabase();
    await created.start(options);
    return created;
  }

  async start(options: { readonly own?: boolean } = {}): Promise<void> {
    const server = await sqlserver(options);
    const database = await server.createDatabase();
    this.#started = { server, database, access: { ...accessOf(database), sessions: this.#sessions } };
  }

  get server(): SqlServer {
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

  /** A separate session, closed with the database. */
  async client(): Promise<SqlServerSession> {
    const client = await openSqlServer(this.#running.database);
    this.#clients.push(client);
    return client;
  }

  /** Runs statements as the owner; returns the rows of the last one, as text. */
  async run(sql: string): Promise<(string | null)[][]> {
    const client = this.#clients[0] ?? (await this.client());
    return (await client.query(sql)).map((row) => row.map(textOf));
  }

  /** A table of `id` and `body` with this many rows. */
  async fill(table: string, rows: number): Promise<void> {
    const ten = '(VALUES (0), (1), (2), (3), (4), (5), (6), (7), (8), (9))';
    const numbers = `SELECT TOP (${rows}) a.x + 10 * b.x + 100 * c.x + 1000 * d.x + 10000 * e.x + 1 AS i FROM ${ten} AS a (x)
      CROSS JOIN ${ten} AS b (x) CROSS JOIN ${ten} AS c (x) CROSS JOIN ${ten} AS d (x) CROSS JOIN ${ten} AS e (x) ORDER BY i`;
    await this.run(
      `CREATE TABLE ${table} (id bigint PRIMARY KEY, body nvarchar(40) NOT NULL);
       INSERT INTO ${table} SELECT n.i, CONCAT('row ', n.i) FROM (${numbers}) AS n`,
    );
  }

  /** Another user that has only these rights. */
  async userWith(...rights: readonly string[]): Promise<SystemAccess> {
    const user = `u_${randomBytes(5).toString('hex')}`;
    await this.server.query(`CREATE LOGIN [${user}] WITH PASSWORD = 'Aa1-other-user'`);
    await this.server.query(`CREATE USER [${user}] FOR LOGIN [${user}]`, this.name);
    for (const right of rights) await this.run(`GRANT ${right} TO [${user}]`);
    return accessOf({ ...this.#running.database, user, password: 'Aa1-other-user' });
  }

  /** `isSameSystem` false: the rows count as those of another system. */
  async flow(
    options: FlowOptions,
    destination = this.access,
    { source = this.access, isSameSystem = true }: { source?: SystemAccess; isSameSystem?: boolean } = {},
  ): Promise<Flow> {
    const flow = await openFlow({ connector, source, destination, isSameSystem }, options);
    this.#flows.push(flow);
    return flow;
  }

  /** Closes the sessions that wait for their next use. */
  async closeIdle(): Promise<void> {
    await this.#sessions.closeIdle();
  }

  async stop(): Promise<void> {
    await Promise.allSettled(this.#flows.map((each) => each.close()));
    await this.closeIdle();
    await Promise.allSettled(this.#clients.map((each) => each.close()));
    await this.#started?.server.stop();
  }
}

export function accessOf(
  { host, port, database, user, password }: SqlServerDatabase,
  more: Readonly<Record<string, unknown>> = {},
  secrets: Readonly<Record<string, string>> = {},
): SystemAccess {
  const all: Readonly<Record<string, string>> = { password, ...secrets };
  return {
    dataSource: 'test/database',
    config: {
      host,
      port,
      database,
      user,
      // Sessions with another password are other sessions.
      passwordSecretRef: { name: 'database', key: 'password' },
      tls: { mode: 'Disable' },
      allowCleartextPassword: true,
      // The first statements of a session take seconds on the server that stands in for SQL Server.
      parameters: { connect_timeout: '60' },
      ...more,
    },
    secret: (path) => (all[path] === undefined ? undefined : new Secret(all[path])),
  };
}

function textOf(value: unknown): string | null {
  if (value === null || value === undefined) return null;
  if (Buffer.isBuffer(value)) return value.toString('hex');
  return value instanceof Date ? value.toISOString() : String(value);
}
