import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { AgentCluster } from './kit/agents.ts';
import { projectFolder, runCommand } from './kit/processes.ts';
import type { EtcdServer } from './kit/servers.ts';
import { type TestDatabase, TestSystems } from './kit/systems.ts';
import { tempFolder } from './kit/temp.ts';
import { until } from './kit/wait.ts';

const tables = Array.from({ length: 6 }, (_, index) => `t${index}`);

/** Keys and values, read through etcd's own gateway. */
async function allOfEtcd({ endpoints, prefix }: EtcdServer): Promise<string[]> {
  const [key, range_end] = [prefix, `${prefix.slice(0, -1)}0`].map((each) =>
    Buffer.from(each).toString('base64'),
  );
  const answer = await fetch(`${endpoints[0]}/v3/kv/range`, {
    method: 'POST',
    body: JSON.stringify({ key, range_end }),
  });
  const { kvs = [] } = (await answer.json()) as { kvs?: { key: string; value: string }[] };
  return kvs.flatMap((pair) =>
    [pair.key, pair.value].map((text) => Buffer.from(text, 'base64').toString('utf8')),
  );
}

/** Agents as processes on a real etcd, PostgreSQL to PostgreSQL; the desired state is written to etcd directly. */
describe('agents', () => {
  let cluster: AgentCluster;
  let systems: TestSystems;
  let source: TestDatabase;
  let destination: TestDatabase;

  before(async () => {
    systems = new TestSystems(await tempFolder('agents'));
    cluster = await AgentCluster.start();
    source = await systems.createDatabase('postgres');
    destination = await systems.createDatabase('postgres');
    for (const table of tables) {
      await source.execute(
        `CREATE TABLE ${table} (id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, body text)`,
        `INSERT INTO ${table} (body) SELECT md5(i::text) FROM generate_series(1, 2000) i`,
      );
    }
    await cluster.put(
      source.manifest('shop') + destination.manifest('warehouse') + tables.map(manifestOf).join(''),
    );
  });
  after(async () => {
    await cluster?.stop();
    await systems?.stop();
  });

  const manifestOf = (table: string) => `apiVersion: idra.dev/v1alpha1
kind: Sync
metadata: { name: ${table} }
spec:
  source: { dataSource: shop, table: public.${table}, idField: id }
  destination: { dataSource: warehouse, table: public.${table} }
  mode: Id
  writeMode: Append
  batch: { maxRows: 500 }
  placement: { weight: 1 }
  schedule: { continuous: true }
---
`;
  const insert = (count: number, ...into: readonly string[]) =>
    Promise.all(
      into.map((table) =>
        source.execute(`INSERT INTO ${table} (body) SELECT md5(i::text) FROM generate_series(1, ${count}) i`),
      ),
    );
  const isEqual = async (table: string) => {
    const sql = `SELECT count(*), coalesce(md5(string_agg(id || ' ' || body, ',' ORDER BY id)), '') FROM ${table}`;
    const [wanted, found] = await Promise.all([
      source.rows(sql),
      destination.rows(sql).catch(() => undefined),
    ]);
    return JSON.stringify(wanted) === JSON.stringify(found);
  };
  const untilEqual = (...which: readonly string[]) =>
    until(async () => (await Promise.all(which.map(isEqual))).every(Boolean), {
      what: `${which.join(', ')} to be equal`,
    });

  test('three agents share the syncs, and the rows arrive', async () => {
    await Promise.all(['a', 'b', 'c'].map((name) => cluster.agent(name)));
    await cluster.untilSpread(6, 3);
    await untilEqual(...tables);
    const status = await cluster.untilStatus('t0', 'caught up', ({ hasCaughtUp }) => hasCaughtUp);
    assert.equal(status.guarantee, 'ExactlyOnce');
    assert.equal(status.rows.written, 2_000);
    await insert(100, ...tables);
    await untilEqual(...tables);
  });

  test('the command line asks agents what they can reach', async () => {
    const { endpoints, prefix } = cluster.server;
    const env = { IDRA_ETCD_ENDPOINTS: endpoints.join(','), IDRA_ETCD_PREFIX: prefix };
    const idra = (...args: string[]) => runCommand(`${projectFolder}/bin/idra`, args, { env });
    const check = await idra('check');
    assert.equal(check.code, 0, check.stderr);
    assert.match(check.stdout, /DataSource default\/shop +ok +PostgreSQL/);
    const plan = await idra('plan', '--only', 't0');
    assert.match(plan.stdout, /default\/t0: shop public\.t0 -> warehouse public\.t0, Id, Append/);
    assert.match((await idra('discover', 'shop')).stdout, /public\.t3/);
  });

  test('the leader is killed: another agent takes over, and only its Syncs move', async () => {
    const before = await cluster.holders();
    const leader = await cluster.coordination.cluster.leader();
    assert.ok(leader);
    cluster.agents.get(leader.agent)?.kill('SIGKILL');
    await insert(100, ...tables);
    const orphans = [...before].filter(([, agent]) => agent === leader.agent).map(([uid]) => uid);
    assert.ok(orphans.length > 0);
    await untilEqual(...orphans);
    const after = await cluster.untilSpread(6, 2);
    const moved = [...after].filter(([uid, agent]) => before.get(uid) !== agent).map(([uid]) => uid);
    assert.deepEqual(moved.sort(), orphans.sort());
    await untilEqual(...tables);
    await cluster.agent(leader.agent);
    await cluster.untilSpread(6, 3);
  });

  test('an agent that gets SIGTERM hands over each of its Syncs once, and leaves', async () => {
    const before = await cluster.untilSpread(6, 3);
    const leader = await cluster.coordination.cluster.leader();
    const [leaving = ''] = [...cluster.agents.keys()].filter((name) => name !== leader?.agent);
    const agent = cluster.agents.get(leaving);
    assert.ok(agent);
    agent.kill('SIGTERM');
    assert.deepEqual(await agent.waitForExit(), { code: 0, signal: null });
    const after = await cluster.untilSpread(6, 2);
    const moved = [...after].filter(([uid, holder]) => before.get(uid) !== holder);
    assert.equal(moved.length, 2);
    assert.ok(moved.every(([uid]) => before.get(uid) === leaving));
    assert.ok(!(await cluster.coordination.cluster.agents()).some(({ name }) => name === leaving));
    await insert(10, ...tables);
    await untilEqual(...tables);
  });

  test('a change of spec restarts a Sync; suspended it stops, answers a request, and continues when resumed', async () => {
    const spec = (await cluster.coordination.desired.getSync('t0'))?.spec as object;
    await cluster.change('t0', { spec: { ...spec, batch: { maxRows: 7 } } });
    await cluster.untilStatus(
      't0',
      'of the new generation',
      ({ observedGeneration }) => observedGeneration === 2,
    );
    await cluster.change('t0', { isSuspendedByAnnotation: true });
    await until(async () => !(await cluster.holders()).has('t0'), { what: 'the lock to be released' });
    await insert(10, 't0');
    await cluster.request('t0', { type: 'run-now', id: '1' });
    const [answer] = await until(
      async () => {
        const answers = await cluster.coordination.requests.answers('t0');
        return answers.length > 0 && answers;
      },
      { what: 'the answer' },
    );
    assert.equal(answer?.state, 'Refused');
    const at = (await cluster.status('t0'))?.offsetText ?? '';
    await cluster.request('t0', { type: 'offset', id: '2', offset: { value: at, expect: at }, by: 'test' });
    const set = await until(
      async () => (await cluster.coordination.requests.answers('t0')).find(({ type }) => type === 'offset'),
      { what: 'the answer' },
    );
    assert.equal(set.state, 'Done', set.message);
    await until(async () => !(await cluster.holders()).has('t0'), { what: 'the lock to be released again' });
    assert.equal(await isEqual('t0'), false);
    await cluster.change('t0', { isSuspendedByAnnotation: false });
    await untilEqual('t0');
  });

  test('deleted: its commit row is closed and all its keys are deleted', async () => {
    await cluster.change('t5', { deletedAt: new Date().toISOString() });
    await until(async () => (await cluster.coordination.desired.getSync('t5')) === undefined, {
      what: 'the purge',
    });
    await until(async () => !(await cluster.holders()).has('t5') && !(await cluster.status('t5')), {
      what: 'its keys to go',
    });
    const [row] = await destination.rows(`SELECT closed FROM _idra_commits WHERE uid = 't5'`);
    assert.deepEqual(row, ['t']);
  });

  test('an error is reported for its Sync only, and ends when it is fixed', async () => {
    const wrong = destination.manifest('elsewhere').replace(/password: "[^"]*"/, 'password: "wrong"');
    await cluster.put(
      `${wrong}${manifestOf('t1').replace('name: t1', 'name: w1').replace('warehouse', 'elsewhere').replaceAll('table: public.t1 }', 'table: public.w1 }')}`,
    );
    const failed = await cluster.untilStatus('w1', 'failed', ({ state }) => state === 'Failed');
    assert.match(failed.message, /password/);
    const report = await until(
      async () =>
        (await cluster.coordination.reports.readDataSources()).find(({ name }) => name === 'elsewhere'),
      { what: 'the report' },
    );
    assert.equal(report.isReachable, false);
    await cluster.put(manifestOf('t1').replace('name: t1', 'name: w2').replace('warehouse', 'nowhere'));
    const unassigned = await until(
      async () => (await cluster.coordination.reports.readUnassigned()).get('w2'),
      { what: 'w2 to be reported' },
    );
    assert.equal(unassigned.reason, 'DataSourceNotFound');
    await cluster.put(manifestOf('t1').replace('name: t1', 'name: w3').replace('mode: Id', 'mode: Ids'));
    const invalid = await until(async () => (await cluster.coordination.reports.readUnassigned()).get('w3'), {
      what: 'w3 to be reported',
    });
    assert.equal(invalid.reason, 'InvalidSpec');
    assert.match(invalid.message, /^spec\.mode: .*Ids/);
    await insert(10, 't1', 't2');
    await untilEqual('t1', 't2');
    await until(
      async () => {
        const reports = await cluster.coordination.reports.readDataSources();
        return (
          reports.filter(
            ({ isReachable, serverVersion }) => isReachable && serverVersion?.startsWith('PostgreSQL'),
          ).length === 2
        );
      },
      { what: 'the other data sources to be well' },
    );
  });

  test('no password is in etcd or in a log', async () => {
    const passwords = [source, destination].map(
      (each) => /password: "([^"]+)"/.exec(each.manifest('x'))?.[1] ?? '',
    );
    assert.ok(passwords.every((each) => each.length > 8));
    const logs = [...cluster.agents.values()].flatMap(({ stdout, stderr }) => [...stdout, ...stderr]);
    const everything = [...logs, ...(await allOfEtcd(cluster.server))].join('\n');
    assert.ok(everything.includes('"passwordSecretRef"'));
    for (const password of passwords) assert.ok(!everything.includes(password));
  });

  test('etcd stops and comes back: Syncs stop before the lease can have expired, report this, and continue', async () => {
    const [member] = cluster.server.members;
    assert.ok(member);
    const agents = [...cluster.agents.values()].filter(({ isRunning }) => isRunning);
    await member.process.kill();
    await Promise.all(agents.map((agent) => agent.waitForLine('the lease is lost')));
    await insert(10, 't1', 't2');
    await member.process.restart();
    await untilEqual('t1', 't2');
    assert.ok(agents.every(({ isRunning }) => isRunning));
  });
});
