import { Worker } from 'node:worker_threads';
import type { DamagedFormat, DamagedProgress, DamagedTask } from './damaged-objects.ts';

export const objectFormats: readonly DamagedFormat[] = ['JSONLines', 'CSV', 'Parquet'];

export interface DamagedResult extends DamagedProgress {
  /** An error that does not say what is damaged, or that the worker was stopped because it was silent. */
  readonly failure: string | undefined;
}

/** After this long without a message, even on a busy machine, it is in an endless loop. */
const silenceMs = 60_000;

/** Reads damaged objects in a thread of its own, which has little memory and can be stopped. */
export async function readDamaged(task: DamagedTask): Promise<DamagedResult> {
  const worker = new Worker(new URL('./damaged-objects.ts', import.meta.url), {
    workerData: task,
    resourceLimits: { maxOldGenerationSizeMb: 256 },
  });
  let last: DamagedProgress = { done: 0, isOver: false, errors: 0, misfits: 0, rows: 0, mostBytes: 0 };
  const { promise, resolve } = Promise.withResolvers<string | undefined>();
  const silence = setTimeout(() => resolve(`a loop without end after ${last.done} objects`), silenceMs);
  worker.on('message', (progress: DamagedProgress) => {
    last = progress;
    silence.refresh();
    if (progress.isOver) resolve(undefined);
  });
  worker.on('error', (error) => resolve(`not expected after ${last.done} objects: ${error.stack ?? error}`));
  worker.on('exit', (code) => resolve(`the worker ended with ${code}`));
  try {
    const failure = await promise;
    return { ...last, failure };
  } finally {
    clearTimeout(silence);
    await worker.terminate();
  }
}

/** node e2e/hostile/objects.ts [COUNT] [SEED] [FORMAT...] */
if (import.meta.main) {
  const [count = '10000', seed = '1', ...names] = process.argv.slice(2);
  for (const format of objectFormats.filter((each) => names.length === 0 || names.includes(each))) {
    const result = await readDamaged({ format, count: Number(count), seed: Number(seed) });
    const { done, errors, misfits, rows, mostBytes, failure } = result;
    console.log(
      `${format}: ${done} objects, ${errors} errors, ${misfits} misfits, ${rows} rows, ${mostBytes >> 20} MiB outside the heap`,
    );
    if (failure) {
      console.log(`  FAILED: ${failure}`);
      process.exitCode = 1;
    }
  }
}
