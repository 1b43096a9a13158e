import { type Progress, watchWorker } from './watch-worker.ts';

/** What is damaged, and who reads it. */
const workers = {
  Avro: 'damaged-messages.ts',
  'Avro schema': 'damaged-messages.ts',
  'Debezium in JSON': 'damaged-messages.ts',
  'Debezium in Avro': 'damaged-messages.ts',
  'HTTP answer': 'damaged-answers.ts',
} as const;
export type DamagedKind = keyof typeof workers;
export const damagedKinds = Object.keys(workers) as readonly DamagedKind[];

export interface DamagedTask<Kind extends DamagedKind = DamagedKind> {
  readonly kind: Kind;
  readonly count: number;
  readonly seed: number;
}

/** What became of damaged messages and answers. */
export interface DamagedProgress extends Progress {
  readonly rows: number;
  readonly deletions: number;
  /** Each with its position. */
  readonly misfits: number;
  /** Passes over lists that ended with an error of Idra. */
  readonly errors: number;
  /** Memory outside the heap, at most. */
  readonly mostBytes: number;
}

/** Reads them in a thread of its own. `failure`: an error that no user could act upon, or a loop without end. */
export async function readDamagedMessages(task: DamagedTask) {
  const first: DamagedProgress = {
    ...{ done: 0, isOver: false, rows: 0, deletions: 0, misfits: 0, errors: 0, mostBytes: 0 },
  };
  return await watchWorker(new URL(`./${workers[task.kind]}`, import.meta.url), task, first);
}

/** node e2e/hostile/messages.ts [COUNT] [SEED] [KIND...] */
if (import.meta.main) {
  const [count = '10000', seed = '1', ...names] = process.argv.slice(2);
  for (const kind of damagedKinds.filter((each) => names.length === 0 || names.includes(each))) {
    const result = await readDamagedMessages({ kind, count: Number(count), seed: Number(seed) });
    const { done, isOver: _, mostBytes, failure, ...found } = result;
    const counts = Object.entries(found).map(([name, number]) => `${number} ${name}`);
    console.log(`${kind}: ${done}: ${counts.join(', ')}; ${mostBytes >> 20} MiB outside the heap`);
    if (failure) {
      console.log(`  FAILED: ${failure}`);
      process.exitCode = 1;
    }
  }
}
