import type { Batch } from '../../core/batch.ts';
import type { Budget, Share } from '../../core/budget.ts';

export interface ReadAheadOptions {
  /** Of the whole process. */
  readonly bytes: Budget;
  /** A batch has no more, but for a single row that is larger. */
  readonly maxBytes: number;
  readonly signal: AbortSignal;
}

interface Read<End> {
  readonly result: IteratorResult<Batch, End>;
  readonly share: Share;
}

/**
 * Asks for the next batch before it hands on the last: reading overlaps writing, at most one ahead. Before a batch is read its bytes are
 * taken of the budget of the process, and they are given back when the next one is asked for. Writing waits for nobody, so what is held is
 * always given back.
 */
export async function* readAhead<End>(
  batches: AsyncGenerator<Batch, End>,
  { bytes, maxBytes, signal }: ReadAheadOptions,
): AsyncGenerator<Batch, End> {
  // Rows of one table are alike: after a row above the limit another one is expected.
  let expected = maxBytes;
  const read = async (): Promise<Read<End>> => {
    const share = await bytes.take(expected, signal);
    try {
      const result = await batches.next();
      share.resize(result.done ? 0 : result.value.byteCount);
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
      next.catch(() => {}); // it is awaited in the next turn, or given up below
      yield result.value;
      held.release();
      held = undefined;
    }
  } finally {
    held?.release();
    await next.then(({ share }) => share.release()).catch(() => {});
    await batches.return(undefined as never).catch(() => {});
  }
}
