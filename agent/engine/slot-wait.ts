import type { Slots, SlotWait } from '../../core/sync-store.ts';
import type { RunState } from './run-state.ts';

/** A shorter wait is not reported. */
const shortWaitMs = 1_000;
/** Holders change often: the names in a status may be slightly outdated. */
const reportEveryMs = 30_000;

/** Acquires the slots of both data sources; a longer wait is reported as a state of the Sync. Undefined: the signal fired first. */
export async function takeSlots(
  { context, reporter, watch }: Pick<RunState, 'context' | 'reporter' | 'watch'>,
  signal: AbortSignal,
): Promise<Slots | undefined> {
  const { sync, source, destination, store, clock } = context;
  let wait: SlotWait | undefined;
  watch.doing('waiting for slots of the data sources');
  const taken = new AbortController();
  const report = async () => {
    for (let afterMs = shortWaitMs; ; afterMs = reportEveryMs) {
      await clock.sleep(afterMs, taken.signal);
      if (wait) reporter.moveTo('Waiting', 'NoFreeSlot', waitMessage(wait));
    }
  };
  report().catch(() => {
    // The wait has ended.
  });
  try {
    return await store.acquireSlots(sync, [source, destination], signal, (each) => {
      wait = each;
      watch.doing(waitMessage(each));
    });
  } catch (error) {
    if (signal.aborted) return undefined;
    throw error;
  } finally {
    taken.abort();
  }
}

const namedHolders = 5;

export function waitMessage({ dataSource, limit, holders }: SlotWait): string {
  const named = holders.slice(0, namedHolders).join(', ');
  const others = holders.length > namedHolders ? ` and ${holders.length - namedHolders} more` : '';
  const slots = limit === 1 ? 'the only slot' : `all ${limit} slots`;
  const held = holders.length === 0 ? 'are taken' : `${limit === 1 ? 'is' : 'are'} held by ${named}${others}`;
  return `${slots} of DataSource ${dataSource} (maxConcurrentSyncs) ${held}`;
}
