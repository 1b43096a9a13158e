import type { SyncState, SyncStatus } from '../core/status.ts';
import type { DataSource, Sync } from '../core/sync-spec.ts';

/** Objects for tests, with only the fields that tests need. */
export function syncOf(uid: string, more: { readonly name?: string } = {}): Sync {
  return {
    uid,
    namespace: 'default',
    name: more.name ?? 'orders',
    generation: 1,
    spec: {
      source: { dataSource: 'shop', timeZone: 'UTC' },
      destination: { dataSource: 'warehouse', table: 'orders', existingRows: 'Refuse' },
      mode: 'Snapshot',
      writeMode: 'Upsert',
      schedule: { kind: 'once' },
      batch: { maxRows: 50_000, maxBytes: 8 << 20 },
      isSuspended: false,
      createTable: 'IfMissing',
      schemaChanges: 'Fail',
      onError: 'Stop',
      deletes: 'Ignore',
      redactsKeys: false,
      placement: { agentSelector: {} },
    },
  };
}

export function dataSourceOf(name: string, maxConcurrentSyncs?: number): DataSource {
  const spec = { type: 'sqlite', config: {}, placement: { agentSelector: {} } } as const;
  return {
    uid: `uid-${name}`,
    namespace: 'default',
    name,
    generation: 1,
    spec: maxConcurrentSyncs === undefined ? spec : { ...spec, maxConcurrentSyncs },
  };
}

export function statusOf(uid: string, state: SyncState, written: number): SyncStatus {
  return {
    uid,
    observedGeneration: 1,
    state,
    reason: state,
    message: '',
    hasCaughtUp: false,
    rows: { read: 0, written, deleted: 0, rejected: 0 },
    observedAt: '2026-01-01T00:00:00.000Z',
  };
}
