import {
  type DamagedProgress,
  type DamagedTask,
  type MessageKind,
  messageKinds,
} from './damaged-messages.ts';
import { watchWorker } from './watch-worker.ts';

/** Reads damaged messages in a thread of its own. `failure`: an error where there must be a misfit, or a loop without end. */
export async function readDamagedMessages(task: DamagedTask) {
  const first: DamagedProgress = {
    ...{ done: 0, isOver: false, rows: 0, deletions: 0, misfits: 0, mostBytes: 0 },
  };
  return await watchWorker(new URL('./damaged-messages.ts', import.meta.url), task, first);
}

/** node e2e/hostile/messages.ts [COUNT] [SEED] [KIND...] */
if (import.meta.main) {
  const [count = '10000', seed = '1', ...names] = process.argv.slice(2);
  const kinds = messageKinds.filter((kind: MessageKind) => names.length === 0 || names.includes(kind));
  for (const kind of kinds) {
    const result = await readDamagedMessages({ kind, count: Number(count), seed: Number(seed) });
    const { done, rows, deletions, misfits, mostBytes, failure } = result;
    console.log(
      `${kind}: ${done} messages, ${rows} rows, ${deletions} deletions, ${misfits} misfits, ${mostBytes >> 20} MiB outside the heap`,
    );
    if (failure) {
      console.log(`  FAILED: ${failure}`);
      process.exitCode = 1;
    }
  }
}
