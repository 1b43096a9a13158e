import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { applyCurrentSyncs, applyNewerSyncs, hasFieldOfLater } from '../e2e/kit/newer-crd.ts';
import { conditionOf, OperatorBed, type RunningOperator, type TestAgent } from '../e2e/kit/operator.ts';
import { until } from '../e2e/kit/wait.ts';

describe('a status that matches reality', () => {
  let bed: OperatorBed;
  let agent: TestAgent;
  let running: RunningOperator;
  before(async () => {
    bed = await OperatorBed.start();
    agent = await bed.joinAgent('idra-agent-0');
    running = bed.run();
  });
  after(async () => {
    await bed.stop();
  });

  /** A Sync that has caught up with the first generation of its spec. */
  const caughtUp = async (namespace: string) => {
    await bed.makeNamespace(namespace);
    const made = await bed.makeSync(namespace, 'orders');
    await bed.inEtcd(made);
    await agent.report(made.metadata.uid, { hasCaughtUp: true, fencingToken: '0.7' });
    await bed.shown(
      namespace,
      'orders',
      'to be Ready',
      (each) => conditionOf(each, 'Ready') === 'True HasCaughtUp',
    );
    return made;
  };

  test('a missing DataSource is named, and the Sync continues when it is created', async () => {
    await bed.makeNamespace('missing');
    await bed.makeSync('missing', 'orders', { destination: { dataSource: 'lake', table: 'orders' } });
    const object = await bed.shown(
      'missing',
      'orders',
      'to report it',
      (each) => conditionOf(each, 'Reconciling') === 'True DataSourceNotFound',
    );
    assert.match(object.status?.message ?? '', /no DataSource missing\/lake/);
    assert.equal(object.status?.state, 'Pending');
    await bed.makeDataSource('missing', 'lake');
    await bed.shown(
      'missing',
      'orders',
      'to wait for an agent',
      (each) => conditionOf(each, 'Reconciling') === 'True WaitingForAgent',
    );
  });

  test('a Sync that the leader cannot place is Pending with the reason', async () => {
    await bed.makeNamespace('unplaced');
    const made = await bed.makeSync('unplaced', 'orders');
    await bed.inEtcd(made);
    const leadership = await agent.session.campaign(new AbortController().signal);
    const reason = { reason: 'NoEligibleAgent', message: 'no agent has the labels zone=b' } as const;
    await leadership.reportUnassigned([{ uid: made.metadata.uid, ...reason }]);
    const object = await bed.shown(
      'unplaced',
      'orders',
      'to report it',
      (each) => conditionOf(each, 'Reconciling') === 'True NoEligibleAgent',
    );
    assert.equal(object.status?.message, reason.message);
    await leadership.reportUnassigned([]);
    await bed.shown(
      'unplaced',
      'orders',
      'to wait',
      (each) => conditionOf(each, 'Reconciling') === 'True WaitingForAgent',
    );
    await leadership.resign();
  });

  test('a spec without an existing DataSource is not Ready, even if the previous spec was', async () => {
    const { metadata } = await caughtUp('broken-spec');
    await bed.patchSync('broken-spec', 'orders', { spec: { source: { dataSource: 'nosuch' } } });
    const lost = await bed.shown(
      'broken-spec',
      'orders',
      'to report what is missing',
      (each) => conditionOf(each, 'Ready') === 'Unknown DataSourceNotFound',
    );
    assert.equal(lost.status?.observedGeneration, 2);
    // A completed Sync is not complete with a new spec that cannot be run.
    await bed.patchSync('broken-spec', 'orders', { spec: { source: { dataSource: 'shop' } } });
    await agent.report(metadata.uid, {
      observedGeneration: 3,
      state: 'Completed',
      reason: 'Completed',
      hasCaughtUp: true,
    });
    await bed.shown(
      'broken-spec',
      'orders',
      'to be Completed',
      (each) => conditionOf(each, 'Ready') === 'True Completed',
    );
    const leadership = await agent.session.campaign(new AbortController().signal);
    await leadership.reportUnassigned([
      { uid: metadata.uid, reason: 'NoEligibleAgent', message: 'no agent has the labels zone=mars' },
    ]);
    await bed.patchSync('broken-spec', 'orders', {
      spec: { placement: { agentSelector: { zone: 'mars' } } },
    });
    await bed.shown(
      'broken-spec',
      'orders',
      'to report that no agent may run it',
      (each) => conditionOf(each, 'Ready') === 'Unknown NoEligibleAgent',
    );
    await leadership.resign();
  });

  test('a deleted status is restored at once, without repeating requests', async () => {
    const { metadata } = await caughtUp('wiped');
    await bed.annotate('wiped', 'orders', { 'idra.dev/run-now': '1' });
    const asked = async () => (await bed.coordination.requests.pending(metadata.uid)).map(({ id }) => id);
    await until(async () => (await asked()).length > 0, { what: 'the request' });
    await agent.finish(metadata.uid, 'run-now', '1');
    const patch = JSON.stringify([{ op: 'remove', path: '/status' }]);
    await bed.kubectl(
      'patch',
      'sync',
      'orders',
      '-n',
      'wiped',
      '--subresource=status',
      '--type=json',
      '-p',
      patch,
    );
    await bed.shown(
      'wiped',
      'orders',
      'to have its status again',
      (each) => each.status?.fencingToken === '0.7' && conditionOf(each, 'Ready') === 'True HasCaughtUp',
    );
    assert.deepEqual(await asked(), []);
  });

  test('annotations without effect cause a warning', async () => {
    await bed.makeNamespace('annotated');
    const annotations = { 'idra.dev/suspend': 'yes', 'idra.dev/run-onw': '1', 'example.com/x': '1' };
    await bed.makeSync('annotated', 'orders', { annotations });
    const { status } = await bed.shown(
      'annotated',
      'orders',
      'to warn',
      (each) => each.status?.warnings?.length === 2,
    );
    assert.match(status?.warnings?.join('\n') ?? '', /suspend is neither "true" nor "false"/);
    assert.match(status?.warnings?.join('\n') ?? '', /run-onw is not known.*did you mean idra\.dev\/run-now/);
    await bed.hasEvent('annotated', 'orders', /^Warning Ignored: the annotation idra\.dev\/run-onw/);
  });

  test('fields of a newer custom resource are ignored with a warning, and Syncs go on', async () => {
    await applyNewerSyncs(bed.api);
    await bed.makeNamespace('newer');
    const made = await until(
      async () => {
        const object = await bed.makeSync('newer', `s${Date.now()}`);
        return hasFieldOfLater(object) && object;
      },
      { what: 'the newer schema to be in force', everyMs: 500 },
    );
    const { name, uid } = made.metadata;
    // A watch keeps the schema with which it was opened.
    const restart = async () => {
      await running.stop();
      running = bed.run();
    };
    await restart();
    await bed.inEtcd(made);
    await agent.report(uid, { state: 'Running', hasCaughtUp: true });
    const warned = await bed.shown('newer', name, 'to run', ({ status }) => status?.state === 'Running');
    assert.match(warned.status?.warnings?.[0] ?? '', /^spec\.fieldOfLater is not known to this version/);
    await applyCurrentSyncs(bed.api);
    await until(
      async () => {
        const object = await bed.sync('newer', name);
        return !hasFieldOfLater(object);
      },
      { what: 'the older schema to be in force', everyMs: 500 },
    );
    await restart();
    const { metadata } = await bed.shown(
      'newer',
      name,
      'to warn no more',
      ({ status }) => status?.warnings === undefined,
    );
    assert.equal(metadata.generation, made.metadata.generation);
  });
});
