import { BSON, type Document } from 'mongodb';
import { z } from 'zod';
import { permanent } from '../../../core/errors.ts';

/** Where a change stream continues: behind an event, or at a time. */
export type StreamPosition = { readonly after: Document } | { readonly at: BSON.Timestamp };

/** The token of an offset: `from` is where the changes begin that are read after the snapshot. */
export type StreamToken =
  | {
      readonly phase: 'snapshot';
      /** How many pages have been read. */
      readonly page: number;
      readonly key: readonly string[] | null;
      readonly from: StreamPosition;
    }
  | { readonly phase: 'changes'; readonly from: StreamPosition };

const position = z.union([
  z.strictObject({ after: z.looseObject({}) }),
  z.strictObject({ at: z.looseObject({}) }),
]);
const token = z.union([
  z.strictObject({
    phase: z.literal('snapshot'),
    page: z.int().min(0),
    key: z.array(z.string()).nullable(),
    from: position,
  }),
  z.strictObject({ phase: z.literal('changes'), from: position }),
]);

export function encodeToken({ from, ...rest }: StreamToken): string {
  return JSON.stringify({ ...rest, from: BSON.EJSON.serialize(from, { relaxed: false }) });
}

export function decodeToken(text: string): StreamToken {
  const read = token.safeParse(parsed(text));
  const from = read.success ? positionIn(read.data.from) : undefined;
  if (read.success && from) return { ...read.data, from };
  throw permanent('OffsetInvalid', 'the offset is not a token of a change stream', {
    fix: 'write it as `idra offset get` prints it',
  });
}

function positionIn(from: unknown): StreamPosition | undefined {
  try {
    const read: Document = BSON.EJSON.parse(JSON.stringify(from), { relaxed: false });
    return 'after' in read || read.at instanceof BSON.Timestamp ? (read as StreamPosition) : undefined;
  } catch {
    return undefined;
  }
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

/** Source.isAhead. The texts of resume tokens are ordered like their positions. */
export function isTokenAhead(before: string, after: string): boolean {
  const [one, other] = [decodeToken(before), decodeToken(after)];
  if (one.phase !== other.phase) return other.phase === 'changes';
  if (one.phase === 'snapshot' && other.phase === 'snapshot') return other.page > one.page;
  return isLater(one.from, other.from);
}

/** Positions that cannot be compared are taken for later ones. */
function isLater(one: StreamPosition, other: StreamPosition): boolean {
  const [first, second] = [dataOf(one), dataOf(other)];
  if (first !== undefined && second !== undefined && first.slice(0, 2) === second.slice(0, 2))
    return second > first;
  const [from, to] = [timeOf(one), timeOf(other)];
  return from === undefined || to === undefined || to > from;
}

function dataOf(value: StreamPosition): string | undefined {
  const data: unknown = 'after' in value ? value.after._data : undefined;
  return typeof data === 'string' && /^[0-9A-F]+$/i.test(data) ? data.toUpperCase() : undefined;
}

/** The cluster time of a position; undefined if the server writes its tokens in another way. */
export function timeOf(value: StreamPosition): bigint | undefined {
  if ('at' in value) return BigInt.asUintN(64, value.at.toBigInt());
  const [, seconds, increment] = /^82([0-9A-F]{8})([0-9A-F]{8})/i.exec(dataOf(value) ?? '') ?? [];
  if (seconds === undefined || increment === undefined) return undefined;
  return (BigInt(`0x${seconds}`) << 32n) | BigInt(`0x${increment}`);
}

/** A token that nothing has moved for this long is stored again, so that the log of an idle collection does not grow past it. */
const staleSeconds = 300n;

export function isStale(stored: StreamPosition, now: StreamPosition): boolean {
  const [from, to] = [timeOf(stored), timeOf(now)];
  return from !== undefined && to !== undefined && (to >> 32n) - (from >> 32n) >= staleSeconds;
}
