import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { idra as runIdra } from '../cli/test-cli.ts';
import { connectCoordination } from '../coordination/connect.ts';
import { Orders } from './kit/orders.ts';
import { until } from './kit/wait.ts';
import { Installation } from './whole-way/installation.ts';

describe('installed again, with a new etcd', () => {
  let idra: Installation;
  let orders: Orders;
  before(async () => {
    [idra, orders] = await Promise.all([Installation.start(), Orders.create(50)]);
  });
  after(async () => {
    await idra?.stop();
    await orders?.stop();
  });

  const untilEqual = () =>
    until(() => orders.areEqual(), { what: 'equal rows', timeoutMs: 60_000, everyMs: 200 });

  test('Syncs stop and say what to do; after idra epoch raise they continue from their offsets', async () => {
    await age(idra);
    await idra.agent('idra-agent-0');
    await idra.apply(orders.manifests({ every: '500ms' }));
    await untilEqual();
    const written = () => idra.untilField('sync/orders', '.status.rows.written', /^5\d$/);
    assert.equal(await written(), '50');

    await idra.loseEtcd();
    await orders.insert(51);
    await idra.operator();
    await idra.agent('idra-agent-0');
    const message = await idra.untilField('sync/orders', '.status.message', /idra epoch raise/);
    assert.match(message, /0\.\d+/, 'the token that the destination has seen');
    const ready = '.status.conditions[?(@.type=="Ready")]';
    await idra.untilField('sync/orders', `${ready}.reason`, 'Fenced');
    await idra.untilField('sync/orders', `${ready}.status`, 'False');
    assert.equal(await orders.arrived(), 50);

    // As docs/etcd.md describes.
    await idra.stopAgents();
    const raised = await runIdra(['epoch', 'raise', '--at-least', '1'], idra.etcdEnv);
    assert.equal(raised.status, 0, raised.err);
    await idra.agent('idra-agent-0');
    await untilEqual();
    await idra.untilField('sync/orders', `${ready}.status`, 'True');
    await idra.untilField('sync/orders', '.status.rows.written', '51');
    await orders.insert(52);
    await untilEqual();
    await idra.untilField('sync/orders', '.status.rows.written', '52');
  });
});

/** An etcd in use for a while: tokens of a new one are lower. */
async function age({ store }: Installation): Promise<void> {
  const { desired, close } = connectCoordination({ endpoints: store.endpoints, prefix: store.prefix });
  const dataSource = { uid: 'u', namespace: 'elsewhere', name: 'old', createdAt: '', spec: {} };
  for (let generation = 1; generation <= 500; generation++)
    await desired.putDataSource({ ...dataSource, generation });
  await close();
}
