import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { conditionOf, OperatorBed, type TestAgent } from '../e2e/kit/operator.ts';

describe('a status that tells the truth', () => {
  let bed: OperatorBed;
  let agent: TestAgent;
  before(async () => {
    bed = await OperatorBed.start();
    agent = await bed.joinAgent('idra-agent-0');
    bed.run();
  });
  after(async () => {
    await bed.stop();
  });

  /** A Sync that has caught up with the first generation of its spec. */
  const caughtUp = async (namespace: string) => {
    await bed.makeNamespace(namespace);
    const made = await bed.makeSync(namespace, 'orders');
    await bed.inEtcd(made);
    await agent.say(made.metadata.uid, { hasCaughtUp: true, fencingToken: '0.7' });
    await bed.shown(
      namespace,
      'orders',
      'to be Ready',
      (each) => conditionOf(each, 'Ready') === 'True HasCaughtUp',
    );
    return made;
  };

  test('a spec that points at no DataSource is not Ready because the one before it was', async () => {
    const { metadata } = await caughtUp('broken-spec');
    await bed.patchSync('broken-spec', 'orders', { spec: { source: { dataSource: 'nosuch' } } });
    const lost = await bed.shown(
      'broken-spec',
      'orders',
      'to say what is missing',
      (each) => conditionOf(each, 'Ready') === 'Unknown DataSourceNotFound',
    );
    assert.equal(lost.status?.observedGeneration, 2);
    // What was complete is not complete with a spec that nobody can run.
    await bed.patchSync('broken-spec', 'orders', { spec: { source: { dataSource: 'shop' } } });
    await agent.say(metadata.uid, {
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
    await leadership.tellUnassigned([
      { uid: metadata.uid, reason: 'NoEligibleAgent', message: 'no agent has the labels zone=mars' },
    ]);
    await bed.patchSync('broken-spec', 'orders', {
      spec: { placement: { agentSelector: { zone: 'mars' } } },
    });
    await bed.shown(
      'broken-spec',
      'orders',
      'to say that no agent may run it',
      (each) => conditionOf(each, 'Ready') === 'Unknown NoEligibleAgent',
    );
    await leadership.resign();
  });
});
