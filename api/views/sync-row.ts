import type { z } from 'zod';
import { parseDuration } from '../../core/manifest/units.ts';
import { readyReason } from '../../core/sync-conditions.ts';
import { formatLag, knownLagSeconds } from '../../core/sync-row.ts';
import { objectName } from '../../core/sync-spec.ts';
import type { FleetSync } from '../../fleet/contract.ts';
import type { syncRow } from '../schemas/syncs.ts';

export type SyncRowData = z.infer<typeof syncRow>;

/** The parts of a manifest's spec that rows show. A stored spec may be of another version, so each may be missing. */
interface ShownSpec {
  readonly source?: { readonly dataSource?: string };
  readonly destination?: { readonly dataSource?: string };
  readonly mode?: string;
  readonly schedule?: { readonly every?: string };
}

/** A Sync that is further behind than this, and than two of its intervals, is shown as lagging. */
const lateSeconds = 60;
const maxMessage = 300;

export function syncRowData(sync: FleetSync): SyncRowData {
  const { uid, namespace, name, status, createdAt, isSuspended, labels } = sync;
  const spec = (sync.spec ?? {}) as ShownSpec;
  const lagSeconds = knownLagSeconds(status);
  return {
    uid,
    namespace,
    name,
    source: endOf(spec.source),
    destination: endOf(spec.destination),
    mode: spec.mode ?? '',
    state: status?.state ?? 'Pending',
    reason: status ? readyReason(status) : 'WaitingForAgent',
    message: firstLine(status?.message ?? ''),
    attention: attentionOf(sync, spec, lagSeconds),
    agent: status?.agent ?? '',
    rows: status?.rows.written ?? 0,
    ...(status?.rowsPerSecond !== undefined && { rowsPerSecond: status.rowsPerSecond }),
    ...(lagSeconds !== undefined && { lagSeconds }),
    lag: formatLag(lagSeconds),
    ...(status?.lastError && { errorCode: status.lastError.code }),
    isSuspended,
    ...(status?.lastSyncTime !== undefined && { lastSyncTime: status.lastSyncTime }),
    createdAt,
    ...(labels && { labels }),
  };
}

function endOf(end: { readonly dataSource?: string } | undefined): SyncRowData['source'] {
  return { dataSource: end?.dataSource ?? '', object: end ? objectName(end as never) : '' };
}

function firstLine(text: string): string {
  const [line = ''] = text.split('\n', 1);
  return line.length > maxMessage ? `${line.slice(0, maxMessage)}...` : line;
}

function attentionOf(
  { status }: FleetSync,
  { schedule }: ShownSpec,
  lagSeconds: number | undefined,
): SyncRowData['attention'] {
  if (!status) return 'none';
  if (status.state === 'Failed') return 'failed';
  if (status.overdueSince !== undefined || status.lastError) return 'lagging';
  const everySeconds = (parseDuration(schedule?.every ?? '') ?? 0) / 1_000;
  return (lagSeconds ?? 0) > Math.max(lateSeconds, 2 * everySeconds) ? 'lagging' : 'none';
}
