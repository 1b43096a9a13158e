import type { CommitRow } from '../../core/connector.ts';
import type { Sync, SyncSpec } from '../../core/sync-spec.ts';

/** A Sync for tests of the engine's pure rules, and its commit row. */
export const spec: SyncSpec = {
  source: { dataSource: 'shop', table: 'public.orders', idField: 'id', timeZone: 'UTC' },
  destination: { dataSource: 'warehouse', table: 'sales.orders', existingRows: 'Refuse' },
  mode: 'Id',
  writeMode: 'Upsert',
  schedule: { kind: 'every', everyMs: 10_000 },
  batch: { maxRows: 100, maxBytes: 1_000 },
  isSuspended: false,
  createTable: 'IfMissing',
  schemaChanges: 'Fail',
  onError: 'Stop',
  deletes: 'Ignore',
  redactsKeys: false,
  placement: { agentSelector: {} },
};
export const sync: Sync = { uid: 'u1', namespace: 'a', name: 'orders', generation: 1, spec };
export const row = (change: Partial<CommitRow> = {}): CommitRow => ({
  uid: 'u1',
  table: 'sales.orders',
  name: 'a/orders',
  fingerprint: 'm',
  token: 5n,
  offset: null,
  rows: 0,
  isClosed: false,
  time: '2026-11-24T00:00:00Z',
  ...change,
});
