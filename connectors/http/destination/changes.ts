import type { WritePlan } from '../../../core/connector.ts';
import type { Row, Value } from '../../../core/values.ts';
import type { Scope } from '../template.ts';
import type { DestinationFields } from './destination-fields.ts';

/** One change, as a call or as part of one. */
export interface Change {
  readonly row: Row;
  /** Since the stored offset. */
  readonly number: number;
  readonly isDeletion: boolean;
  readonly json: string;
  readonly scope: Scope;
}

/** Text of the key of a row; undefined: rows of one key are all sent. */
export function keyReader({ writeMode, key, columns }: WritePlan): ((row: Row) => string) | undefined {
  if (writeMode !== 'Upsert' || key.length === 0) return undefined;
  const at = key.map((name) => columns.columns.findIndex((each) => each.name === name));
  return (row) => JSON.stringify(at.map((index) => keyText(row[index] ?? null)));
}

/** Bytes as what they are: as text, all that are not UTF-8 would be the same. NULL is no text. */
function keyText(value: Value): string | null {
  if (value === null) return null;
  return Buffer.isBuffer(value) ? value.toString('base64') : String(value);
}

/** One call for each row, or for as many as fit into one; deletions are calls of their own. Made as they are sent. */
export function* callsOf(
  changes: Iterable<Change>,
  { isForMany, rowsPerCall }: Pick<DestinationFields, 'isForMany' | 'rowsPerCall'>,
): Generator<readonly Change[]> {
  let call: Change[] = [];
  for (const change of changes) {
    if (!isForMany || change.isDeletion) {
      if (call.length > 0) yield call;
      call = [];
      yield [change];
      continue;
    }
    call.push(change);
    if (call.length < rowsPerCall) continue;
    yield call;
    call = [];
  }
  if (call.length > 0) yield call;
}

/** In their order, so many at the same time. The first failure ends them all. */
export async function inParallel<T>(
  count: number,
  items: Iterable<T>,
  run: (item: T) => Promise<void>,
): Promise<void> {
  const rest = items[Symbol.iterator]();
  let isFailed = false;
  const worker = async () => {
    try {
      for (let next = rest.next(); !next.done && !isFailed; next = rest.next()) await run(next.value);
    } catch (thrown) {
      isFailed = true;
      throw thrown;
    }
  };
  const results = await Promise.allSettled(Array.from({ length: count }, worker));
  const failed = results.find((each) => each.status === 'rejected');
  if (failed) throw failed.reason;
}
