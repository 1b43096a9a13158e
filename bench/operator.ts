import { readFileSync } from 'node:fs';
import { parseArgs } from 'node:util';
import { EtcdClient } from '../coordination/client.ts';
import { Keys } from '../coordination/keys.ts';
import type { SyncStatus } from '../core/status.ts';
import { OperatorBed } from '../e2e/kit/operator.ts';
import { type RunningProcess, startIdra } from '../e2e/kit/processes.ts';
import { until } from '../e2e/kit/wait.ts';
import type { SyncObject } from '../operator/controllers/objects.ts';

/** Thousands of Syncs at once: how long until all are in etcd and all statuses are back, what it takes, and what one change waits. */
const { values } = parseArgs({
  options: { syncs: { type: 'string', default: '5000' }, changes: { type: 'string', default: '100' } },
});
const [syncs, changes] = [Number(values.syncs), Number(values.changes)];
const namespace = 'bench';

/** Runs `each` over all, a few at a time. */
async function inParallel<T>(
  all: readonly T[],
  width: number,
  each: (item: T) => Promise<void>,
): Promise<void> {
  const left = [...all];
  const work = async () => {
    for (let item = left.pop(); item !== undefined; item = left.pop()) await each(item);
  };
  await Promise.all(Array.from({ length: width }, work));
}

async function makeSyncs(bed: OperatorBed): Promise<SyncObject[]> {
  const made: SyncObject[] = [];
  const names = Array.from({ length: syncs }, (_, index) => `sync-${index}`);
  await inParallel(names, 20, async (name) => void made.push(await bed.makeSync(namespace, name)));
  return made;
}

class Watched {
  readonly #process: RunningProcess;
  #port = 0;

  constructor(process: RunningProcess) {
    this.#process = process;
  }

  async open(): Promise<void> {
    const line = await this.#process.waitForLine('operator started');
    this.#port = (JSON.parse(line) as { healthPort: number }).healthPort;
  }

  /** Sum of a metric over its labels. */
  async metric(name: string): Promise<number> {
    const text = await (await fetch(`http://127.0.0.1:${this.#port}/metrics`)).text();
    const lines = text.split('\n').filter((line) => line.startsWith(`idra_operator_${name}`));
    return lines.reduce((sum, line) => sum + Number(line.split(' ').at(-1)), 0);
  }

  /** CPU so far, s; and the heap that is in use, MiB. */
  async cost(): Promise<string> {
    const [cpu, heap] = await Promise.all([
      this.#plain('process_cpu_seconds_total'),
      this.#plain('nodejs_heap_size_used_bytes'),
    ]);
    return `${cpu.toFixed(1)} s of CPU, ${Math.round(heap / 2 ** 20)} MiB of heap`;
  }

  async #plain(name: string): Promise<number> {
    const text = await (await fetch(`http://127.0.0.1:${this.#port}/metrics`)).text();
    return Number(
      text
        .split('\n')
        .find((line) => line.startsWith(`${name} `))
        ?.split(' ')[1],
    );
  }

  get peakMiB(): number {
    const [, kib] = /VmHWM:\s+(\d+)/.exec(readFileSync(`/proc/${this.#process.pid}/status`, 'utf8')) ?? [];
    return Math.round(Number(kib) / 1_024);
  }
}

/** What agents would say: all at once, and each once. */
async function sayAll(bed: OperatorBed, made: readonly SyncObject[]): Promise<void> {
  const client = new EtcdClient(bed.config);
  const keys = new Keys(bed.config.prefix);
  for (let start = 0; start < made.length; start += 100) {
    const success = made.slice(start, start + 100).map(({ metadata: { uid } }) => {
      return { kind: 'put', key: keys.status(uid), value: JSON.stringify(runningStatus(uid)) } as const;
    });
    await client.txn({ compare: [], success });
  }
  client.close();
}

function runningStatus(uid: string): SyncStatus {
  return {
    uid,
    observedGeneration: 1,
    state: 'Running',
    reason: 'MovingRows',
    message: 'rows are on their way',
    agent: 'idra-agent-0',
    hasCaughtUp: true,
    rows: { read: 1, written: 1, deleted: 0, rejected: 0 },
    offset: '{"mode":"Id","id":"42"}',
    offsetText: '42',
    observedAt: new Date().toISOString(),
    fencingToken: '0.7',
    guarantee: 'ExactlyOnce',
  };
}

/** From the answer of the API server to the key in etcd, ms, sorted. */
async function changeLatencies(
  bed: OperatorBed,
  made: readonly SyncObject[],
  generation: number,
): Promise<number[]> {
  const latencies: number[] = [];
  for (const { metadata } of made.slice(0, changes)) {
    await bed.patchSync(namespace, metadata.name, { spec: { schedule: { every: `${generation}m` } } });
    const start = performance.now();
    await until(
      async () => (await bed.coordination.desired.getSync(metadata.uid))?.generation === generation,
      {
        what: `${metadata.name} in etcd`,
        everyMs: 1,
      },
    );
    latencies.push(performance.now() - start);
  }
  return latencies.sort((a, b) => a - b);
}

function told(latencies: readonly number[]): string {
  const at = (part: number) =>
    (latencies[Math.min(latencies.length - 1, Math.floor(latencies.length * part))] ?? 0).toFixed(1);
  return `median ${at(0.5)} ms, 95th percentile ${at(0.95)} ms, worst ${at(1)} ms`;
}

const bed = await OperatorBed.start();
const agent = await bed.joinAgent('idra-agent-0');
await bed.makeNamespace(namespace);
const made = await makeSyncs(bed);
const operator = await startIdra(['operator'], {
  env: {
    KUBECONFIG: bed.api.kubeconfigPath,
    IDRA_ETCD_ENDPOINTS: bed.config.endpoints.join(','),
    IDRA_ETCD_PREFIX: bed.config.prefix,
    IDRA_HEALTH_PORT: '0',
    IDRA_LOG_FORMAT: 'json',
  },
});
try {
  const watched = new Watched(operator);
  await watched.open();
  const seconds = (fromMs: number) => ((performance.now() - fromMs) / 1_000).toFixed(1);
  const patience = { timeoutMs: 600_000, everyMs: 250 };

  let start = performance.now();
  await until(async () => (await bed.coordination.desired.read()).syncs.length === syncs, {
    what: 'all in etcd',
    ...patience,
  });
  console.log(`${syncs} new Syncs, with finalizers: all in etcd after ${seconds(start)} s`);
  await until(async () => (await watched.metric('queue_depth')) === 0, {
    what: 'the queues to be empty',
    ...patience,
  });
  console.log(`  and each with its first status and conditions after ${seconds(start)} s`);

  start = performance.now();
  await sayAll(bed, made);
  const meanwhile = changeLatencies(bed, made, 2);
  const isShown = async () => (await watched.metric('syncs{state="Running"}')) === syncs;
  await until(isShown, { what: 'all statuses', ...patience });
  console.log(`${syncs} statuses of agents at once: all in Kubernetes after ${seconds(start)} s`);
  console.log(`one change of a spec to etcd, meanwhile: ${told(await meanwhile)}`);
  console.log(`one change of a spec to etcd, at rest:   ${told(await changeLatencies(bed, made, 3))}`);
  console.log(`the operator took ${await watched.cost()}`);
  console.log(
    `memory of the operator at its peak: ${watched.peakMiB} MiB (with a kubeconfig; in a pod some 60 MiB less)`,
  );
} finally {
  await operator.stop();
  await agent.leave().catch(() => {});
  await bed.stop();
}
