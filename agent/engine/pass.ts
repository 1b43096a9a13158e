import { type Batch, freeRows } from '../../core/batch.ts';
import type { PassEnd, ReadRequest, WriteResult } from '../../core/connector.ts';
import { reach } from '../../core/crash-points.ts';
import { Stopped } from '../../core/errors.ts';
import { encodeOffset, type Offset, withColumns, withOrder } from '../../core/offset.ts';
import { requireAhead } from '../../core/offset-order.ts';
import { requireUsualOffset } from '../../core/offset-size.ts';
import { isLastDestination } from '../../core/sync-spec.ts';
import { limitsOf } from './batch-limits.ts';
import type { BatchHolder } from './batch-memory.ts';
import type { RunContext } from './context.ts';
import { newFieldsLeftOut, recordsOf, requireFits, withDeletes, withMisfits } from './incoming-batch.ts';
import type { OpenSync } from './open-sync.ts';
import { knownOrders, orderNames } from './order-types.ts';
import { behindSince, type HeldBack, reportEnd } from './pass-end.ts';
import type { PassWatch } from './pass-watch.ts';
import { readAhead } from './prefetch.ts';
import { isAtomic, requestFor } from './read-request.ts';
import type { Reporter } from './reporter.ts';
import { noSkippedRows } from './skipped-rows.ts';
import type { Throttle } from './throttle.ts';

export interface PassInput {
  readonly context: RunContext;
  readonly open: OpenSync;
  readonly reporter: Reporter;
  readonly throttle: Throttle;
  readonly watch: PassWatch;
  readonly holder: BatchHolder;
  /** Where the last pass ended; null: there is no offset yet. */
  readonly offset: Offset | null;
  /** From earlier passes. */
  readonly heldBack: HeldBack | undefined;
  /** Claims the destination if the claim was released by a rest. False: the stored offset is not the one at which the pass began. */
  readonly own: () => Promise<boolean>;
  /** Stop at the next batch boundary: the context's stop, or an urgent request. */
  readonly interrupt: AbortSignal;
  /** Called at each batch boundary: whether others wait for what this pass holds. */
  readonly mustYield: () => boolean;
  /** A batch is durable: earlier failures are over. */
  readonly progressed: () => void;
}

export type PassOutcome =
  | {
      readonly kind: 'complete';
      readonly offset: Offset | null;
      readonly rows: number;
      readonly heldBack: HeldBack | undefined;
    }
  | { readonly kind: 'interrupted'; readonly offset: Offset | null; readonly rows: number }
  /** Nothing was written: the stored offset is not the one at which the pass began. */
  | { readonly kind: 'moved' };

/**
 * One pass: read, write, commit, where the next batch is read while the last is written. The order is always: rows and offset durable at
 * the destination, then the mirror, then the source may discard (Invariants 1 and 2).
 */
export async function runPass(input: PassInput): Promise<PassOutcome> {
  const { context, open } = input;
  const whole = requestFor(open, input.offset, input.heldBack?.mark);
  const { wantsLargeBatches = false } = context.definitionOf(context.destination.spec.type).capabilities
    .destination;
  const largestBytes = context.shared.largestBatchBytes;
  const request = { ...whole, ...limitsOf(whole, { largestBytes, wantsLargeBatches }), ...lingering(input) };
  const isWhole = isAtomic(request);
  const order = orderNames(open.plan.read);
  const reading = new AbortController();
  const signal = AbortSignal.any([context.lock.signal, reading.signal]);
  input.watch.doing('starting a pass at the destination');
  await reach('pass:before-begin');
  if (request.mode === 'Snapshot' && !(await input.own())) return { kind: 'moved' };
  await beginSnapshot(open, request, signal);
  // Rows that the previous pass left out are read again.
  if (request.after?.mode === 'Snapshot' && request.after.key === null)
    input.reporter.skippedBefore(noSkippedRows);
  const progress = new PassProgress(input, request);
  const { read, written } = input.reporter.rows;
  const batches = readAhead(open.source.read(request, signal), {
    memory: context.shared.batches,
    reader: { holder: input.holder, signal, end: (error) => reading.abort(error) },
    maxBytes: (request.statementLimits ?? request.limits).maxBytes,
  });
  let isCommitted = !isWhole;
  try {
    for (;;) {
      input.watch.doing(() => waitingForRows(input.holder));
      const result = await batches.next();
      if (result.done) {
        const outcome = await endPass(input, request, progress, result.value, signal);
        isCommitted = true;
        return outcome;
      }
      const { batch: ahead, release } = result.value;
      requireUsualOffset(ahead.offset);
      const offset = withColumns(withOrder(ahead.offset, order), open.plan.inferred);
      const batch = { ...ahead, offset };
      input.reporter.leftOut(newFieldsLeftOut(batch, open.plan, context.sync.spec));
      requireFits(batch, open.plan, context.sync.spec);
      progress.found(batch);
      if (progress.rows === 0 && !(await input.own())) return { kind: 'moved' };
      const began = input.throttle.begin();
      await writeBatch(input, progress, batch, signal);
      // Until a pass that is one transaction has ended, its rows may be named.
      if (!isWhole) freeRows(batch);
      release();
      const ends = AbortSignal.any([signal, input.interrupt]);
      await input.watch
        .rest(() => input.throttle.spend(batch.rowCount, began, ends))
        .catch(ignoreInterrupt(input.interrupt));
      if (input.interrupt.aborted || input.mustYield())
        return { kind: 'interrupted', offset: progress.offset, rows: progress.rows };
    }
  } catch (thrown) {
    // If the pass was ended for others, any failure after that is a consequence.
    throw reading.signal.aborted ? reading.signal.reason : thrown;
  } finally {
    // Nothing of the pass was committed.
    if (!isCommitted) input.reporter.seen({ read, written }, input.offset);
    input.throttle.end();
    reading.abort(new Stopped('drain'));
    await batches.return(undefined as never).catch(() => {});
  }
}

const lingerMs = 1_000;
/** A pass ends after this time at the latest, because its end reports that the Sync has caught up. */
const longestLingerMs = 10_000;

function lingering({ context, interrupt }: PassInput): Pick<ReadRequest, 'lingers'> {
  const { mode, schedule } = context.sync.spec;
  if (mode !== 'Stream' || schedule.kind !== 'continuous' || context.once) return {};
  const until = AbortSignal.any([interrupt, AbortSignal.timeout(longestLingerMs)]);
  return { lingers: { forMs: lingerMs, until } };
}

function waitingForRows({ isWaiting }: BatchHolder): string {
  return isWaiting
    ? 'waiting for memory for rows (IDRA_MAX_BYTES_IN_FLIGHT), which other batches take'
    : 'waiting for rows from the source';
}

async function beginSnapshot(open: OpenSync, request: ReadRequest, signal: AbortSignal): Promise<void> {
  if (request.after?.mode !== 'Snapshot') return;
  const { pass, key } = request.after;
  const start = { pass, isResumed: key !== null, isAtomic: isAtomic(request) };
  await open.destination.beginPass(start, signal);
}

async function writeBatch(
  input: PassInput,
  progress: PassProgress,
  batch: Batch,
  signal: AbortSignal,
): Promise<void> {
  const { context, open, watch } = input;
  watch.doing('writing rows to the destination');
  const { source, plan } = open;
  requireAhead(progress.offset, batch.offset, knownOrders(plan.read), source.isAhead?.bind(source));
  await reach('write:before');
  const startMs = context.clock.monotonicMs();
  const written = withDeletes(batch, plan.write, context.clock.now());
  const result = withMisfits(await open.destination.write(written, signal), batch);
  await reach('commit:after');
  context.observer.batchWritten(context.sync, {
    rows: result.written,
    bytes: batch.byteCount,
    writeMs: context.clock.monotonicMs() - startMs,
  });
  progress.written(batch, result);
  input.progressed();
  await mirror(input, progress.offset);
}

/**
 * The mirror of an offset that the destination stores is written lazily, since the destination's own is authoritative. An offset that
 * only the store keeps has been written already. Then the source may discard.
 */
async function mirror({ context, open }: PassInput, offset: Offset | null): Promise<void> {
  await reach('mirror:before');
  const acknowledge = async () => {
    await reach('acknowledge:before');
    if (offset) await open.source.acknowledge(offset);
    await reach('acknowledge:after');
  };
  if (open.isOffsetInStore) return await acknowledge();
  const kept = isLastDestination(context.sync.spec) ? null : offset;
  const mirrored = context.lock.offsets.write(kept && encodeOffset(kept)).then(async () => {
    await reach('mirror:after');
    await acknowledge();
  });
  mirrored.catch((error: unknown) =>
    context.log.warn('offset mirror not written', { sync: context.sync.uid, error: String(error) }),
  );
}

async function endPass(
  input: PassInput,
  request: ReadRequest,
  progress: PassProgress,
  end: PassEnd,
  signal: AbortSignal,
): Promise<PassOutcome> {
  const { open } = input;
  input.watch.doing('ending the pass at the destination');
  await reach('pass:before-end');
  if (request.mode === 'Snapshot' && request.after?.mode === 'Snapshot') {
    const { pass } = request.after;
    const ended: Offset = { mode: 'Snapshot', pass, key: null, isComplete: true };
    const complete = withColumns(ended, open.plan.inferred);
    const result = await open.destination.endPass(complete, signal);
    progress.completed(complete, result);
    await mirror(input, complete);
  }
  await reach('pass:after-end');
  const heldBack = progress.ended(end);
  return { kind: 'complete', offset: progress.offset, rows: progress.rows, heldBack };
}

/** Counts of one pass, reported as they grow. */
class PassProgress {
  readonly #input: PassInput;
  readonly #request: ReadRequest;
  readonly #startMs: number;
  offset: Offset | null;
  rows = 0;

  constructor(input: PassInput, request: ReadRequest) {
    this.#input = input;
    this.#request = request;
    this.#startMs = input.context.clock.now();
    this.offset = input.offset;
  }

  /** There are rows: from now on the destination is behind, and the sync is shown as running. */
  found(batch: Batch): void {
    const { reporter, heldBack, watch } = this.#input;
    watch.progressed();
    reporter.behind(behindSince(this.#request, batch.lastTimestamp, heldBack?.sinceMs ?? this.#startMs));
    if (this.rows === 0) reporter.moveTo('Running', 'MovingRows', 'moving rows');
  }

  written(batch: Batch, result: WriteResult): void {
    this.offset = batch.offset;
    this.rows += recordsOf(batch);
    const { reporter, context } = this.#input;
    reporter.batch(recordsOf(batch), result, isLastDestination(context.sync.spec) ? null : batch.offset);
    reporter.report();
  }

  completed(offset: Offset, result: WriteResult): void {
    this.offset = offset;
    this.#input.reporter.batch(0, result, offset);
  }

  /** What is still held back of the rows that existed when this pass, or an earlier one, began. */
  ended(end: PassEnd): HeldBack | undefined {
    const { reporter, context } = this.#input;
    const times = { startMs: this.#startMs, endMs: context.clock.now() };
    return reportEnd({ reporter, request: this.#request, end, before: this.#input.heldBack, ...times });
  }
}

function ignoreInterrupt(interrupt: AbortSignal): (error: unknown) => void {
  return (error) => {
    if (!interrupt.aborted) throw error;
  };
}
