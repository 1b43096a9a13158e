import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { idra } from '../cli/test-cli.ts';
import { IdraError } from '../core/errors.ts';
import { type DataSourceObject, dataSources } from '../operator/controllers/objects.ts';
import { fillEtcd, freeEtcd } from './kit/full-etcd.ts';
import { conditionOf, OperatorBed, type TestAgent } from './kit/operator.ts';
import { until } from './kit/wait.ts';

describe('etcd is full', () => {
  let bed: OperatorBed;
  let agent: TestAgent;
  before(async () => {
    bed = await OperatorBed.start(undefined, { members: 1, quotaBytes: 2 << 20 });
    agent = await bed.joinAgent('idra-agent-0');
    bed.run({ etcdView: { checkIntervalMs: 100, graceMs: 500 } });
  });
  after(async () => {
    await bed.stop();
  });

  const shown = (name: string, type: string, condition: string) =>
    bed.shown('team-a', name, `to be ${condition}`, (object) => conditionOf(object, type) === condition);
  const shopIs = async (condition: string) => {
    const ref = { namespace: 'team-a', name: 'shop' };
    const read = async () =>
      conditionOf(await bed.client.get<DataSourceObject>(dataSources, ref), 'Ready') === condition;
    await until(read, { what: `shop to be ${condition}` });
  };
  const get = async (kind: string, namespace = 'team-a') => {
    const env = { IDRA_ETCD_ENDPOINTS: bed.store.endpoints.join(','), IDRA_ETCD_PREFIX: bed.store.prefix };
    return (await idra(['get', kind, '-n', namespace, '-o', 'json'], env)).out;
  };

  test('what agents can no longer report is not shown as the state, and all continues when there is space', async () => {
    await bed.makeNamespace('team-a');
    const made = await bed.makeSync('team-a', 'orders');
    await bed.inEtcd(made);
    await agent.report(made.metadata.uid, { state: 'Waiting', hasCaughtUp: true, fencingToken: '0.7' });
    await shown('orders', 'Ready', 'True HasCaughtUp');
    const completed = await bed.makeSync('team-a', 'done', { schedule: { once: true } });
    await bed.inEtcd(completed);
    await agent.report(completed.metadata.uid, { state: 'Completed', reason: 'Completed' });
    await shown('done', 'Ready', 'True Completed');

    await fillEtcd(bed.store);
    const { status } = await shown('orders', 'Ready', 'Unknown EtcdFull');
    assert.match(
      status?.message ?? '',
      /^etcd has accepted no writes since .* so the state is unknown: etcd .* refuses writes because its database is full/,
    );
    await shown('orders', 'Reconciling', 'True EtcdFull');
    await shown('done', 'Ready', 'True Completed');
    const late = await bed.makeSync('team-a', 'late');
    await shown('late', 'Ready', 'False EtcdFull');
    await shopIs('Unknown EtcdFull');
    const listed = JSON.parse(await get('syncs')) as { items: (typeof made)[] };
    const inGet = (name: string) => {
      const found = listed.items.find(({ metadata }) => metadata.name === name);
      return found && [found.status?.state, conditionOf(found, 'Ready')];
    };
    assert.deepEqual(inGet('orders'), ['Pending', 'Unknown EtcdFull']);
    assert.deepEqual(inGet('done'), ['Completed', 'True Completed']);
    assert.match(await get('datasources'), /"reason": "EtcdFull"/);
    await agent.report(made.metadata.uid, { state: 'Failed', reason: 'TableNotFound' });

    await freeEtcd(bed.store);
    await shown('orders', 'Ready', 'False TableNotFound');
    await bed.inEtcd(late);
    await shopIs('Unknown NotChecked');
    assert.doesNotMatch(await get('syncs'), /EtcdFull/);
  });

  test('a namespace is deleted all the same', async () => {
    await bed.makeNamespace('ends');
    const made = await bed.makeSync('ends', 'orders');
    await bed.inEtcd(made);
    await bed.untilFinalized('ends', 'shop');
    await fillEtcd(bed.store);
    const { coordination } = bed;
    const isFull = (error: unknown) => error instanceof IdraError && error.code === 'EtcdFull';
    await assert.rejects(coordination.checkWrites(), isFull);
    await bed.kubectl('delete', 'namespace', 'ends', '--wait=false');
    await bed.kubectl('delete', 'syncs,datasources', '--all', '-n', 'ends', '--wait=false');
    await until(() => bed.isGone('ends', 'orders'), { what: 'it to be gone' });
  });
});
