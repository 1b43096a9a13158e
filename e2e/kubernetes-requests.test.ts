import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { type CliResult, idra as runIdra } from '../cli/test-cli.ts';
import { Orders } from './kit/orders.ts';
import { until } from './kit/wait.ts';
import { Installation, team } from './whole-way/installation.ts';

/** One-time requests, from the command line over custom resource, operator and etcd to an agent and the destination, and back. */
describe('requests on Kubernetes', () => {
  let idra: Installation;
  let orders: Orders;

  before(async () => {
    idra = await Installation.start();
    orders = await Orders.create(50);
    await idra.agent('idra-agent-0');
    // So rarely that only a request starts a pass.
    await idra.apply(orders.manifests({ every: '10h' }));
    await until(async () => (await orders.arrived()) === 50, { what: '50 rows', timeoutMs: 60_000 });
  });
  after(async () => {
    await idra?.stop();
    await orders?.stop();
  });

  const run = (...args: readonly string[]): Promise<CliResult> =>
    runIdra([...args, '-n', team], { KUBECONFIG: idra.api.kubeconfigPath });
  const succeeds = async (...args: readonly string[]) => {
    const { status, out, err } = await run(...args);
    assert.equal(status, 0, err);
    return out;
  };

  test('run-now brings a pass, once for its value', async () => {
    await orders.insert(51);
    await succeeds('run-now', 'orders');
    await until(async () => (await orders.arrived()) === 51, { what: 'the row' });
    const annotation = await idra.kubectl([
      'get',
      'sync',
      'orders',
      '-o',
      'jsonpath={.metadata.annotations}',
    ]);
    assert.match(annotation, /"idra\.dev\/run-now":/);
    assert.match(await idra.kubectl(['describe', 'sync', 'orders']), /RequestDone/);
  });

  test('the offset is set only while suspended and only from the stored one, and is undone', async () => {
    const early = await run('offset', 'set', 'orders', '10', '--expect', '51');
    assert.equal(early.status, 2);
    assert.match(early.err, /suspended/);
    await succeeds('suspend', 'orders');
    const wrong = await run('offset', 'set', 'orders', '10', '--expect', '7');
    assert.equal(wrong.status, 2);
    assert.match(wrong.err, /stored offset is 51, not 7/);
    await succeeds('offset', 'set', 'orders', '10', '--expect', '51');
    await until(async () => (await run('offset', 'get', 'orders')).out === '10\n', {
      what: 'the new offset',
    });
    await succeeds('offset', 'undo', 'orders');
    await until(async () => (await run('offset', 'get', 'orders')).out === '51\n', {
      what: 'the old offset',
    });
    await succeeds('resume', 'orders');
  });

  test('restart reads everything again', async () => {
    await orders.lose(5);
    await succeeds('restart', 'orders', '--yes');
    await until(async () => (await orders.arrived()) === 51, { what: 'the rows' });
  });
});
