import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { applyCurrentSyncs, applyNewerSyncs, hasFieldOfLater } from '../e2e/kit/newer-crd.ts';
import { OperatorBed, type RunningOperator, type TestAgent } from '../e2e/kit/operator.ts';
import { until } from '../e2e/kit/wait.ts';
import { type SyncObject, syncs } from './controllers/objects.ts';

const count = 50;
const namespace = 'team';

/** An operator of this version under its own custom resource definition, and under one of a version that has an additional field. */
describe('operators of two versions that replace each other', () => {
  let bed: OperatorBed;
  let agent: TestAgent;
  let leading: RunningOperator;
  const made: SyncObject[] = [];
  /** Every state of a Sync that does not run, seen by a watch so that no intermediate state is missed. */
  const stopped: string[] = [];
  const stop = new AbortController();
  let watching: Promise<void>;
  before(async () => {
    bed = await OperatorBed.start();
    agent = await bed.joinAgent('idra-agent-0');
    leading = bed.run({ name: 'older' });
    await bed.makeNamespace(namespace);
    for (let index = 0; index < count; index++) made.push(await bed.makeSync(namespace, `s${index}`));
    for (const each of made) {
      await bed.inEtcd(each);
      await agent.report(each.metadata.uid, { state: 'Running', hasCaughtUp: true, fencingToken: '0.7' });
    }
    await until(async () => (await listed()).every(runs), { what: 'all to run' });
    watching = watch();
  });
  after(async () => {
    stop.abort();
    await watching;
    await bed.stop();
  });

  const listed = async () => (await bed.client.list<SyncObject>(syncs, { namespace })).items;
  const runs = ({ status }: SyncObject) =>
    status?.state === 'Running' &&
    status.conditions?.some(({ type, status: is }) => type === 'Ready' && is === 'True');
  const watch = async () => {
    const { resourceVersion } = await bed.client.list<SyncObject>(syncs, { namespace });
    const options = { namespace, resourceVersion, serverTimeoutMs: 300_000, inactivityMs: 300_000 };
    try {
      for await (const event of bed.client.watch<SyncObject>(syncs, { ...options, signal: stop.signal })) {
        if (event.type === 'BOOKMARK' || runs(event.object)) continue;
        stopped.push(`${event.object.metadata.name} is ${event.object.status?.state}`);
      }
    } catch (thrown) {
      if (!stop.signal.aborted) throw thrown;
    }
  };
  /** The next one stands for the Lease while the last one leads, and starts with a list of the current objects. */
  const takeOver = async (name: string) => {
    const next = bed.run({ name });
    await leading.stop();
    leading = next;
    await until(() => next.operator.isLeader, { what: `${name} to lead`, timeoutMs: 30_000 });
  };
  const settled = async (what: string, holds: (object: SyncObject) => boolean) => {
    await until(async () => (await listed()).every(holds), { what, timeoutMs: 60_000 });
    const wanted = await bed.coordination.desired.read();
    assert.equal(wanted.syncs.length, count);
    assert.deepEqual(
      wanted.syncs.filter(({ isSuspendedByAnnotation, deletedAt }) => isSuspendedByAnnotation || deletedAt),
      [],
    );
    assert.deepEqual(stopped, []);
    for (const { status } of await listed()) assert.equal(status?.observedGeneration, 1);
  };
  const warns = ({ status }: SyncObject) =>
    status?.warnings?.some((each) => each.startsWith('spec.fieldOfLater is not known')) ?? false;

  test('no Sync stops under the newer definition, nor after the return to the older one', async () => {
    await applyNewerSyncs(bed.api);
    await until(async () => (await listed()).every(hasFieldOfLater), {
      what: 'the newer schema',
      timeoutMs: 60_000,
    });
    await takeOver('under the newer definition');
    await settled('all to warn of the field', warns);
    await takeOver('another one of them');
    await applyCurrentSyncs(bed.api);
    await until(async () => !(await listed()).some(hasFieldOfLater), {
      what: 'the older schema',
      timeoutMs: 60_000,
    });
    await takeOver('under the older definition');
    await settled('none to warn', (each) => !warns(each));
  });
});
