import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import { permanent } from '../../core/errors.ts';
import { startProcess } from '../../e2e/kit/processes.ts';
import { faultProxy } from '../../e2e/kit/proxy.ts';
import { kubernetesApi } from '../../e2e/kit/servers.ts';
import { until } from '../../e2e/kit/wait.ts';
import type { KubernetesClient } from './client.ts';
import { type Leadership, leases, runAsLeader } from './leader-election.ts';
import type { KubernetesObject } from './objects.ts';
import { connect, TestLog } from './test-cluster.ts';

const api = await kubernetesApi();
const client = await connect(api);
const proxy = await faultProxy('127.0.0.1', Number(new URL(api.url).port));
const proxied = await connect(api, { port: proxy.port });
after(async () => {
  await Promise.all(candidates.map((end) => end()));
  client.close();
  proxied.close();
  await proxy.stop();
  await api.stop();
});

const times = { leaseDurationMs: 3_000, renewDeadlineMs: 2_000, retryMs: 300 };

interface Lease extends KubernetesObject {
  readonly spec?: { readonly holderIdentity?: string; readonly leaseTransitions?: number };
}

async function read(name: string): Promise<Lease> {
  return await client.get<Lease>(leases, { namespace: 'default', name });
}

/** Ended after the test, so that a failed test leaves no candidate running. */
const candidates: (() => Promise<void>)[] = [];

/** A candidate that records in `story` when it leads and when it must stop. */
function stand(story: string[], lease: string, name: string, through: KubernetesClient) {
  const stop = new AbortController();
  const log = new TestLog();
  let leadership: Leadership | undefined;
  const work = async (given: Leadership) => {
    leadership = given;
    story.push(`${name} leads`);
    await new Promise<void>((resolve) => {
      if (given.signal.aborted) resolve();
      given.signal.addEventListener('abort', () => resolve(), { once: true });
    });
    story.push(`${name} stops: ${(given.signal.reason as Error).message}`);
  };
  const options = { client: through, lease: { namespace: 'default', name: lease }, name, log, ...times };
  const running = runAsLeader(options, work, stop.signal);
  const end = async () => {
    stop.abort();
    await running;
  };
  candidates.push(end);
  return { end, log, isHeld: () => leadership?.isHeld() ?? false };
}

test('one candidate leads; when it ends it releases the lease, and the other takes over', async () => {
  const story: string[] = [];
  const a = stand(story, 'handover', 'a', client);
  await until(() => story.includes('a leads'), { what: 'a to lead' });
  const b = stand(story, 'handover', 'b', client);
  await a.end();
  await until(() => story.includes('b leads'), { what: 'b to lead' });
  assert.deepEqual(story, ['a leads', 'a stops: stopped: shutdown', 'b leads']);
  const lease = await read('handover');
  assert.match(lease.spec?.holderIdentity ?? '', /^b_/);
  assert.equal(lease.spec?.leaseTransitions, 1);
  await b.end();
  assert.equal((await read('handover')).spec?.holderIdentity, '');
});

test('of many concurrent candidates one leads', async () => {
  const story: string[] = [];
  const all = Array.from({ length: 5 }, (_, index) => stand(story, 'crowd', `c${index}`, client));
  await until(() => story.length > 0, { what: 'a leader' });
  for (let ended = 0; ended < 5; ended++) {
    await until(() => story.length === 2 * ended + 1, { what: `leader ${ended + 1}` });
    assert.equal(all.filter((each) => each.isHeld()).length, 1);
    const name = story.at(-1)?.split(' ')[0] ?? '';
    await all[Number(name.slice(1))]?.end();
  }
  assert.equal(new Set(story.filter((line) => line.endsWith('leads'))).size, 5);
});

test('a disconnected leader stops before the other starts, and is a candidate again once reconnected', async () => {
  const story: string[] = [];
  const a = stand(story, 'partition', 'a', proxied);
  await until(() => story.includes('a leads'), { what: 'a to lead' });
  const b = stand(story, 'partition', 'b', client);
  const both: boolean[] = [];
  const observer = setInterval(() => both.push(a.isHeld() && b.isHeld()), 5).unref();
  proxy.pause();
  await until(() => story.includes('b leads'), { what: 'b to lead' });
  assert.deepEqual(story.slice(-3), ['a leads', 'a stops: stopped: lease-lost', 'b leads']);
  assert.equal(a.isHeld(), false);
  proxy.heal();
  await b.end();
  await until(() => story.at(-1) === 'a leads', {
    what: 'a to lead again',
  });
  clearInterval(observer);
  assert.ok(both.length > 0 && !both.includes(true));
  await a.end();
});

test('a killed leader is replaced, not before its lease expires', async () => {
  const script = `
    import { KubernetesClient } from '${import.meta.resolve('./client.ts')}';
    import { loadClusterAccess } from '${import.meta.resolve('../../process/kubernetes-access.ts')}';
    import { runAsLeader } from '${import.meta.resolve('./leader-election.ts')}';
    const client = new KubernetesClient(await loadClusterAccess(), { fieldManager: 'test' });
    const log = { info() {}, warn: console.error, error: console.error };
    const options = { client, lease: { namespace: 'default', name: 'killed' }, name: 'child', log, ...${JSON.stringify(times)} };
    await runAsLeader(options, async () => { console.log('leading'); await new Promise(() => {}); }, new AbortController().signal);
  `;
  const child = await startProcess(process.execPath, ['--input-type=module', '-e', script], {
    env: { KUBECONFIG: api.kubeconfigPath },
  });
  await child.waitForLine('leading');
  const story: string[] = [];
  const b = stand(story, 'killed', 'b', client);
  child.kill('SIGKILL');
  await child.waitForExit();
  assert.match((await read('killed')).spec?.holderIdentity ?? '', /^child_/);
  await until(() => story.includes('b leads'), { what: 'b to lead' });
  assert.equal((await read('killed')).spec?.leaseTransitions, 1);
  await b.end();
});

test('a lease that is taken over manually ends the term at once', async () => {
  const story: string[] = [];
  const a = stand(story, 'taken', 'a', client);
  await until(() => story.includes('a leads'), { what: 'a to lead' });
  const spec = { holderIdentity: 'somebody', leaseDurationSeconds: 600 };
  await client.patch(leases, { namespace: 'default', name: 'taken' }, { spec });
  await until(() => story.length === 2, { what: 'a to stop' });
  assert.equal(story[1], 'a stops: stopped: lease-lost');
  await a.end();
  assert.equal((await read('taken')).spec?.holderIdentity, 'somebody');
});

test('an annotation by somebody else does not end the term', async () => {
  const story: string[] = [];
  const a = stand(story, 'annotated', 'a', client);
  await until(() => story.includes('a leads'), { what: 'a to lead' });
  const ref = { namespace: 'default', name: 'annotated' };
  const { resourceVersion } = (
    await client.patch<Lease>(leases, ref, { metadata: { annotations: { seen: 'yes' } } })
  ).metadata;
  await until(async () => (await read('annotated')).metadata.resourceVersion !== resourceVersion, {
    what: 'the next renewal',
  });
  assert.deepEqual(story, ['a leads']);
  await a.end();
});

test('work that fails releases the lease and is reported; work that ends ends the election', async () => {
  const options = {
    client,
    lease: { namespace: 'default', name: 'failing' },
    name: 'a',
    log: new TestLog(),
    ...times,
  };
  const failure = permanent('KubernetesInvalid', 'no way');
  const { signal } = new AbortController();
  await assert.rejects(
    runAsLeader(options, () => Promise.reject(failure), signal),
    (thrown) => thrown === failure,
  );
  assert.equal((await read('failing')).spec?.holderIdentity, '');
  await runAsLeader(options, async ({ isHeld }) => assert.equal(isHeld(), true), signal);
  assert.equal((await read('failing')).spec?.holderIdentity, '');
});
