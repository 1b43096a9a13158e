import assert from 'node:assert/strict';
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import Database from 'better-sqlite3';
import { idra } from '../cli/test-cli.ts';
import { EtcdClient } from '../coordination/etcd/client.ts';
import { Keys } from '../coordination/keys.ts';
import { type EtcdWithRoles, environmentOf, etcdWithRoles } from '../coordination/roles/test-roles.ts';
import { OperatorBed } from './kit/operator.ts';
import { type RunningProcess, startIdra } from './kit/processes.ts';
import { tempFolder } from './kit/temp.ts';
import { until } from './kit/wait.ts';

const manifests = `
apiVersion: idra.dev/v1alpha1
kind: DataSource
metadata: { name: shop }
spec: { sqlite: { path: shop.db }, maxRowsPerSecond: 100000, maxConcurrentSyncs: 1, placement: { agentSelector: { disk: a } } }
---
apiVersion: idra.dev/v1alpha1
kind: DataSource
metadata: { name: archive }
spec: { sqlite: { path: archive.db }, placement: { agentSelector: { disk: a } } }
---
apiVersion: idra.dev/v1alpha1
kind: Sync
metadata: { name: orders }
spec:
  source: { dataSource: shop, table: orders, idField: id }
  destination: { dataSource: archive, table: orders }
  mode: Id
  schedule: { every: 1s }
`;

/** Keys in etcd, as root sees them. */
async function keysOf(etcd: EtcdWithRoles): Promise<readonly string[]> {
  const client = new EtcdClient(etcd.config('root'));
  const keys = new Keys(etcd.server.prefix);
  const { pairs } = await client.range(keys.all);
  client.close();
  return pairs.map(({ key }) => key.slice(keys.root.length));
}

describe('an etcd with users and roles', () => {
  let etcd: EtcdWithRoles;
  before(async () => {
    etcd = await etcdWithRoles();
  });
  after(async () => await etcd?.server.stop());

  test('agents and command line work, each as its user', async () => {
    const root = await tempFolder('roles');
    await mkdir(join(root, 'default'));
    const shop = new Database(join(root, 'default', 'shop.db'));
    shop.exec(
      "CREATE TABLE orders (id INTEGER PRIMARY KEY, what TEXT); INSERT INTO orders VALUES (1, 'a'), (2, 'b')",
    );
    const file = join(root, 'manifests.yaml');
    await writeFile(file, manifests);
    const start = (name: string) =>
      startIdra(['agent'], {
        name: `agent ${name}`,
        env: {
          ...environmentOf(etcd.config('idra-agent')),
          IDRA_AGENT_NAME: name,
          IDRA_AGENT_LABELS: 'disk=a',
          IDRA_LEASE_TTL: '3s',
          IDRA_SQLITE_ROOT: root,
        },
      });
    const api = environmentOf(etcd.config('idra-api'));
    const run = async (...args: string[]) => {
      const { status, out, err } = await idra(args, api);
      assert.equal(status, 0, `idra ${args.join(' ')}: ${err}`);
      return out;
    };
    const moves = async (rows: number) =>
      await until(
        async () => new RegExp(`"written": ${rows}\\b`).test(await run('get', 'syncs', '-o', 'json')),
        {
          what: `${rows} rows`,
        },
      );
    const agents: RunningProcess[] = [await start('a1'), await start('a2')];
    try {
      for (const each of agents) await each.waitForLine('joined the cluster');
      await run('apply', '-f', file);
      await moves(2);
      shop.exec("INSERT INTO orders VALUES (3, 'c')");
      await moves(3);
      await run('check', '-f', file, '--agents');
      await run('get', 'agents');
      await run('locks');
      await run('describe', 'sync', 'orders');
      await run('restart', 'orders', '--yes');
      await run('suspend', 'orders');
      await run('resume', 'orders');
      await run('epoch', 'raise');
      // The other agent continues.
      await agents[0]?.stop();
      shop.exec("INSERT INTO orders VALUES (4, 'd')");
      await until(async () => (await run('get', 'datasources')).includes('archive'), { what: 'the reports' });
      await run('delete', '-f', file);
      await until(
        async () =>
          (await keysOf(etcd)).every((key) => /^(agents|sessions|loads|leader|epoch|trends)/.test(key)),
        { what: 'nothing to be left of them' },
      );
      for (const each of agents)
        assert.doesNotMatch([...each.stdout, ...each.stderr].join('\n'), /EtcdPermissionDenied/);
    } finally {
      for (const each of agents) await each.stop();
      shop.close();
    }
  });

  test('the operator works as its user', async () => {
    const bed = await OperatorBed.start(etcd);
    try {
      bed.run();
      const agent = await bed.joinAgent('k1');
      await bed.makeNamespace('team');
      const made = await bed.makeSync('team', 'orders');
      const never = await bed.makeSync('team', 'never');
      const { uid } = made.metadata;
      await bed.inEtcd(made);
      await bed.inEtcd(never);
      await agent.report(uid, { state: 'Running', fencingToken: '0.7' });
      await bed.shown('team', 'orders', 'to run', ({ status }) => status?.state === 'Running');
      await bed.annotate('team', 'orders', { 'idra.dev/run-now': '1' });
      await until(async () => (await bed.coordination.requests.pending(uid)).length > 0, {
        what: 'the request',
      });
      await agent.finish(uid, 'run-now', '1');
      assert.equal((await bed.coordination.requests.answers(uid)).length, 1);
      await bed.kubectl('delete', 'syncs,datasources', '--all', '-n', 'team', '--wait=false');
      await until(() => bed.isGone('team', 'never'), { what: 'what never ran to be gone' });
      await until(async () => (await bed.stored(made))?.deletedAt, { what: 'the deletion in etcd' });
      await agent.purge(uid);
      await until(() => bed.isGone('team', 'orders'), { what: 'the Sync to be gone' });
      await until(
        async () =>
          (await bed.kubectl('get', 'datasources', '-n', 'team', '-o', 'name')) === '' &&
          !(await keysOf(etcd)).some((key) => /^(syncs|names|data-sources|reports)\//.test(key)),
        { what: 'the data sources to be gone' },
      );
    } finally {
      await bed.stop();
    }
  });
});
