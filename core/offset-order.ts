import { bug, permanent } from './errors.ts';
import { type Offset, shownOffset } from './offset.ts';
import type { ColumnType } from './values.ts';

/**
 * Throws OffsetWentBack if the offset after a batch is not ahead of the one before it (Invariant 3): a wrongly decoded key would
 * otherwise move the same rows again and again. Texts, bytes and similar types are ordered by rules that only their server knows, so they
 * are not compared. Tokens of a stream are compared by their source.
 */
export function requireAhead(
  before: Offset | null,
  after: Offset,
  types: readonly (ColumnType | undefined)[],
  isTokenAhead: (before: string, after: string) => boolean = noTokens,
): void {
  if (before?.mode === 'Stream' && after.mode === 'Stream') {
    if (!isTokenAhead(before.token, after.token)) throw wentBack(before, after);
    return;
  }
  const [last, next] = [valuesOf(before), valuesOf(after)];
  if (!last || !next || before?.mode !== after.mode || !isSamePass(before, after)) return;
  if ((compareValues(last, next, types) ?? -1) < 0) return;
  throw wentBack(before, after);
}

function wentBack(before: Offset | null, after: Offset): Error {
  const pages = after.mode === 'Stream' ? '' : ', with the type of the columns that the Sync pages by';
  return permanent(
    'OffsetWentBack',
    `a batch would move the offset from ${shownOffset(before)} to ${shownOffset(after)}, which is not ahead of it`,
    { fix: `report this as a bug in Idra${pages}; nothing was written` },
  );
}

function noTokens(): never {
  throw bug('a source of mode Stream does not compare its tokens');
}

function isSamePass(before: Offset, after: Offset): boolean {
  return before.mode !== 'Snapshot' || after.mode !== 'Snapshot' || before.pass === after.pass;
}

function valuesOf(offset: Offset | null): readonly string[] | undefined {
  switch (offset?.mode) {
    case 'Id':
      return [offset.id, ...(offset.key ?? [])];
    case 'Timestamp':
      return [offset.at, ...offset.key];
    case 'Snapshot':
      return offset.key ?? undefined;
    default:
      return undefined;
  }
}

/** Compares by the first value that differs; undefined if the order of its type is not known here. */
function compareValues(
  one: readonly string[],
  other: readonly string[],
  types: readonly (ColumnType | undefined)[],
): number | undefined {
  // An offset with fewer values is positioned after all rows that begin with them.
  if (one.length !== other.length) return undefined;
  const at = one.findIndex((text, index) => text !== other[index]);
  if (at < 0) return 0;
  const type = types[at];
  return type && compareTexts(one[at] ?? '', other[at] ?? '', type);
}

function compareTexts(one: string, other: string, type: ColumnType): number | undefined {
  const [left, right] = [sortable(one, type), sortable(other, type)];
  if (left === undefined || right === undefined) return undefined;
  return left < right ? -1 : left > right ? 1 : 0;
}

const fractionDigits = 40;

/** A bigint or text that compares like the value; undefined for infinities, years before 1 and after 9999, and types without an order. */
function sortable(text: string, type: ColumnType): bigint | string | undefined {
  switch (type.kind) {
    case 'int':
    case 'decimal': {
      const match = /^(-?)(\d+)(?:\.(\d{1,40}))?$/.exec(text);
      if (!match) return undefined;
      const digits = BigInt(`${match[2]}${(match[3] ?? '').padEnd(fractionDigits, '0')}`);
      return match[1] === '-' ? -digits : digits;
    }
    case 'date':
    case 'timestamp': {
      const match = /^(\d{4}-\d{2}-\d{2}(?: \d{2}:\d{2}:\d{2})?)(?:\.(\d+))?(Z?)$/.exec(text);
      return match ? `${match[1]}.${(match[2] ?? '').padEnd(fractionDigits, '0')}` : undefined;
    }
    default:
      return undefined;
  }
}
