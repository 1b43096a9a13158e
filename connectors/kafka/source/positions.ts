import { permanent } from '../../../core/errors.ts';

/** Where a Sync is in each partition: the offset of the next message. */
export interface TopicPositions {
  /** The brokers' id of the topic; undefined: they are too old to have one. */
  readonly id: string | undefined;
  /** By partition; -1: not read yet. */
  readonly offsets: readonly number[];
}

export type Positions = ReadonlyMap<string, TopicPositions>;

/** `{"topics":{"orders":{"id":"...","offsets":[12,7,-1]}}}`. */
export function formatToken(positions: Positions): string {
  const topics = [...positions].map(([name, { id, offsets }]) => [
    name,
    { ...(id !== undefined && { id }), offsets },
  ]);
  return JSON.stringify({ topics: Object.fromEntries(topics) });
}

/** Throws OffsetInvalid: tokens are also given by hand. */
export function parseToken(token: string): Positions {
  try {
    const { topics } = JSON.parse(token) as { readonly topics?: unknown };
    if (typeof topics === 'object' && topics !== null) {
      const entries = Object.entries(topics).map(([name, value]) => [name, positionsOf(value)] as const);
      return new Map(entries);
    }
  } catch {
    // Reported below.
  }
  throw permanent('OffsetInvalid', 'the offset is not one of Kafka', {
    fix: 'write it as: {"topics":{"orders":{"offsets":[12,7]}}}, with the next offset of each partition',
  });
}

function positionsOf(value: unknown): TopicPositions {
  const { id, offsets } = value as { readonly id?: unknown; readonly offsets?: unknown };
  const isValid =
    Array.isArray(offsets) &&
    offsets.every((each) => Number.isSafeInteger(each) && each >= -1) &&
    (id === undefined || typeof id === 'string');
  if (!isValid) throw new Error('not positions');
  return { id: id as string | undefined, offsets: offsets as number[] };
}

/** No partition goes back, and at least one goes on. */
export function isAhead(before: string, after: string): boolean {
  const [from, to] = [parseToken(before), parseToken(after)];
  let isFurther = false;
  for (const [name, { id, offsets }] of from) {
    const next = to.get(name);
    if (!next || (id !== undefined && next.id !== undefined && next.id !== id)) return false;
    for (const [partition, offset] of offsets.entries()) {
      const reached = next.offsets[partition] ?? -1;
      if (reached < offset) return false;
      if (reached > offset) isFurther = true;
    }
    if (next.offsets.slice(offsets.length).some((each) => each >= 0)) isFurther = true;
  }
  return isFurther || [...to.keys()].some((name) => !from.has(name));
}
