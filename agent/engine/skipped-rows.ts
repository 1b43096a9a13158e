import type { Rejection } from '../../core/connector.ts';
import { countedWere } from '../../core/counted.ts';
import { describeRejection } from '../../core/row-name.ts';
import type { SkippedRows } from '../../core/sync-store.ts';

export const noSkippedRows: SkippedRows = { count: 0, kinds: [] };

/** Keeps the status small; further kinds are only counted. */
const maxKinds = 5;

/** `count` may exceed the number of rejections: a destination names only some of very many. */
export function addSkipped(known: SkippedRows, count: number, rejections: readonly Rejection[]): SkippedRows {
  const kinds = new Map(known.kinds.map((kind) => [keyOf(kind.last), kind]));
  for (const rejection of rejections) {
    const key = keyOf(rejection);
    const before = kinds.get(key)?.count ?? 0;
    kinds.delete(key);
    kinds.set(key, { count: before + 1, last: rejection });
  }
  return { count: known.count + count, kinds: [...kinds.values()].slice(-maxKinds) };
}

function keyOf({ code, column = '', message }: Rejection): string {
  return JSON.stringify([code, column, message]);
}

/** For status.warnings: `2 rows were skipped, the last: row id 42, column total: out of range (ValueNotKept)`. */
export function describeSkipped({ count, kinds }: SkippedRows): string[] {
  const messages = kinds.map((kind) => {
    const what = `${countedWere(kind.count, 'row')} skipped${kind.count === 1 ? '' : ', the last'}`;
    return `${what}: ${describeRejection(kind.last)} (${kind.last.code})`;
  });
  const others = count - kinds.reduce((sum, kind) => sum + kind.count, 0);
  return others > 0 ? [...messages, `${countedWere(others, 'more row')} skipped (onError: Skip)`] : messages;
}
