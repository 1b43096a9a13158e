import { z } from 'zod';
import { restartCommand } from '../../../core/commands.ts';
import type { ReadRequest } from '../../../core/connector.ts';
import { permanent } from '../../../core/errors.ts';
import { type Offset, scalarText } from '../../../core/offset.ts';
import { converterOf } from '../../../core/records/convert.ts';
import { jsonAccess } from '../../../core/records/json.ts';
import { Misfit } from '../../../core/records/misfit.ts';
import type { Scalar } from '../../../core/values.ts';
import type { OrderField } from './field-filter.ts';
import { hashFrom, hashText, type ItemPlace } from './item-reader.ts';

/**
 * Where a pass was interrupted. It travels as one text in the key of an offset: pages have an order of their own, in which a key means
 * nothing.
 */
export interface Progress {
  /** The last item that was handed on; undefined: the pass was completed. */
  readonly place?: ItemPlace | undefined;
  /** Id and Timestamp: how far the pass reads, and the largest value that it has handed on. */
  readonly bound?: string | undefined;
  readonly largest?: string | undefined;
  /** Differs from the offset before, where nothing else does. */
  readonly count?: number | undefined;
}

/** Where a pass begins. */
export interface Start {
  /** Id and Timestamp: everything up to this value was handed on. */
  readonly since: string | undefined;
  readonly progress: Progress | undefined;
}

const page = z.strictObject({
  cursor: z.string().optional(),
  page: z.int().optional(),
  offset: z.int().optional(),
  url: z.string().optional(),
});
const text = z.string().optional();
const schema = z.strictObject({
  place: z.strictObject({ at: page, done: z.int(), last: z.string(), content: z.string() }).optional(),
  bound: text,
  largest: text,
  count: z.int().optional(),
});

export function startOf({ after }: Pick<ReadRequest, 'after'>): Start {
  switch (after?.mode) {
    case undefined:
      return { since: undefined, progress: undefined };
    case 'Snapshot':
      return { since: undefined, progress: progressIn(after.key ?? []) };
    case 'Id':
      return { since: after.id === '' ? undefined : after.id, progress: progressIn(after.key ?? []) };
    case 'Timestamp':
      return { since: after.at === '' ? undefined : after.at, progress: progressIn(after.key) };
    case 'Stream':
      throw permanent('OffsetInvalid', 'an API is not read by an offset of mode Stream');
  }
}

/**
 * With its value as the values of the field are written, because the two are compared as text here and by no server: an offset that was set by
 * hand may have a T in its time, or be no value of the field at all.
 */
export function canonicalStart(start: Start, field: OrderField | undefined): Start {
  if (start.since === undefined || !field) return start;
  const { column } = field;
  const since = converterOf(column.type, jsonAccess)(start.since);
  if (!(since instanceof Misfit) && since !== null) return { ...start, since: scalarText(since as Scalar) };
  throw permanent(
    'OffsetInvalid',
    `the offset ${start.since} is no value of ${column.name} (${column.nativeType})`,
    {
      fix: `set an offset that the field can have, or run ${restartCommand}`,
    },
  );
}

/** The offset within a pass: `since` stays until the pass has read everything up to its end. */
export function offsetWithin(request: ReadRequest, { since }: Start, progress: Progress): Offset {
  const { place } = progress;
  const shown = place && { ...place, last: hashText(place.last), content: hashText(place.content) };
  const key = [JSON.stringify({ ...progress, place: shown })];
  switch (request.mode) {
    case 'Snapshot': {
      const pass = request.after?.mode === 'Snapshot' ? request.after.pass : 1;
      return { mode: 'Snapshot', pass, key, isComplete: false };
    }
    case 'Id':
      return { mode: 'Id', id: since ?? '', key };
    case 'Timestamp':
      return { mode: 'Timestamp', at: since ?? '', key };
    case 'Stream':
      throw permanent('OffsetInvalid', 'an API is not read in mode Stream');
  }
}

/** The offset at the end of a pass: everything up to the largest value was handed on. */
export function offsetAtEnd(request: ReadRequest, start: Start, progress: Progress): Offset {
  const { largest } = progress;
  if (request.mode === 'Snapshot') return offsetWithin(request, start, progress);
  if (largest === undefined) {
    // Only records that do not fit: the offset differs, so that the engine can store it.
    const count = (start.progress?.count ?? 0) + 1;
    return offsetWithin(request, start, { count });
  }
  return request.mode === 'Id' ? { mode: 'Id', id: largest } : { mode: 'Timestamp', at: largest, key: [] };
}

function progressIn(key: readonly string[]): Progress | undefined {
  const [first] = key;
  if (key.length !== 1 || !first?.startsWith('{')) return undefined;
  try {
    // Fields that are undefined do not occur in JSON.
    const { place, ...progress } = schema.parse(JSON.parse(first)) as Progress;
    if (!place) return progress;
    return {
      ...progress,
      place: { ...place, last: hashFrom(place.last), content: hashFrom(place.content) },
    };
  } catch {
    // Written by a later version: the pass is read from its beginning.
    return undefined;
  }
}
