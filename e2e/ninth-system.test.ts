import assert from 'node:assert/strict';
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, beforeEach, test } from 'node:test';
import Database from 'better-sqlite3';
import type { CrashPoint } from '../core/crash-points.ts';
import { AgentCluster } from './kit/agents.ts';
import { killedAt } from './kit/kill-hook.ts';
import { projectFolder } from './kit/processes.ts';
import { SingleMode } from './kit/single-mode.ts';
import { removeFolder, tempFolder } from './kit/temp.ts';
import { until } from './kit/wait.ts';
import { Topic } from './ninth-system/topic.ts';

/**
 * A system without tables, transactions and its own offsets, as destination, as source, and as both: rows go from a database to a topic,
 * to another topic, and to a database.
 */
const install = `--import=${projectFolder}/e2e/ninth-system/install.ts`;
const rows = 120;
let folder: string;

beforeEach(async () => {
  folder = await tempFolder('ninth');
  await mkdir(join(folder, 'default'));
  for (const name of ['shop', 'warehouse']) new Database(pathOf(name)).close();
});
afterEach(() => removeFolder(folder));

const pathOf = (name: string) => join(folder, 'default', `${name}.db`);

function addRows(): void {
  const database = new Database(pathOf('shop'));
  database.exec(`CREATE TABLE IF NOT EXISTS events (id INTEGER PRIMARY KEY AUTOINCREMENT, v TEXT);
    INSERT INTO events (v) WITH RECURSIVE n (i) AS (VALUES (1) UNION ALL SELECT i + 1 FROM n WHERE i < ${rows}) SELECT 'v' || i FROM n`);
  database.close();
}

function manifests(sqlite: (name: string) => string, schedule: string): string {
  const sync = (name: string, [source, from]: string[], [destination, to]: string[], idField: string) => `
kind: Sync
apiVersion: idra.dev/v1alpha1
metadata: { name: ${name} }
spec:
  source: { dataSource: ${source}, ${from}, idField: ${idField} }
  destination: { dataSource: ${destination}, ${to} }
  mode: Id
  writeMode: Append
  batch: { maxRows: 7 }
  schedule: ${schedule}`;
  const dataSource = (name: string, system: string) => `
kind: DataSource
apiVersion: idra.dev/v1alpha1
metadata: { name: ${name} }
spec: { ${system}, placement: { agentSelector: { disk: here } } }`;
  return [
    dataSource('shop', `sqlite: { path: "${sqlite('shop')}" }`),
    dataSource('warehouse', `sqlite: { path: "${sqlite('warehouse')}" }`),
    dataSource('log', `journal: { folder: "${join(folder, 'log')}" }`),
    sync('out', ['shop', 'table: events'], ['log', 'topic: events'], 'id'),
    sync('copy', ['log', 'topic: events'], ['log', 'topic: copied'], 'position'),
    sync('back', ['log', 'topic: copied'], ['warehouse', 'table: lines'], 'position'),
  ].join('\n---');
}

interface Arrived {
  readonly events: readonly string[];
  readonly copied: readonly string[];
  readonly lines: readonly unknown[][];
}

async function arrived(): Promise<Arrived> {
  const topic = (name: string) => new Topic(join(folder, 'log'), name).lines();
  const database = new Database(pathOf('warehouse'), { readonly: true });
  try {
    const isMade = database.prepare("SELECT 1 FROM sqlite_schema WHERE name = 'lines'").get();
    const query = 'SELECT position, line FROM lines ORDER BY position';
    const lines = isMade ? (database.prepare(query).raw().all() as unknown[][]) : [];
    return { events: await topic('events'), copied: await topic('copied'), lines };
  } finally {
    database.close();
  }
}

/** At least once up to the topics, and exactly once from there. */
function requireNothingLost({ events, copied, lines }: Arrived, count: number): void {
  const ids = new Set(events.map((line) => Number((JSON.parse(line) as { id: string }).id)));
  assert.deepEqual(
    [...ids].sort((a, b) => a - b),
    Array.from({ length: count }, (_, index) => index + 1),
  );
  assert.deepEqual(new Set(copied), new Set(events));
  assert.deepEqual(
    lines,
    copied.map((line, index) => [index + 1, line]),
  );
}

function isThere({ events, copied, lines }: Arrived, count: number): boolean {
  const isWhole = new Set(events).size === count && new Set(copied).size === count;
  return isWhole && lines.length === copied.length;
}

function withKill(at: CrashPoint, count: number): Record<string, string> {
  const env = killedAt({ at, count });
  return { ...env, NODE_OPTIONS: `${env.NODE_OPTIONS} ${install}` };
}

test('single mode: killed repeatedly, no row is lost, and each start continues from the stored offset', async () => {
  const single = new SingleMode(folder);
  await single.write(manifests(pathOf, '{ every: 1h }'));
  const env = { NODE_OPTIONS: install };
  const kills: [CrashPoint, number][] = [
    ['commit:before', 2],
    ['commit:after', 5],
    ['claim:after', 2],
  ];
  for (const [index, [at, count]] of kills.entries()) {
    if (index % 2 === 0) addRows();
    const { signal } = await single.runKilled(withKill(at, count));
    assert.equal(signal, 'SIGKILL', `it ended before ${at}`);
  }
  const { status } = await single.runWell({ env });
  assert.deepEqual(
    ['out', 'copy', 'back'].map((name) => status.get(name)?.guarantee),
    ['AtLeastOnce', 'AtLeastOnce', 'ExactlyOnce'],
  );
  // What arrived in a topic during a pass is read by the next one.
  await single.runWell({ env });
  await single.runWell({ env });
  const before = await arrived();
  requireNothingLost(before, 2 * rows);
  const plan = await single.plan(env);
  assert.deepEqual(
    [plan.get('out')?.rowsWaiting, plan.get('copy')?.rowFormat, plan.get('copy')?.createsTarget],
    [0, 'journal-lines', false],
  );
  await single.runWell({ env });
  assert.deepEqual(await arrived(), before);
});

test('in a cluster: agents are killed and others continue from the offset in etcd', async () => {
  addRows();
  const cluster = await AgentCluster.start();
  const env = {
    NODE_OPTIONS: install,
    IDRA_SQLITE_ROOT: folder,
    IDRA_AGENT_LABELS: 'disk=here',
  };
  try {
    await Promise.all(['a1', 'a2'].map((name) => cluster.agent(name, env)));
    await cluster.put(manifests((name) => `${name}.db`, '{ continuous: true }'));
    for (let kills = 0; kills < 2; kills += 1) {
      const { events } = await arrived();
      addRows();
      await until(async () => (await arrived()).events.length > events.length, { what: 'rows to arrive' });
      const name = (await cluster.holders()).get('out') ?? 'a1';
      const agent = cluster.agents.get(name);
      agent?.kill('SIGKILL');
      await agent?.waitForExit();
      await cluster.startAgent(name, env);
    }
    const count = 3 * rows;
    await until(async () => isThere(await arrived(), count), { what: 'all rows', timeoutMs: 90_000 });
    requireNothingLost(await arrived(), count);
    const atOffset = (uid: string, offset: number) =>
      cluster.untilStatus(
        uid,
        'caught up',
        (each) => each.reason === 'CaughtUp' && each.offsetText === String(offset),
      );
    const { guarantee } = await atOffset('out', count);
    assert.equal(guarantee, 'AtLeastOnce');
    // A topic may hold more lines than there are rows, so only the offsets show that the others have read all of it.
    await atOffset('copy', (await arrived()).events.length);
    await atOffset('back', (await arrived()).copied.length);
    requireNothingLost(await arrived(), count);
    // The agents that take over move nothing again.
    const before = await arrived();
    for (const agent of cluster.agents.values()) agent.kill('SIGKILL');
    await Promise.all([...cluster.agents.values()].map((agent) => agent.waitForExit()));
    await cluster.agent('a3', env);
    const taken = (uid: string) =>
      cluster.untilStatus(uid, 'caught up', (each) => each.agent === 'a3' && each.reason === 'CaughtUp');
    await Promise.all(['out', 'copy', 'back'].map(taken));
    assert.deepEqual(await arrived(), before);
  } finally {
    await cluster.stop();
  }
});
