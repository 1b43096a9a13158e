import type { WritePlan } from '../../../core/connector.ts';
import type { Row } from '../../../core/values.ts';
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

/** Only the last change of a key counts; it replaces the earlier ones of the batch, so calls may be sent in any order. */
export function lastOfEachKey(changes: readonly Change[], plan: WritePlan): readonly Change[] {
  if (plan.writeMode !== 'Upsert' || plan.key.length === 0) return changes;
  const at = plan.key.map((name) => plan.columns.columns.findIndex((each) => each.name === name));
  const last = new Map<string, Change>();
  for (const change of changes) {
    const key = JSON.stringify(at.map((index) => String(change.row[index] ?? null)));
    last.delete(key);
    last.set(key, change);
  }
  return [...last.values()];
}

/** One call for each row, or for as many as fit into one; deletions are calls of their own. */
export function callsOf(
  changes: readonly Change[],
  fields: DestinationFields,
): readonly (readonly Change[])[] {
  if (!fields.isForMany) return changes.map((each) => [each]);
  const calls: Change[][] = [];
  for (const change of changes) {
    const last = calls.at(-1);
    const isWithLast = last && !change.isDeletion && !last[0]?.isDeletion && last.length < fields.rowsPerCall;
    if (isWithLast) last.push(change);
    else calls.push([change]);
  }
  return calls;
}

/** In their order, so many at the same time. The first failure ends them all. */
export async function inParallel<T>(
  count: number,
  items: readonly T[],
  run: (item: T) => Promise<void>,
): Promise<void> {
  const rest = items[Symbol.iterator]();
  let isFailed = false;
  const worker = async () => {
    for (const item of rest) {
      if (isFailed) return;
      try {
        await run(item);
      } catch (thrown) {
        isFailed = true;
        throw thrown;
      }
    }
  };
  const results = await Promise.allSettled(Array.from({ length: Math.min(count, items.length) }, worker));
  const failed = results.find((each) => each.status === 'rejected');
  if (failed) throw failed.reason;
}
