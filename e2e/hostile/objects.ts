import type { DamagedFormat, DamagedProgress, DamagedTask } from './damaged-objects.ts';
import { watchWorker } from './watch-worker.ts';

export const objectFormats: readonly DamagedFormat[] = ['JSONLines', 'CSV', 'Parquet'];

/** Reads damaged objects in a thread of its own. `failure`: an error that does not say what is damaged, or a loop without end. */
export async function readDamaged(task: DamagedTask) {
  const first: DamagedProgress = { done: 0, isOver: false, errors: 0, misfits: 0, rows: 0, mostBytes: 0 };
  return await watchWorker(new URL('./damaged-objects.ts', import.meta.url), task, first);
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
