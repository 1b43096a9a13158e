import assert from 'node:assert/strict';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { OperatorBed, type TestAgent } from '../e2e/kit/operator.ts';
import { projectFolder, runCommand } from '../e2e/kit/processes.ts';
import { findServer, inArchive, inVariable, onPath } from '../e2e/kit/servers/find.ts';
import { until } from '../e2e/kit/wait.ts';
import { idra } from './test-cli.ts';

describe('the command line in a cluster with Kubernetes', () => {
  let bed: OperatorBed;
  let agent: TestAgent;
  before(async () => {
    bed = await OperatorBed.start();
    agent = await bed.joinAgent('idra-agent-0');
    bed.run();
    await bed.makeNamespace('team-a');
  });
  after(async () => {
    await bed.stop();
  });

  const run = (...args: readonly string[]) =>
    idra([...args, '-n', 'team-a'], {
      KUBECONFIG: bed.api.kubeconfigPath,
      IDRA_KUBECTL_PLUGIN: '1',
      IDRA_ETCD_ENDPOINTS: '',
    });

  test('run-now is an annotation, and its answer is printed', async () => {
    const { uid } = (await bed.makeSync('team-a', 'orders')).metadata;
    const running = run('run-now', 'orders');
    const [request] = await until(
      async () => {
        const pending = await bed.coordination.requests.pending(uid);
        return pending.length > 0 && pending;
      },
      { what: 'the request in etcd' },
    );
    assert.equal(request?.type, 'run-now');
    assert.notEqual(request?.by, undefined);
    const done = {
      type: 'run-now',
      id: request?.id ?? '',
      state: 'Done',
      message: 'a pass has begun',
      time: new Date().toISOString(),
    } as const;
    await (await agent.lock(uid)).finishRequest(done);
    await agent.report(uid, { state: 'Running', requests: [done] });
    const { out, status, err } = await running;
    assert.equal(status, 0, err);
    assert.match(out, /team-a\/orders: a pass has begun/);
  });

  test('suspend and resume are annotations, because Git may own the spec', async () => {
    await bed.makeSync('team-a', 'items');
    assert.equal((await run('suspend', 'items')).status, 0);
    const object = await bed.shown(
      'team-a',
      'items',
      'to be suspended',
      ({ status }) => status?.state === 'Suspended',
    );
    assert.equal(object.metadata.generation, 1);
    assert.equal((await run('resume', 'items')).status, 0);
    const resumed = await bed.shown(
      'team-a',
      'items',
      'to be resumed',
      ({ status }) => status?.state === 'Pending',
    );
    assert.equal(resumed.metadata.annotations?.['idra.dev/suspend'], undefined);
    await bed.patchSync('team-a', 'items', { spec: { suspend: true } });
    assert.equal((await run('resume', 'items')).status, 0);
    assert.equal((await bed.sync('team-a', 'items')).metadata.annotations?.['idra.dev/suspend'], 'false');
  });

  test('the offset is read from the status, and set by a request', async () => {
    const { uid } = (await bed.makeSync('team-a', 'lines')).metadata;
    await bed.inEtcd(await bed.sync('team-a', 'lines'));
    await agent.report(uid, { state: 'Waiting', offset: '{"mode":"Id","id":"42000"}', offsetText: '42000' });
    await bed.shown('team-a', 'lines', 'to have an offset', ({ status }) => status?.offset === '42000');
    assert.equal((await run('offset', 'get', 'lines')).out, '42000\n');
    const { status } = await run('offset', 'set', 'lines', '41000', '--expect', '42000', '--timeout', '0s');
    assert.equal(status, 0);
    const [request] = await until(
      async () => {
        const pending = await bed.coordination.requests.pending(uid);
        return pending.length > 0 && pending;
      },
      { what: 'the offset in etcd' },
    );
    assert.deepEqual(request?.offset, { value: '41000', expect: '42000' });
    const history = await run('offset', 'history', 'lines');
    assert.equal(history.status, 2);
    assert.match(history.err, /has no history.*IDRA_ETCD_ENDPOINTS/);
  });

  test('a missing object is answered with the existing ones; no cluster is exit status 3', async () => {
    const wrong = await run('run-now', 'nothing');
    assert.equal(wrong.status, 2);
    assert.match(wrong.err, /has no Sync team-a\/nothing; it has .*team-a\/orders/);
    const context = await run('run-now', 'orders', '--context', 'other');
    assert.equal(context.status, 3);
    assert.match(context.err, /other does not name a cluster/);
  });

  test('kubectl idra does the same, in the cluster that kubectl uses', async () => {
    const places = [
      inVariable('KUBEBUILDER_ASSETS', ['kubectl']),
      onPath(['kubectl']),
      inArchive('kube', '.'),
    ];
    const kubectl = join(await findServer('kubernetes', places), 'kubectl');
    const env = {
      KUBECONFIG: bed.api.kubeconfigPath,
      IDRA_ETCD_ENDPOINTS: '',
      PATH: `${projectFolder}/bin:${process.env.PATH}`,
    };
    const { stdout, stderr } = await runCommand(kubectl, ['idra', 'offset', 'get', 'lines', '-n', 'team-a'], {
      env,
    });
    assert.equal(stdout, '42000\n', stderr);
  });
});
