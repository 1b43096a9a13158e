import type { CountRequest } from '../../core/connector.ts';
import { asIdraError, bug, describeError } from '../../core/errors.ts';
import { decodeStored, type Offset, parseOffset, shownOffset } from '../../core/offset.ts';
import type { RowCount } from '../../core/row-count.ts';
import { isLastDestination } from '../../core/sync-spec.ts';
import { noProgress } from '../../core/sync-store.ts';
import { type OpenSync, openSync, withOffsets } from './open-sync.ts';
import { orderTypes } from './order-types.ts';
import type { PreviewInput } from './preview.ts';
import { snapshotStart } from './read-request.ts';
import { type KnownColumns, storedColumns } from './record-columns.ts';
import { offsetNotKept, requireType } from './requests.ts';

/** What another offset would do; nothing is changed. Plain data, transferable as JSON. */
export interface OffsetEffect {
  /** As text; `none` if nothing is stored. */
  readonly stored: string;
  readonly wanted: string;
  /** Rows that were read before and would be read again. */
  readonly readAgain?: RowCount;
  /** Rows that were not read yet and would never be. */
  readonly skipped?: RowCount;
  /** Why they are not counted. */
  readonly uncounted?: string;
}

/** The system may be slow or the table large: an honest "not counted" is better than a request that hangs. */
const countMs = 15_000;

/** Reads the stored offset at the destination, and counts rows of the source between it and `value`. Throws OffsetInvalid. */
export async function offsetEffect(
  input: PreviewInput & { readonly value: string },
  signal: AbortSignal,
): Promise<OffsetEffect> {
  const { sync, value } = input;
  if (isLastDestination(sync.spec)) throw offsetNotKept(sync.spec.mode);
  const storedOffset = async () => input.storedOffset ?? null;
  const knownColumns: KnownColumns = (destination, opening) =>
    storedColumns(sync, destination, storedOffset, opening);
  const ends = await openSync({ ...input, knownColumns }, signal);
  try {
    const open = withOffsets(ends, sync, {
      readOffset: storedOffset,
      writeOffset: () => Promise.reject(bug('a dry run writes nothing')),
      progress: () => input.progress ?? noProgress,
    });
    const { read } = open.plan;
    const wanted = parseOffset(value, read.mode);
    requireType(wanted, orderTypes(read));
    const rows = await open.destination.commitRows(sync.uid, signal);
    const own = rows.find(
      (row) => row.uid === sync.uid && row.table === open.destination.name && !row.isClosed,
    );
    const stored = decodeStored(own?.offset ?? null);
    const texts = { stored: stored ? shownOffset(stored) : 'none', wanted: shownOffset(wanted) };
    return { ...texts, ...(await countedEffect(input, open, { stored, wanted }, signal)) };
  } finally {
    await ends.close();
  }
}

interface Positions {
  readonly stored: Offset | null;
  readonly wanted: Offset;
}

async function countedEffect(
  { definitionOf, source: { spec } }: PreviewInput,
  { source, plan }: OpenSync,
  { stored, wanted }: Positions,
  outer: AbortSignal,
): Promise<Omit<OffsetEffect, 'stored' | 'wanted'>> {
  const { title } = definitionOf(spec.type);
  const why = whyNotCompared(stored, wanted);
  if (why !== undefined) return { uncounted: why };
  if (!source.countBetween)
    return { uncounted: `${title} cannot count rows between two offsets without reading them` };
  const deadline = AbortSignal.timeout(countMs);
  const signal = AbortSignal.any([outer, deadline]);
  const between = async (from: Offset | null, to: Offset | null) =>
    await source.countBetween?.(rangeOf(plan.read, from, to), signal);
  try {
    // One after the other: they share a connection. One of them is empty, which its system sees at once.
    const skipped = await between(stored, wanted);
    const readAgain = await between(wanted, stored);
    if (skipped && readAgain) return { skipped, readAgain };
    return { uncounted: `mode ${plan.read.mode} of ${title} has no rows to count between two offsets` };
  } catch (thrown) {
    outer.throwIfAborted();
    if (deadline.aborted) return { uncounted: `counting took longer than ${countMs / 1_000} s` };
    const error = asIdraError(thrown);
    if (error.disposition === 'bug') throw thrown;
    return { uncounted: describeError(error) };
  }
}

/** Offsets of two passes of a Snapshot have no rows between them. */
function whyNotCompared(stored: Offset | null, wanted: Offset): string | undefined {
  if (stored === null || stored.mode !== 'Snapshot' || wanted.mode !== 'Snapshot') return undefined;
  if (stored.pass === wanted.pass) return undefined;
  return `it is pass ${stored.pass} that is stored: another pass reads everything again from its own position`;
}

function rangeOf(read: OpenSync['plan']['read'], from: Offset | null, to: Offset | null): CountRequest {
  const isAtEnd = from?.mode === 'Snapshot' && from.isComplete;
  const after = read.mode === 'Snapshot' ? snapshotStart(from) : from;
  // Nothing is behind a complete pass.
  if (isAtEnd) return { request: { ...read, after }, upTo: null };
  return { request: { ...read, after }, upTo: to?.mode === 'Snapshot' && to.isComplete ? 'end' : to };
}
