import type { Sync } from '../../core/sync-spec.ts';
import { type OpenInput, type OpenSync, openSync } from '../engine/open-sync.ts';

/** A pass that is due later than this opens its own connections. */
const soonMs = 60_000;

/**
 * Both ends, opened and planned while the last owner still ends: opening touches nothing, so it needs no lock, and the next owner
 * goes on soon after the release. What fails here is tried again, and told, by the run.
 */
export class PreparedOpen {
  #open: Promise<OpenSync | undefined>;

  constructor(input: OpenInput, signal: AbortSignal) {
    this.#open = openSync(input, signal).catch(() => undefined);
  }

  /** Once. Undefined where it could not be opened, or where the last owner may have made the target since. */
  async take(): Promise<OpenSync | undefined> {
    const open = await this.#takeOut();
    if (open?.plan.existing) return open;
    await open?.close();
    return undefined;
  }

  /** What was not taken. */
  async close(): Promise<void> {
    const open = await this.#takeOut();
    await open?.close();
  }

  #takeOut(): Promise<OpenSync | undefined> {
    const open = this.#open;
    this.#open = Promise.resolve(undefined);
    return open;
  }
}

/** Whether a sync that gets its lock would open both ends at once. */
export function isDueSoon({ spec: { isSuspended, schedule } }: Sync): boolean {
  if (isSuspended || schedule.kind === 'once' || schedule.kind === 'cron') return false;
  return schedule.kind === 'continuous' || schedule.everyMs <= soonMs;
}
