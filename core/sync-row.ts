import { formatSeconds, type SyncRow, type SyncState, type SyncStatus } from './status.ts';
import type { SyncIdentity, SyncSpec } from './sync-spec.ts';

/** The fields of a Sync that its row needs. */
export interface RowInput extends Pick<SyncIdentity, 'name' | 'namespace'> {
  readonly spec: Pick<SyncSpec, 'mode'> & {
    readonly source: { readonly dataSource: string };
    readonly destination: { readonly dataSource: string };
  };
  /** ISO 8601 UTC; undefined in single mode's first run. */
  readonly createdAt?: string;
}

export const syncHeads = [
  'NAME',
  'SOURCE',
  'DESTINATION',
  'MODE',
  'STATE',
  'AGENT',
  'ROWS',
  'LAG',
  'LAST SYNC',
  'AGE',
] as const;
export const wideHeads = ['OFFSET', 'RATE', 'MESSAGE'] as const;

/** The row of `kubectl get syncs`, the same wherever it is shown. */
export function syncRow(sync: RowInput, status: SyncStatus | undefined, nowMs: number): SyncRow {
  return {
    name: sync.name,
    source: sync.spec.source.dataSource,
    destination: sync.spec.destination.dataSource,
    mode: sync.spec.mode,
    state: status?.state ?? 'Pending',
    agent: status?.agent ?? '',
    rows: status?.rows.written ?? 0,
    lag: formatLag(knownLagSeconds(status)),
    lastSync: age(status?.lastSyncTime, nowMs),
    age: age(sync.createdAt, nowMs),
  };
}

const observedStates: ReadonlySet<SyncState> = new Set(['Running', 'Waiting', 'Completed']);

/**
 * Undefined while the number of waiting rows is unknown: after an error, and while no agent runs the sync. An earlier value would be
 * outdated.
 */
export function knownLagSeconds(status: SyncStatus | undefined): number | undefined {
  if (!status || status.lastError || !observedStates.has(status.state)) return undefined;
  return status.lagSeconds;
}

export function formatLag(lagSeconds: number | undefined): string {
  return lagSeconds === undefined ? '' : formatSeconds(lagSeconds);
}

export function formatRate(rowsPerSecond: number): string {
  return `${rowsPerSecond}/s`;
}

export function rowCells(row: SyncRow): string[] {
  return [
    row.name,
    row.source,
    row.destination,
    row.mode,
    row.state,
    row.agent,
    String(row.rows),
    row.lag,
    row.lastSync,
    row.age,
  ];
}

export function wideCells(status: SyncStatus | undefined): string[] {
  return [
    status?.offsetText ?? '',
    status?.rowsPerSecond ? formatRate(status.rowsPerSecond) : '',
    status?.message ?? '',
  ];
}

function age(time: string | undefined, nowMs: number): string {
  return time === undefined ? '' : formatSeconds((nowMs - Date.parse(time)) / 1_000);
}
