import type { SyncStatus } from '../../../core/status.ts';
import type { Comparison, Problem } from './compare.ts';

/** equal: both ends agree. reported: status names the problem. silent: a failure of the product. */
export interface Verdict {
  readonly kind: 'equal' | 'reported' | 'silent';
  /** Two findings are the same if this is equal: the reported code, or what is wrong. */
  readonly category: string;
  readonly details: readonly string[];
}

export const equal: Verdict = { kind: 'equal', category: 'equal', details: [] };

/** A Sync that has stopped or is retrying reports no success. */
export function reportedFailure(status: SyncStatus | undefined): Verdict | undefined {
  if (!status) return undefined;
  const { lastError } = status;
  if (status.state === 'Failed')
    return { kind: 'reported', category: lastError?.code ?? status.reason, details: [status.message] };
  if (lastError)
    return { kind: 'reported', category: `retried ${lastError.code}`, details: [lastError.message] };
  return undefined;
}

/** Compares what status reports about a running Sync with the actual rows. Pure. */
export function judge({ problems, nullRows }: Comparison, status: SyncStatus | undefined): Verdict {
  const counted = countedNulls(status);
  const left = withoutRejected(
    problems,
    isKeyCoarser(status) ? problems.length : (status?.rows.rejected ?? 0),
  );
  const details = left.map(({ kind, row, detail }) => `${kind} row ${row}: ${detail}`);
  if (nullRows !== counted && !(counted > nullRows && problems.length === 0)) {
    details.push(`${nullRows} rows have NULL in the field that is read by, but status counts ${counted}`);
  }
  if (details.length > 0) {
    const kinds = [...new Set(left.map(({ kind }) => kind))].sort();
    const category = kinds.length > 0 ? kinds.join('+') : 'NULL rows not counted';
    return { kind: 'silent', category, details: [statusText(status), ...details] };
  }
  if (left.length < problems.length && isKeyCoarser(status))
    return { kind: 'reported', category: 'warned of KeyCoarser', details: [] };
  if (left.length < problems.length) return { kind: 'reported', category: 'rejected rows', details: [] };
  return nullRows > 0 ? { kind: 'reported', category: 'NULL rows', details: [] } : equal;
}

/** What the Sync reported, for investigating the cause. */
function statusText(status: SyncStatus | undefined): string {
  if (!status) return 'no status';
  const { state, reason, rows, offsetText, lagSeconds, bound, warnings } = status;
  return `status: ${JSON.stringify({ state, reason, rows, offsetText, lagSeconds, bound, warnings })}`;
}

/** Rows with the same destination key overwrite each other, which status has warned about. */
function isKeyCoarser(status: SyncStatus | undefined): boolean {
  return status?.warnings?.some((warning) => /keeps only the last one read/.test(warning)) === true;
}

function countedNulls(status: SyncStatus | undefined): number {
  const counts = (status?.warnings ?? []).map(
    (warning) => /^(\d+) rows? ha(?:ve|s) NULL in /.exec(warning)?.[1],
  );
  return Number(counts.find((each) => each !== undefined) ?? 0);
}

/** A refused row is missing or in an earlier state; allows at most as many as were counted. */
function withoutRejected(problems: readonly Problem[], rejected: number): readonly Problem[] {
  let left = rejected;
  return problems.filter(({ kind }) => {
    if ((kind !== 'missing' && kind !== 'stale') || left === 0) return true;
    left -= 1;
    return false;
  });
}
