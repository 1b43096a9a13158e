import { parseArgs } from 'node:util';
import { OperatorBed } from '../e2e/kit/operator.ts';
import { until } from '../e2e/kit/wait.ts';
import {
  type DataSourceObject,
  dataSources,
  type SyncObject,
  syncs,
} from '../operator/controllers/objects.ts';
import { pathOf } from '../operator/runtime/objects.ts';
import { makeSyncs, reportAll, startOperator } from './_operator.ts';

/**
 * What the operator writes to Kubernetes: nothing while nothing happens, and no more than its budget while Syncs alternate between
 * Running and Waiting several times a second. Counted by a watch of another client. Also how long the deletion of 500 Syncs that never
 * ran takes, one by one and in one call.
 */
const [few, many] = [10, 500];
const watchedMs = 90_000;
const patience = { timeoutMs: 300_000, everyMs: 250 };

const bed = await OperatorBed.start();
const agent = await bed.joinAgent('idra-agent-0');
const operator = await startOperator(bed);

/** Changes of Syncs and DataSources during this time: when, and of which object. */
async function changesDuring(
  namespace: string,
  ms: number,
): Promise<readonly { readonly atMs: number; readonly name: string }[]> {
  const seen: { atMs: number; name: string }[] = [];
  const signal = AbortSignal.timeout(ms);
  const watch = async (resource: typeof syncs) => {
    const { resourceVersion } = await bed.client.list<SyncObject | DataSourceObject>(resource, { namespace });
    const options = { namespace, resourceVersion, serverTimeoutMs: 600_000, inactivityMs: 600_000, signal };
    try {
      for await (const event of bed.client.watch<SyncObject>(resource, options))
        if (event.type !== 'BOOKMARK')
          seen.push({ atMs: writtenMs(event.object), name: event.object.metadata.name });
    } catch (thrown) {
      if (!signal.aborted) throw thrown;
    }
  };
  await Promise.all([watch(syncs), watch(dataSources)]);
  return seen;
}

/** By the clock of the API server, in whole seconds: the time when this client receives it is not meaningful on a busy machine. */
function writtenMs({ metadata }: SyncObject): number {
  const times = (metadata.managedFields as { readonly time?: string }[]).map(({ time = '' }) =>
    Date.parse(time),
  );
  return Math.max(...times.filter(Number.isFinite));
}

/** The maximum in any window of this length. */
function most(times: readonly number[], windowMs: number): number {
  const sorted = [...times].sort((a, b) => a - b);
  let [start, largest] = [0, 0];
  for (const [end, atMs] of sorted.entries()) {
    while (atMs - (sorted[start] ?? 0) >= windowMs) start++;
    largest = Math.max(largest, end - start + 1);
  }
  return largest;
}

/** Rows arrive continuously, and each of the Syncs alternates between working and waiting. */
async function busy(namespace: string, made: readonly SyncObject[]) {
  const ended = new AbortController();
  const work = async () => {
    for (let written = 2; !ended.signal.aborted; written++) {
      const state = written % 2 === 0 ? 'Waiting' : 'Running';
      const rows = { read: written, written, deleted: 0, rejected: 0 };
      await reportAll(bed, made, { state, rows, observedAt: new Date().toISOString() });
      await new Promise((resolve) => setTimeout(resolve, 200));
    }
  };
  const working = work();
  const changes = await changesDuring(namespace, watchedMs);
  ended.abort();
  await working;
  return changes;
}

async function measureBusy(namespace: string, count: number): Promise<void> {
  await bed.makeNamespace(namespace);
  const made = await makeSyncs(bed, namespace, count);
  for (const each of made) await until(() => bed.stored(each), { what: 'all in etcd', ...patience });
  const changes = await busy(namespace, made);
  const times = changes.map(({ atMs }) => atMs);
  const names = new Set(changes.map(({ name }) => name));
  const ofOne = Math.max(
    ...[...names].map((name) =>
      most(
        changes.filter((each) => each.name === name).map(({ atMs }) => atMs),
        60_000,
      ),
    ),
  );
  console.log(
    `${count} busy Syncs, ${watchedMs / 1_000} s: at most ${ofOne} writes of one Sync in a minute, ${most(times, 1_000)} in all in a second`,
  );
  console.log(`  ${changes.length} writes, of ${names.size} Syncs`);
  await reportAll(bed, made, { observedAt: new Date().toISOString() });
}

async function measureIdle(namespace: string): Promise<void> {
  // By now the last change has been written, and nothing else happens.
  await new Promise((resolve) => setTimeout(resolve, 30_000));
  console.log(`idle, 60 s: ${(await changesDuring(namespace, 60_000)).length} writes`);
}

/** Syncs without their DataSource, which no agent can run. */
async function makeIdle(namespace: string): Promise<void> {
  await bed.makeNamespace(namespace);
  const missing = { source: { dataSource: 'nosuch', table: 'public.t', idField: 'id' } };
  const made = await makeSyncs(bed, namespace, many, missing);
  for (const each of made) await until(() => bed.stored(each), { what: 'all in etcd', ...patience });
}

async function untilGone(namespace: string): Promise<void> {
  const isEmpty = async () => (await bed.client.list<SyncObject>(syncs, { namespace })).items.length === 0;
  await until(isEmpty, { what: 'all to be gone', ...patience });
}

async function measureDeletion(namespace: string): Promise<void> {
  await makeIdle(namespace);
  const start = performance.now();
  await bed.kubectl('delete', 'syncs', '--all', '-n', namespace, '--wait=false');
  const askedMs = performance.now();
  await untilGone(namespace);
  // kubectl deletes one after the other.
  console.log(
    `${many} Syncs that never ran, deleted by kubectl in ${seconds(askedMs - start)} s: gone ${seconds(performance.now() - askedMs)} s after that`,
  );
}

async function measureDeletionAtOnce(namespace: string): Promise<void> {
  await makeIdle(namespace);
  const start = performance.now();
  await bed.kubectl('delete', '--raw', pathOf(syncs, namespace));
  const askedMs = performance.now();
  await untilGone(namespace);
  console.log(
    `${many} Syncs that never ran, deleted in one call of ${seconds(askedMs - start)} s: gone ${seconds(performance.now() - start)} s after its start`,
  );
}

function seconds(ms: number): string {
  return (ms / 1_000).toFixed(1);
}

const steps: Readonly<Record<string, () => Promise<void>>> = {
  few: () => measureBusy('few', few),
  idle: () => measureIdle('few'),
  many: () => measureBusy('many', many),
  deletion: () => measureDeletion('deletion'),
  'deletion-at-once': () => measureDeletionAtOnce('deletion-at-once'),
};
try {
  const { positionals } = parseArgs({ allowPositionals: true });
  for (const name of positionals.length > 0 ? positionals : Object.keys(steps)) await steps[name]?.();
} finally {
  await operator.stop();
  await agent.leave().catch(() => {});
  await bed.stop();
}
