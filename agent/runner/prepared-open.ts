import { allSettled } from '../../core/all-settled.ts';
import { shapeOf } from '../../core/relation-shape.ts';
import type { Sync } from '../../core/sync-spec.ts';
import type { Relation } from '../../core/values.ts';
import type { RunContext } from '../engine/context.ts';
import type { OpenEnds } from '../engine/open-ends.ts';
import { type OpenInput, openSync } from '../engine/open-sync.ts';
import { infersColumns } from '../engine/record-columns.ts';

type PreparedInput = OpenInput & Pick<RunContext, 'shared'>;

/** A pass that is due later than this is planned when it is due. */
const soonMs = 60_000;

/**
 * Opens and plans both ends while the last owner is still ending: opening changes nothing, so it needs no lock, and the next owner
 * continues soon after the release. Failures here are retried and reported by the run.
 */
export class PreparedOpen {
  readonly #signal: AbortSignal;
  #open: Promise<OpenEnds | undefined>;

  constructor(input: PreparedInput, signal: AbortSignal) {
    this.#signal = signal;
    this.#open = open(input, signal).catch(() => undefined);
  }

  /** Resolves when both ends are opened and planned, or the opening has failed. */
  get ready(): Promise<void> {
    return this.#open.then(() => {});
  }

  /** Legal once. Undefined if opening failed, or if the plan is outdated by changes of the last owner or others. */
  async take(): Promise<OpenEnds | undefined> {
    const open = await this.#takeOut();
    if (!open || (await isStillPlanned(open, this.#signal).catch(() => false))) return open;
    await open.close();
    return undefined;
  }

  /** Closes the ends if they were not taken. */
  async close(): Promise<void> {
    const open = await this.#takeOut();
    await open?.close();
  }

  #takeOut(): Promise<OpenEnds | undefined> {
    const open = this.#open;
    this.#open = Promise.resolve(undefined);
    return open;
  }
}

/** Takes its turn with the checks for rows; afterwards it holds no connection. */
async function open(input: PreparedInput, signal: AbortSignal): Promise<OpenEnds | undefined> {
  const { sync, source, destination, definitionOf } = input;
  const definitions = {
    source: definitionOf(source.spec.type),
    destination: definitionOf(destination.spec.type),
  };
  // They are stored with the offset, which the last owner may still change.
  if (infersColumns(sync.spec, definitions)) return undefined;
  const leave = await input.shared.acquireCheckTurn(input.source, 2, signal);
  try {
    const open = await openSync(input, signal);
    await open.rest();
    return open;
  } finally {
    leave();
  }
}

async function isStillPlanned(
  { source, destination, plan }: OpenEnds,
  signal: AbortSignal,
): Promise<boolean> {
  const [relation, existing] = await allSettled([source.describe(signal), destination.describe(signal)]);
  const shape = (each: Relation | null) => each && shapeOf(each);
  return shape(relation) === shape(plan.source) && shape(existing) === shape(plan.existing);
}

/** Whether the sync would open both ends at once after acquiring its lock. */
export function isDueSoon({ spec: { isSuspended, schedule } }: Sync): boolean {
  if (isSuspended || schedule.kind === 'once' || schedule.kind === 'cron') return false;
  return schedule.kind === 'continuous' || schedule.everyMs <= soonMs;
}
