import type { Batch } from '../../core/batch.ts';
import type { PassEnd, ReadRequest, WriteResult } from '../../core/connector.ts';
import { reach } from '../../core/crash-points.ts';
import { Stopped } from '../../core/errors.ts';
import { instantMs } from '../../core/instant.ts';
import { decodeOffset, encodeOffset, type Offset, scalarText, withOrder } from '../../core/offset.ts';
import { requireAhead } from '../../core/offset-order.ts';
import { orderedBy } from '../../core/unique-order.ts';
import type { RunContext } from './context.ts';
import { isLastDestination } from './meaning.ts';
import type { OpenSync } from './open-sync.ts';
import { knownOrders, orderNames } from './order-types.ts';
import type { PassWatch } from './pass-watch.ts';
import { readAhead } from './prefetch.ts';
import type { BehindSince, Reporter } from './reporter.ts';
import type { HeldBack } from './run-state.ts';
import { noSkippedRows } from './skipped-rows.ts';
import type { Throttle } from './throttle.ts';

export interface PassInput {
  readonly context: RunContext;
  readonly open: OpenSync;
  readonly reporter: Reporter;
  readonly throttle: Throttle;
  readonly watch: PassWatch;
  /** Where the last pass ended; null: nothing yet. */
  readonly offset: Offset | null;
  /** Of the passes before. */
  readonly heldBack: HeldBack | undefined;
  /** Claims the destination where the claim ended with a rest. False: another offset is stored than the one that the pass began at. */
  readonly own: () => Promise<boolean>;
  /** Stop at the next batch edge: the context's stop, or a request that cannot wait. */
  readonly interrupt: AbortSignal;
  /** Asked at each batch edge: others wait for the places that this pass holds. */
  readonly mustYield: () => boolean;
  /** A batch is durable: what failed before is over. */
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
  /** Nothing was written: another offset is stored than the pass began at. */
  | { readonly kind: 'moved' };

/**
 * One pass: read, write, commit, with the next batch read while the last is written. Order, always: rows and offset durable at the
 * destination, then the mirror, then the source may forget (Invariants 1 and 2).
 */
export async function runPass(input: PassInput): Promise<PassOutcome> {
  const { context, open } = input;
  const request = requestFor(open, input.offset, input.heldBack?.mark);
  const isAtomic = request.mode === 'Snapshot' && request.key.length === 0;
  const order = orderNames(open.plan.read);
  const reading = new AbortController();
  const signal = AbortSignal.any([context.lock.signal, reading.signal]);
  input.watch.doing('beginning a pass at the destination');
  await reach('pass:before-begin');
  if (request.mode === 'Snapshot' && !(await input.own())) return { kind: 'moved' };
  await beginSnapshot(open, request, isAtomic, signal);
  // What the pass before left out is read again.
  if (request.after?.mode === 'Snapshot' && request.after.key === null)
    input.reporter.skippedBefore(noSkippedRows);
  const progress = new PassProgress(input, request);
  const { read, written } = input.reporter.rows;
  const batches = readAhead(open.source.read(request, signal), {
    bytes: context.shared.bytes,
    maxBytes: request.limits.maxBytes,
    signal,
  });
  let isCommitted = !isAtomic;
  try {
    for (;;) {
      input.watch.doing('waiting for rows of the source');
      const result = await batches.next();
      if (result.done) {
        const outcome = await endPass(input, request, progress, result.value, signal);
        isCommitted = true;
        return outcome;
      }
      const batch = { ...result.value, offset: withOrder(result.value.offset, order) };
      progress.found(batch);
      if (progress.rows === 0 && !(await input.own())) return { kind: 'moved' };
      const began = input.throttle.begin();
      await writeBatch(input, progress, batch, signal);
      const ends = AbortSignal.any([signal, input.interrupt]);
      await input.watch
        .rest(() => input.throttle.spend(batch.rowCount, began, ends))
        .catch(ignoreInterrupt(input.interrupt));
      if (input.interrupt.aborted || input.mustYield())
        return { kind: 'interrupted', offset: progress.offset, rows: progress.rows };
    }
  } finally {
    // Nothing of it is there.
    if (!isCommitted) input.reporter.seen({ read, written }, input.offset);
    input.throttle.end();
    reading.abort(new Stopped('drain'));
    await batches.return(undefined as never).catch(() => {});
  }
}

/** What is read after an offset: a complete Snapshot begins its next pass. */
export function requestFor(open: OpenSync, offset: Offset | null, mark: string | undefined): ReadRequest {
  const read = { ...open.plan.read, ...(mark === undefined ? {} : { mark }) };
  return { ...read, after: read.mode === 'Snapshot' ? snapshotStart(offset) : offset };
}

export function snapshotStart(offset: Offset | null): Offset {
  const last = offset?.mode === 'Snapshot' ? offset : undefined;
  if (!last) return { mode: 'Snapshot', pass: 1, key: null, isComplete: false };
  return last.isComplete ? { mode: 'Snapshot', pass: last.pass + 1, key: null, isComplete: false } : last;
}

async function beginSnapshot(
  open: OpenSync,
  request: ReadRequest,
  isAtomic: boolean,
  signal: AbortSignal,
): Promise<void> {
  if (request.after?.mode !== 'Snapshot') return;
  const { pass, key } = request.after;
  await open.destination.beginPass({ pass, isResumed: key !== null, isAtomic }, signal);
}

async function writeBatch(
  input: PassInput,
  progress: PassProgress,
  batch: Batch,
  signal: AbortSignal,
): Promise<void> {
  const { context, open, watch } = input;
  watch.doing('writing rows to the destination');
  requireAhead(progress.offset, batch.offset, knownOrders(open.plan.read));
  await reach('write:before');
  const startMs = context.clock.monotonicMs();
  const result = await open.destination.write(batch, signal);
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

/** The mirror lags behind a transactional destination, whose own row is the truth; elsewhere it is the offset and is awaited. */
async function mirror(input: PassInput, offset: Offset | null): Promise<void> {
  const { context, open } = input;
  await reach('mirror:before');
  const kept = isLastDestination(context.sync) ? null : offset;
  const write = context.lock.offsets.write(kept && encodeOffset(kept)).then(async () => {
    await reach('mirror:after');
    await reach('acknowledge:before');
    if (offset) await open.source.acknowledge(offset);
    await reach('acknowledge:after');
  });
  if (open.plan.guarantee === 'AtLeastOnce') await write;
  else
    write.catch((error: unknown) =>
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
    const complete: Offset = { mode: 'Snapshot', pass: request.after.pass, key: null, isComplete: true };
    const result = await open.destination.endPass(complete, signal);
    progress.completed(complete, result);
    await mirror(input, complete);
  }
  await reach('pass:after-end');
  const heldBack = progress.ended(end);
  return { kind: 'complete', offset: progress.offset, rows: progress.rows, heldBack };
}

/** Counts of one pass, told to the reporter as they grow. */
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

  /** Rows are there: from now on the destination is behind, and the sync is seen running. */
  found(batch: Batch): void {
    const { reporter, heldBack, watch } = this.#input;
    watch.progressed();
    reporter.behind(behindSince(this.#request, batch.lastTimestamp, heldBack?.sinceMs ?? this.#startMs));
    if (this.rows === 0) reporter.moveTo('Running', 'MovingRows', 'rows are on their way');
  }

  written(batch: Batch, result: WriteResult): void {
    this.offset = batch.offset;
    this.rows += batch.rowCount;
    const { reporter, context } = this.#input;
    reporter.batch(batch.rowCount, result, isLastDestination(context.sync) ? null : batch.offset);
    reporter.report();
  }

  completed(offset: Offset, result: WriteResult): void {
    this.offset = offset;
    this.#input.reporter.batch(0, result, offset);
  }

  /** What is still held back of what was there when this pass, or one before, began. */
  ended(end: PassEnd): HeldBack | undefined {
    const { reporter, context } = this.#input;
    const times = { startMs: this.#startMs, endMs: context.clock.now() };
    return reportEnd({ reporter, request: this.#request, end, before: this.#input.heldBack, ...times });
  }
}

/** What waits since when. By ids: the age of the oldest pass that found rows which are not moved yet. */
export function behindSince(
  { mode, timeZone }: ReadRequest,
  timestamp: string | undefined,
  sinceMs: number,
): BehindSince {
  if (mode !== 'Timestamp') return sinceMs;
  return timestamp === undefined ? undefined : instantMs(timestamp, timeZone);
}

export interface PassEnded {
  readonly reporter: Reporter;
  readonly request: ReadRequest;
  readonly end: PassEnd;
  /** Held back from the passes before. */
  readonly before: HeldBack | undefined;
  readonly startMs: number;
  readonly endMs: number;
}

/** What is still held back of what was there when this pass, or one before, began. */
export function reportEnd({
  reporter,
  request,
  end,
  before,
  startMs,
  endMs,
}: PassEnded): HeldBack | undefined {
  const { oldestWaiting, mark } = end;
  const heldBack = end.isHeldBack ? { mark, sinceMs: before?.sinceMs ?? startMs } : undefined;
  reporter.bound(end.bound);
  reporter.unread(end.nullRows ?? 0, request.timestampField ?? request.key[0] ?? '');
  const oldestMs = oldestWaiting === undefined ? undefined : instantMs(oldestWaiting, request.timeZone);
  // A time to come is no time since which something waits.
  const isPast = oldestMs !== undefined && oldestMs <= endMs;
  // An id says nothing of time: what waits was there when this pass ended.
  const waitingMs = oldestMs ?? (end.hasRowsWaiting ? startMs : undefined);
  reporter.behind(isPast ? oldestMs : (heldBack?.sinceMs ?? waitingMs));
  reporter.lastPassTime = new Date(endMs).toISOString();
  return heldBack;
}

/** LastDestination*: the offset is the largest value there, read after the claim. */
export async function largestAtDestination(open: OpenSync, signal: AbortSignal): Promise<Offset | null> {
  const { mode } = open.plan.read;
  const values = await open.destination.largest(orderedBy(open.plan.read), signal);
  if (values === null) return null;
  const texts = values.map((value) =>
    value === null || Array.isArray(value)
      ? ''
      : scalarText(value as Exclude<typeof value, null | readonly unknown[]>),
  );
  const [first = '', ...rest] = texts;
  return mode === 'Timestamp'
    ? { mode: 'Timestamp', at: first, key: rest }
    : { mode: 'Id', id: first, ...(rest.length > 0 && { key: rest }) };
}

export function readStored(offset: string | null): Offset | null {
  return offset === null ? null : decodeOffset(offset);
}

function ignoreInterrupt(interrupt: AbortSignal): (error: unknown) => void {
  return (error) => {
    if (!interrupt.aborted) throw error;
  };
}
