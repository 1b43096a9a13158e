import assert from 'node:assert/strict';
import { join } from 'node:path';
import { test } from 'node:test';
import Database from 'better-sqlite3';
import { eof, ok, packet, rogueMysql } from './hostile/rogue-mysql.ts';
import { int32, message, roguePostgres } from './hostile/rogue-postgres.ts';
import { AgentCluster } from './kit/agents.ts';
import { syncManifest } from './kit/single-mode.ts';
import { dataSourceManifest, secretManifest } from './kit/systems.ts';
import { tempFolder } from './kit/temp.ts';
import { until } from './kit/wait.ts';

function dataSource(name: string, type: 'postgres' | 'mysql', port: number): string {
  const login = { host: '127.0.0.1', port, database: 'd', user: 'u', password: 'p' };
  return secretManifest(name, 'p') + dataSourceManifest(name, type, login);
}

/** SQLite files in a folder that every agent reaches. */
async function files(): Promise<string> {
  const folder = await tempFolder('hostile-agents');
  const database = new Database(join(folder, 'source.db'));
  database.exec('CREATE TABLE t (id INTEGER PRIMARY KEY); INSERT INTO t VALUES (1), (2)');
  database.close();
  return ['source', 'target']
    .map(
      (name) => `apiVersion: idra.dev/v1alpha1
kind: DataSource
metadata: { name: ${name} }
spec: { sqlite: { path: ${join(folder, `${name}.db`)} }, placement: { agentSelector: { at: here } } }
---
`,
    )
    .join('');
}

const sync = (name: string, source: string) =>
  syncManifest(name, {
    source: { dataSource: source, table: source === 'source' ? 't' : 'public.t' },
    destination: { dataSource: 'target', table: name.replaceAll('-', '_') },
    mode: 'Snapshot',
    schedule: { every: '1s' },
  });

test('agents live on beside hostile DataSources, whose Syncs say what their servers did', async () => {
  const cluster = await AgentCluster.start();
  const rogues = {
    gss: await roguePostgres({ login: message('R', int32(7)) }),
    endless: await roguePostgres({ login: message('E', 'SERROR\0') }),
    extra: await rogueMysql({
      login: (at) => Buffer.concat([packet(at, ok), packet(0, ok), packet(1, eof)]),
    }),
    tarpit: await rogueMysql({ statement: () => 'silence' }),
  };
  const types = { gss: 'postgres', endless: 'postgres', extra: 'mysql', tarpit: 'mysql' } as const;
  const names = Object.keys(rogues) as (keyof typeof rogues)[];
  try {
    const agents = [];
    for (const name of ['a', 'b']) agents.push(await cluster.agent(name, { IDRA_AGENT_LABELS: 'at=here' }));
    await cluster.put(await files());
    await cluster.put(names.map((name) => dataSource(name, types[name], rogues[name].port)).join(''));
    await cluster.put(sync('healthy', 'source') + names.map((name) => sync(name, name)).join(''));
    const expected = {
      gss: /authentication by GSSAPI/,
      endless: /what its protocol does not allow/,
      extra: /what its protocol does not allow/,
      tarpit: /has not answered within/,
    };
    for (const name of names) {
      await until(async () => expected[name].test((await cluster.status(name))?.message ?? ''), {
        what: `${name}: ${expected[name]}`,
        timeoutMs: 60_000,
      });
    }
    await until(async () => (await cluster.status('healthy'))?.hasCaughtUp, {
      what: 'rows of the healthy one',
      timeoutMs: 60_000,
    });
    for (const agent of agents) assert.ok(agent.isRunning, agent.describeEnd());
  } finally {
    await cluster.stop();
    for (const name of names) await rogues[name].stop();
  }
});

test('a DataSource that has taken down two agents is left alone by the third', async () => {
  const cluster = await AgentCluster.start({ leaseTtlMs: 2_000 });
  let deaths = 0;
  // As a fault in a driver would: who logs in dies.
  const deadly = await roguePostgres({
    statement: () => {
      deaths += 1;
      for (const [name, agent] of cluster.agents) if (name !== 'c') agent.kill('SIGKILL');
      return 'silence';
    },
  });
  try {
    await cluster.put((await files()) + dataSource('deadly', 'postgres', deadly.port));
    const labels = { IDRA_AGENT_LABELS: 'at=here' };
    for (const name of ['a', 'b']) {
      const agent = await cluster.agent(name, labels);
      await agent.waitForExit(60_000);
    }
    assert.ok(deaths >= 2);
    const before = deaths;
    const last = await cluster.agent('c', labels);
    const report = await until(
      async () =>
        (await cluster.coordination.reports.readDataSources()).find(({ name }) => name === 'deadly'),
      { what: 'the report of the third agent', timeoutMs: 60_000 },
    );
    assert.equal(report.code, 'DataSourceQuarantined');
    assert.match(report.message, /agents ended while they opened it \(([ab]) at [^,]*, (?!\1)[ab] at /);
    assert.equal(deaths, before);
    assert.ok(last.isRunning);
  } finally {
    await cluster.stop();
    await deadly.stop();
  }
});
