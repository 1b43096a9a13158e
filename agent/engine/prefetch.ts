import { type Batch, memoryOf } from '../../core/batch.ts';
import type { Share } from '../../core/budget.ts';
import type { BatchMemory, BatchReader } from './batch-memory.ts';

export interface ReadAheadOptions {
  /** Of the whole process. */
  readonly memory: BatchMemory;
  readonly reader: BatchReader;
  /** Limit of a batch, which only a single larger row exceeds. */
  readonly maxBytes: number;
}

export interface BatchAhead {
  readonly batch: Batch;
  /** Call when it is written: its bytes are free for others, also while this Sync rests. */
  readonly release: () => void;
}

interface Read<End> {
  readonly result: IteratorResult<Batch, End>;
  readonly share: Share;
}

/**
 * Requests the next batch before it returns the last: reading overlaps writing, at most one ahead. Before a batch is read, its bytes are
 * acquired from the memory of the process; they are released once it is written, at the latest when the next one is requested. Writing
 * never waits for memory, and a pass that lasts too long is ended while others wait, so acquired bytes are always released.
 */
export async function* readAhead<End>(
  batches: AsyncGenerator<Batch, End>,
  { memory, reader, maxBytes }: ReadAheadOptions,
): AsyncGenerator<BatchAhead, End> {
  // Rows of one table are similar: after a row above the limit another one is expected.
  let expected = maxBytes;
  const read = async (): Promise<Read<End>> => {
    const share = await memory.take(expected, reader);
    try {
      const result = await batches.next();
      share.resize(result.done ? 0 : memoryOf(result.value));
      if (!result.done) expected = Math.max(maxBytes, result.value.byteCount);
      return { result, share };
    } catch (error) {
      share.release();
      throw error;
    }
  };
  let next = read();
  let held: Share | undefined;
  try {
    for (;;) {
      const { result, share } = await next;
      held = share;
      if (result.done) return result.value;
      next = read();
      next.catch(() => {}); // awaited in the next iteration, or abandoned below
      yield { batch: result.value, release: () => share.release() };
      share.release();
    }
  } finally {
    held?.release();
    await next.then(({ share }) => share.release()).catch(() => {});
    await batches.return(undefined as never).catch(() => {});
  }
}
