import assert from 'node:assert/strict';
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import Database from 'better-sqlite3';
import { eof, ok, packet, rogueMysql } from './hostile/rogue-mysql.ts';
import { int32, message, roguePostgres } from './hostile/rogue-postgres.ts';
import { AgentCluster } from './kit/agents.ts';
import { syncManifest } from './kit/single-mode.ts';
import { secretManifest } from './kit/systems.ts';
import { tempFolder } from './kit/temp.ts';
import { until } from './kit/wait.ts';

const patience = { timeoutMs: 120_000, everyMs: 200 };
const silent: readonly string[] = ['tarpit', 'silence', 'mute'];

function dataSource(name: string, type: 'postgres' | 'mysql', port: number): string {
  const password = { passwordSecretRef: { name, key: 'password' } };
  // Long enough for a busy machine, except if an answer never comes.
  const parameters = { connect_timeout: silent.includes(name) ? '2' : '30' };
  const login = { host: '127.0.0.1', port, database: 'd', user: 'u', ...password, parameters };
  return secretManifest(name, 'p') + manifest(name, { [type]: login });
}

function manifest(name: string, spec: object): string {
  return `apiVersion: idra.dev/v1alpha1
kind: DataSource
metadata: { name: ${name} }
spec: ${JSON.stringify(spec)}
---
`;
}

/** Files in a folder that every agent can access: one source, and targets among which the Syncs' writes are distributed. */
class Files {
  readonly targets = ['target-0', 'target-1', 'target-2', 'target-3'];
  /** IDRA_SQLITE_ROOT of the agents. */
  readonly root: string;
  #rows = 0;

  static async create(): Promise<Files> {
    const root = await tempFolder('hostile-agents');
    // The folder of the namespace that the manifests are in.
    await mkdir(join(root, 'default'));
    return new Files(root);
  }

  private constructor(folder: string) {
    this.root = folder;
    this.#use('source', (database) => database.exec('CREATE TABLE t (id INTEGER PRIMARY KEY)'));
  }

  manifests(): string {
    const of = (name: string) => ({
      sqlite: { path: this.#path(name) },
      placement: { agentSelector: { at: 'here' } },
    });
    return ['source', ...this.targets].map((name) => manifest(name, of(name))).join('');
  }

  addRow(): void {
    this.#rows += 1;
    this.#use('source', (database) => database.prepare('INSERT INTO t VALUES (?)').run(this.#rows));
  }

  /** Whether the table has every row of the source. */
  isComplete(target: string, table: string): boolean {
    const sql = `SELECT count(*) AS rows, max(id) AS last FROM ${table}`;
    const { rows, last } = this.#use(target, (database) => database.prepare(sql).get()) as {
      rows: number;
      last: number;
    };
    return rows === this.#rows && last === this.#rows;
  }

  #use<T>(name: string, body: (database: Database.Database) => T): T {
    const database = new Database(this.#path(name));
    try {
      database.pragma('journal_mode = WAL');
      return body(database);
    } finally {
      database.close();
    }
  }

  #path(name: string): string {
    return join(this.root, 'default', `${name}.db`);
  }
}

const sync = (name: string, source: object, target: string, mode: object) =>
  syncManifest(name, {
    source,
    destination: { dataSource: target, table: name.replaceAll('-', '_') },
    ...mode,
    schedule: { every: '2s' },
  });

/** One server of each kind, and what a Sync from it must report. */
async function startHostile() {
  const to = (reply: Buffer) => ({ statement: () => reply });
  return {
    gss: {
      type: 'postgres',
      server: await roguePostgres({ login: message('R', int32(7)) }),
      says: /asks for authentication by GSSAPI/,
    },
    'endless-frame': {
      type: 'postgres',
      server: await roguePostgres(to(Buffer.from('64ffffffff00', 'hex'))),
      says: /violates its protocol/,
    },
    'endless-error': {
      type: 'postgres',
      server: await roguePostgres(to(message('E', 'SERROR\0'))),
      says: /violates its protocol/,
    },
    'extra-packets': {
      type: 'mysql',
      server: await rogueMysql({
        login: (at) => Buffer.concat([packet(at, ok), packet(0, ok), packet(1, eof)]),
      }),
      says: /violates its protocol/,
    },
    cleartext: {
      type: 'postgres',
      server: await roguePostgres({ login: message('R', int32(3)) }),
      says: /asks for the password itself/,
    },
    tarpit: {
      type: 'mysql',
      server: await rogueMysql({ statement: () => 'silence' }),
      says: /accepted the login but did not answer the statements after it within 2 s/,
    },
    mute: {
      type: 'postgres',
      server: await roguePostgres({ login: 'silence' }),
      says: /accepted the connection but sent nothing within 2 s/,
    },
    silence: {
      type: 'postgres',
      server: await roguePostgres({ statement: () => 'silence' }),
      says: /accepted the login but did not answer the statements after it within 2 s/,
    },
  } as const;
}

test('twenty Syncs of three agents continue beside hostile DataSources, whose Syncs report what their servers did', async () => {
  // Long enough for a busy machine, so that no lease expires here.
  const cluster = await AgentCluster.start({ leaseTtlMs: 10_000 });
  const hostile = await startHostile();
  try {
    const files = await Files.create();
    const env = { IDRA_AGENT_LABELS: 'at=here', IDRA_DRAIN_TIMEOUT: '5s', IDRA_SQLITE_ROOT: files.root };
    const agents = await Promise.all(['a', 'b', 'c'].map((name) => cluster.agent(name, env)));
    const healthy = Array.from({ length: 20 }, (_, at) => ({
      name: `healthy-${at}`,
      target: files.targets[at % files.targets.length] ?? '',
    }));
    const untilComplete = async () => {
      files.addRow();
      for (const { name, target } of healthy)
        await until(() => files.isComplete(target, name.replaceAll('-', '_')), {
          what: `${name} to have all rows`,
          ...patience,
        }).catch(async ({ message: text }: Error) => {
          throw new Error(`${text}; it is ${JSON.stringify(await cluster.status(name))}`);
        });
    };
    await cluster.put(files.manifests());
    const source = { dataSource: 'source', table: 't', idField: 'id' };
    await cluster.put(healthy.map(({ name, target }) => sync(name, source, target, { mode: 'Id' })).join(''));
    await untilComplete();
    const members = Object.entries(hostile);
    await cluster.put(
      members.map(([name, { type, server }]) => dataSource(name, type, server.port)).join(''),
    );
    await cluster.put(
      members
        .map(([name]) =>
          sync(name, { dataSource: name, table: 'public.t' }, 'target-0', { mode: 'Snapshot' }),
        )
        .join(''),
    );
    await untilComplete();
    const untilSaid = ([name, { says }]: (typeof members)[number]) =>
      cluster.untilStatus(
        name,
        `Failed, and to report ${says}`,
        ({ state, message: text }) => says.test(text ?? '') && state === 'Failed',
        patience.timeoutMs,
      );
    let isSaid = false;
    const all = Promise.all(members.map(untilSaid)).finally(() => {
      isSaid = true;
    });
    all.catch(() => {});
    while (!isSaid) await untilComplete();
    await all;
    await untilComplete();
    for (const { name } of healthy) {
      const status = await cluster.status(name);
      assert.equal(status?.lastError, undefined, `${name}: ${status?.lastError?.message}`);
    }
    for (const agent of agents) assert.ok(agent.isRunning, agent.describeEnd());
    for (const agent of agents) agent.kill('SIGTERM');
    // Includes those connected to a silent server; on a busy machine they may stop in the middle of a batch, which is reported with
    // another code.
    for (const agent of agents) assert.equal((await agent.waitForExit(60_000)).signal, null);
  } finally {
    await cluster.stop();
    for (const { server } of Object.values(hostile)) await server.stop();
  }
});

test('a DataSource that has ended two agents is not opened by the third', async () => {
  const cluster = await AgentCluster.start({ leaseTtlMs: 5_000 });
  let deaths = 0;
  // Like a fault in a driver: every process that logs in crashes.
  const deadly = await roguePostgres({
    statement: () => {
      deaths += 1;
      for (const [name, agent] of cluster.agents) if (name !== 'c') agent.kill('SIGKILL');
      return 'silence';
    },
  });
  try {
    const files = await Files.create();
    await cluster.put(files.manifests() + dataSource('deadly', 'postgres', deadly.port));
    const labels = { IDRA_AGENT_LABELS: 'at=here', IDRA_SQLITE_ROOT: files.root };
    for (const name of ['a', 'b']) {
      const agent = await cluster.agent(name, labels);
      await agent.waitForExit(60_000);
      const isGone = async () => (await cluster.coordination.cluster.agents()).length === 0;
      await until(isGone, { what: `the lease of ${name} to be over` });
    }
    assert.ok(deaths >= 2);
    const before = deaths;
    const last = await cluster.agent('c', labels);
    const report = await until(
      async () =>
        (await cluster.coordination.reports.readDataSources()).find(
          ({ name, code }) => name === 'deadly' && code === 'DataSourceQuarantined',
        ),
      { what: 'the report of the third agent', ...patience },
    ).catch(({ message: text }: Error) => {
      throw new Error(`${text}; it says\n${last.tail(20)}`);
    });
    assert.match(report.message, /agents ended while opening it \(([ab]) at [^,]*, (?!\1)[ab] at /);
    assert.equal(deaths, before);
    assert.ok(last.isRunning);
  } finally {
    await cluster.stop();
    await deadly.stop();
  }
});
