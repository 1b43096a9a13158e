import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { after, before, describe, test } from 'node:test';
import { AgentCluster } from './kit/agents.ts';
import type { RunningProcess } from './kit/processes.ts';
import { type TestDatabase, TestSystems } from './kit/systems.ts';
import { tempFolder } from './kit/temp.ts';
import { until } from './kit/wait.ts';

/** How an agent starts and ends in an abnormal environment. */
describe('start and end of an agent', () => {
  let cluster: AgentCluster;
  let systems: TestSystems;
  let destination: TestDatabase;

  before(async () => {
    systems = new TestSystems(await tempFolder('lives'));
    cluster = await AgentCluster.start();
    const source = await systems.createDatabase('postgres');
    destination = await systems.createDatabase('postgres');
    await source.execute(
      'CREATE TABLE t (id bigint PRIMARY KEY, body text)',
      'INSERT INTO t SELECT i, md5(i::text) FROM generate_series(1, 1000) i',
    );
    await destination.execute('CREATE TABLE t (id bigint PRIMARY KEY, body text)');
    await cluster.put(`${source.manifest('shop')}${destination.manifest('warehouse')}kind: Sync
metadata: { name: t }
spec:
  source: { dataSource: shop, table: public.t }
  destination: { dataSource: warehouse, table: public.t }
  mode: Snapshot
  batch: { maxRows: 100 }
  schedule: { continuous: true }
`);
  });
  after(async () => {
    await cluster?.stop();
    await systems?.stop();
  });

  const get = async (agent: RunningProcess, path: string) => {
    const port = /port=(\d+)/.exec(await agent.waitForLine('serving health and metrics'))?.[1];
    const answer = await fetch(`http://127.0.0.1:${port}${path}`);
    return { status: answer.status, text: await answer.text() };
  };
  const leave = async (agent: RunningProcess) => {
    agent.kill('SIGTERM');
    return await agent.waitForExit();
  };
  /** Blocks writers of the target until the returned function is called. */
  const holdTarget = async () => {
    const session = await destination.openSession();
    await session.query('BEGIN');
    await session.query('LOCK TABLE t IN EXCLUSIVE MODE');
    return async () => {
      await session.query('ROLLBACK');
      await session.close();
    };
  };

  test('without etcd it keeps trying, logs this, and is not ready', async () => {
    const [member] = cluster.server.members;
    assert.ok(member);
    await member.process.kill();
    const agent = await cluster.startAgent('a', { IDRA_HEALTH_PORT: '0' });
    await agent.waitForLine('cannot join the cluster yet (EtcdUnavailable)');
    assert.equal((await get(agent, '/healthz')).status, 200);
    const ready = await get(agent, '/readyz');
    assert.deepEqual([ready.status, ready.text.startsWith('member: not a member')], [503, true]);
    assert.match((await get(agent, '/metrics')).text, /^idra_member 0$/m);
    await member.process.restart();
    await agent.waitForLine('joined the cluster');
    assert.equal((await get(agent, '/readyz')).status, 200);
    // A core dump would contain its secrets.
    assert.match(await readFile(`/proc/${agent.pid}/limits`, 'utf8'), /^Max core file size +0 +0 /m);
    assert.match(await readFile(`/proc/${agent.pid}/coredump_filter`, 'utf8'), /^0+$/m);
    await until(
      async () =>
        /^idra_rows_written_total\{sync="default\/t"\} \d+$/m.test((await get(agent, '/metrics')).text),
      {
        what: 'its metrics to count rows',
      },
    );
    assert.deepEqual(await leave(agent), { code: 0, signal: null });
  });

  test('an agent with a name in use waits until the other one has ended', async () => {
    const first = await cluster.agent('same');
    const second = await cluster.startAgent('same');
    await second.waitForLine('cannot join the cluster yet (AgentNameTaken)');
    first.kill('SIGKILL');
    await second.waitForLine('joined the cluster');
    assert.deepEqual(await leave(second), { code: 0, signal: null });
  });

  test('a batch that does not end: the agent logs what it waited for, and leaves in time', async () => {
    const agent = await cluster.agent('slow', { IDRA_DRAIN_TIMEOUT: '2s' });
    await cluster.untilStatus(
      't',
      'running on it',
      ({ agent: by, state }) => by === 'slow' && state === 'Running',
    );
    const letGo = await holdTarget();
    assert.deepEqual(await leave(agent), { code: 1, signal: null });
    const line = await agent.waitForLine('leaving although syncs are still writing');
    assert.match(line, /default\/t/);
    assert.deepEqual(await cluster.coordination.cluster.agents(), []);
    await letGo();
  });

  test('a second signal ends it immediately', async () => {
    const agent = await cluster.agent('hasty', { IDRA_DRAIN_TIMEOUT: '120s' });
    await cluster.untilStatus(
      't',
      'running on it',
      ({ agent: by, state }) => by === 'hasty' && state === 'Running',
    );
    const letGo = await holdTarget();
    agent.kill('SIGTERM');
    await agent.waitForLine('draining');
    agent.kill('SIGTERM');
    assert.deepEqual(await agent.waitForExit(), { code: 143, signal: null });
    await letGo();
  });
});
