import type { PassEnd, ReadRequest } from '../../core/connector.ts';
import { Stopped } from '../../core/errors.ts';
import type { RunContext } from './context.ts';
import type { OpenSync } from './open-sync.ts';

/** Enough for a usual row; nothing was acquired for a larger one. */
const probeBytes = 65_536;
/** If the source takes longer to answer, it is read by a pass instead, which holds a slot as long as needed. */
const patienceMs = 5_000;

export type RowCheck =
  | { readonly found: 'nothing'; readonly end: PassEnd }
  /** Of the first row, in timestamp modes. */
  | { readonly found: 'rows'; readonly lastTimestamp: string | undefined }
  | { readonly found: 'late' };

/**
 * What a pass would find: its end, if there is no row for it. One row is enough to know that there are rows; it is discarded and read
 * again by the pass, under a slot of its data sources.
 */
export async function checkForRows(
  { clock, lock }: Pick<RunContext, 'clock' | 'lock'>,
  open: OpenSync,
  request: ReadRequest,
): Promise<RowCheck> {
  const checking = new AbortController();
  const isOver = new AbortController();
  const late = new Stopped('deadline');
  void clock.sleep(patienceMs, isOver.signal).then(
    () => checking.abort(late),
    () => {},
  );
  const signal = AbortSignal.any([lock.signal, checking.signal]);
  const batches = open.source.read(
    { ...request, isProbe: true, limits: { maxRows: 1, maxBytes: probeBytes } },
    signal,
  );
  try {
    const first = await batches.next();
    if (first.done) return { found: 'nothing', end: first.value };
    return { found: 'rows', lastTimestamp: first.value.lastTimestamp };
  } catch (thrown) {
    if (checking.signal.aborted && !lock.signal.aborted) return { found: 'late' };
    throw thrown;
  } finally {
    isOver.abort();
    await batches.return(undefined as never).catch(() => {});
  }
}
