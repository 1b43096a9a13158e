import assert from 'node:assert/strict';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import type { SyncDetail, SyncList } from '../api/contract/index.ts';
import { idra as runIdra } from '../cli/test-cli.ts';
import { serve } from './api/serve.ts';
import { OperatorBed, type TestAgent } from './kit/operator.ts';
import { until } from './kit/wait.ts';
import { byId, ends, ShopFolder, shop, sync } from './single-mode/shop-folder.ts';

const status = {
  state: 'Running',
  reason: 'MovingRows',
  message: 'moving rows',
  hasCaughtUp: true,
  rows: { read: 8, written: 7, deleted: 0, rejected: 1 },
  rowsPerSecond: 120,
  lagSeconds: 65,
  offset: '{"mode":"Id","id":"41000"}',
  offsetText: '41000',
  lastSyncTime: '2026-11-24T08:00:00.000Z',
} as const;

describe('one Sync in kubectl, command line and API', () => {
  let bed: OperatorBed;
  let agent: TestAgent;
  before(async () => {
    bed = await OperatorBed.start();
    bed.run();
    agent = await bed.joinAgent('a-0');
    await bed.makeNamespace('team-a');
    const made = await bed.makeSync('team-a', 'orders');
    await bed.inEtcd(made);
    await agent.report(made.metadata.uid, status);
    await bed.shown('team-a', 'orders', 'running', ({ status: now }) => now?.state === 'Running');
  });
  after(async () => {
    await bed?.stop();
  });

  const env = () => ({
    IDRA_ETCD_ENDPOINTS: bed.store.endpoints.join(','),
    IDRA_ETCD_PREFIX: bed.store.prefix,
  });

  test('they say the same, and a change arrives by watches', async () => {
    const kubernetes = await serve(['--kubeconfig', bed.api.kubeconfigPath], env());
    const etcd = await serve([], { ...env(), KUBECONFIG: '' });
    try {
      const facts = ({ state, message, lag, lagSeconds, rows, offset }: Record<string, unknown>) => ({
        state,
        message,
        lag,
        lagSeconds,
        rows,
        offset,
      });
      const byKubectl = JSON.parse(
        await bed.kubectl('get', 'sync', 'orders', '-n', 'team-a', '-o', 'json'),
      ) as {
        status: Record<string, unknown>;
      };
      const wanted = facts(byKubectl.status);
      assert.deepEqual([wanted.lag, wanted.offset], ['65s', '41000']);
      const { out } = await runIdra(['get', 'syncs', 'orders', '-n', 'team-a', '-o', 'json'], env());
      const [byCli] = (JSON.parse(out) as { items: { status: Record<string, unknown> }[] }).items;
      assert.deepEqual(facts(byCli?.status ?? {}), wanted);
      for (const { client } of [kubernetes, etcd]) {
        const { object, lock, row } = await client.get<SyncDetail>('/syncs/team-a/orders');
        assert.deepEqual(facts((object.status ?? {}) as Record<string, unknown>), wanted);
        assert.deepEqual([lock?.agent, row.attention], ['a-0', 'lagging']);
        assert.deepEqual(
          object.status?.conditions?.map(({ type, status: is }) => `${type} ${is}`),
          ['Ready True', 'Reconciling False', 'Stalled False'],
        );
        const { items } = await client.get<{ items: { name: string; isLeader: boolean }[] }>('/agents');
        assert.deepEqual(
          items.map(({ name }) => name),
          ['a-0'],
        );
      }
      const second = await bed.makeSync('team-a', 'events');
      await agent.report((await bed.inEtcd(second)).uid, {
        state: 'Failed',
        reason: 'TableNotFound',
        message: 'no x',
      });
      for (const { client } of [kubernetes, etcd])
        await until(async () => (await client.get<SyncList>('/syncs')).items[0]?.attention === 'failed', {
          what: 'the new Sync at the top',
        });
    } finally {
      for (const { running } of [kubernetes, etcd]) assert.equal((await running.stop()).code, 0);
    }
  });
});

test('single mode serves its files, runs their Syncs, and keeps the users in the state file', async () => {
  const folder = await ShopFolder.make();
  try {
    folder.execute('shop.db', shop);
    await folder.manifests(ends + sync({ ...byId, schedule: { every: '1s' } }));
    const args = ['-f', 'shop.yaml', '--state', join(folder.path, 'state.db')];
    const first = await serve(args, {}, folder.path);
    await until(
      async () => {
        const { object } = await first.client.get<SyncDetail>('/syncs/default/orders');
        return object.status?.rows?.written === 3 && object.status.state === 'Waiting';
      },
      { what: 'the rows' },
    );
    const { offset } = await first.client.get<{ offset: string }>('/syncs/default/orders/offset');
    assert.equal(offset, '3');
    await first.client.send('POST', '/syncs/default/orders/requests?wait=20', { type: 'run-now' });
    const { findings } = await first.client.send<{ findings: unknown[] }>(
      'POST',
      '/datasources/default/shop/check',
    );
    assert.deepEqual(findings, []);
    const { object } = await first.client.get<SyncDetail>('/syncs/default/orders');
    const plan = await first.client.send<{ guarantee: string; rowsWaiting: number }>(
      'POST',
      '/plans/default',
      {
        name: 'orders',
        spec: object.spec,
      },
    );
    assert.deepEqual([plan.guarantee, plan.rowsWaiting], ['ExactlyOnce', 0]);
    await first.client.refused(409, 'NotOfferedHere', '/syncs/default', {
      method: 'POST',
      body: { name: 'x', spec: object.spec },
    });
    assert.equal((await first.running.stop()).code, 0);
    const second = await serve(args, {}, folder.path);
    assert.equal((await second.client.get<SyncList>('/syncs')).items[0]?.rows, 3);
    assert.equal((await second.running.stop()).code, 0);
  } finally {
    await folder.remove();
  }
});
