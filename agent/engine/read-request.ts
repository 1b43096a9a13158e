import type { ReadRequest } from '../../core/connector.ts';
import { permanent } from '../../core/errors.ts';
import { type Offset, scalarText } from '../../core/offset.ts';
import { orderedBy } from '../../core/unique-order.ts';
import type { OpenSync } from './open-sync.ts';

/** A table without a key is read in one query: the whole pass is one transaction. */
export function isAtomic({ mode, key }: Pick<ReadRequest, 'mode' | 'key'>): boolean {
  return mode === 'Snapshot' && key.length === 0;
}

/** What to read after an offset: a complete Snapshot begins its next pass. */
export function requestFor(open: OpenSync, offset: Offset | null, mark: string | undefined): ReadRequest {
  const read = { ...open.plan.read, ...(mark === undefined ? {} : { mark }) };
  return { ...read, after: read.mode === 'Snapshot' ? snapshotStart(offset) : offset };
}

export function snapshotStart(offset: Offset | null): Offset {
  const last = offset?.mode === 'Snapshot' ? offset : undefined;
  if (!last) return { mode: 'Snapshot', pass: 1, key: null, isComplete: false };
  return last.isComplete ? { mode: 'Snapshot', pass: last.pass + 1, key: null, isComplete: false } : last;
}

/** LastDestination*: the offset is the largest value at the destination, read after the claim. */
export async function largestAtDestination(open: OpenSync, signal: AbortSignal): Promise<Offset | null> {
  const { mode } = open.plan.read;
  const fields = orderedBy(open.plan.read);
  const values = await open.destination.largest(fields, signal);
  if (values === null) return null;
  const texts = values.map((value, at) => {
    if (value === null || Array.isArray(value))
      throw noPosition(fields, fields[at] ?? '', open.destination.name);
    return scalarText(value as Exclude<typeof value, null | readonly unknown[]>);
  });
  const [first = '', ...rest] = texts;
  return mode === 'Timestamp'
    ? { mode: 'Timestamp', at: first, key: rest }
    : { mode: 'Id', id: first, ...(rest.length > 0 && { key: rest }) };
}

/** Somebody else has written the row, or its key may be NULL there. */
function noPosition(fields: readonly string[], field: string, table: string): Error {
  return permanent(
    'DestinationFieldDiffers',
    `the row of ${table} with the largest (${fields.join(', ')}) has no value in ${field} that the source could continue after`,
    { path: 'spec.mode', fix: `correct ${field} of this row, or use mode Id or Timestamp` },
  );
}
