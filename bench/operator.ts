import { readFileSync } from 'node:fs';
import { parseArgs } from 'node:util';
import { OperatorBed } from '../e2e/kit/operator.ts';
import type { RunningProcess } from '../e2e/kit/processes.ts';
import { until } from '../e2e/kit/wait.ts';
import type { SyncObject } from '../operator/controllers/objects.ts';
import { makeSyncs, reportAll, startOperator } from './_operator.ts';

/** Thousands of Syncs at once: the time until all are in etcd and all statuses are back, the cost, and the latency of one change. */
const { values } = parseArgs({
  options: { syncs: { type: 'string', default: '5000' }, changes: { type: 'string', default: '100' } },
});
const namespace = 'bench';
const [syncs, changes] = [Number(values.syncs), Number(values.changes)];

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

  /** CPU time so far, in s; and the heap in use, in MiB. */
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

/** From the answer of the API server to the key in etcd, in ms, sorted. */
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

function formatted(latencies: readonly number[]): string {
  const at = (part: number) =>
    (latencies[Math.min(latencies.length - 1, Math.floor(latencies.length * part))] ?? 0).toFixed(1);
  return `median ${at(0.5)} ms, 95th percentile ${at(0.95)} ms, worst ${at(1)} ms`;
}

const bed = await OperatorBed.start();
const agent = await bed.joinAgent('idra-agent-0');
await bed.makeNamespace(namespace);
const made = await makeSyncs(bed, namespace, syncs);
const operator = await startOperator(bed);
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
  await reportAll(bed, made);
  const meanwhile = changeLatencies(bed, made, 2);
  const isShown = async () => (await watched.metric('syncs{state="Running"}')) === syncs;
  await until(isShown, { what: 'all statuses', ...patience });
  console.log(`${syncs} statuses of agents at once: all in Kubernetes after ${seconds(start)} s`);
  console.log(`one change of a spec to etcd, meanwhile: ${formatted(await meanwhile)}`);
  console.log(`one change of a spec to etcd, at rest:   ${formatted(await changeLatencies(bed, made, 3))}`);
  console.log(`the operator took ${await watched.cost()}`);
  console.log(
    `memory of the operator at its peak: ${watched.peakMiB} MiB (with a kubeconfig; in a pod some 60 MiB less)`,
  );
} finally {
  await operator.stop();
  await agent.leave().catch(() => {});
  await bed.stop();
}
