import { parentPort, workerData } from 'node:worker_threads';
import { asIdraError } from '../../core/errors.ts';
import { randomFrom } from '../kit/random.ts';
import { type ClientName, clients, type Login } from './clients.ts';
import { mutate, type Units } from './mutate.ts';
import { replay } from './recording.ts';

export interface StreamsTask {
  readonly client: ClientName;
  readonly login: Login;
  readonly units: Units;
  readonly seed: number;
  readonly count: number;
}

/** Sent repeatedly while the worker lives, so that an endless loop shows as silence. */
export interface StreamsProgress {
  readonly done: number;
  /** Processor time of the longest turn of the event loop. */
  readonly longestMs: number;
  readonly isOver: boolean;
  /** Codes of errors, and how often each occurred. */
  readonly outcomes: Readonly<Record<string, number>>;
  readonly externalBytes: number;
}

/** The begin of an outcome; see streams.ts. */
const unclassified = 'not classified';

const atOnce = 8;
const reportEveryMs = 100;

async function main({ client, login, units, seed, count }: StreamsTask): Promise<void> {
  const outcomes: Record<string, number> = {};
  let started = 0;
  let done = 0;
  let longestMs = 0;
  const report = (isOver: boolean) => {
    const { external, arrayBuffers } = process.memoryUsage();
    const progress = { done, longestMs, isOver, outcomes, externalBytes: external + arrayBuffers };
    parentPort?.postMessage(progress satisfies StreamsProgress);
  };
  const reporting = setInterval(() => report(false), reportEveryMs);
  let lastCpu = process.threadCpuUsage();
  const measuring = setInterval(() => {
    const cpu = process.threadCpuUsage();
    longestMs = Math.max(longestMs, (cpu.user + cpu.system - lastCpu.user - lastCpu.system) / 1_000);
    lastCpu = cpu;
  }, 1);
  const original = units.map((unit) => Buffer.from(unit));
  const runOne = async () => {
    while (started < count) {
      const random = randomFrom(seed + started++);
      const server = await replay(() => mutate(original, random));
      const outcome = await clients[client](server.port, login).then(() => 'ok', codeOf);
      outcomes[outcome] = (outcomes[outcome] ?? 0) + 1;
      await server.stop();
      done += 1;
    }
  };
  await Promise.all(Array.from({ length: atOnce }, runOne));
  clearInterval(reporting);
  clearInterval(measuring);
  report(true);
}

/** Whatever is not classified would be reported as a bug in Idra. */
function codeOf(thrown: unknown): string {
  const { code, disposition, cause } = asIdraError(thrown);
  return disposition === 'bug' ? `${unclassified}: ${cause instanceof Error ? cause.stack : cause}` : code;
}

await main(workerData as StreamsTask);
