import { z } from 'zod';
import type { TypeTable } from '../../core/column-plan.ts';
import type { Definition } from '../../core/definition.ts';
import type { Remedies } from '../../core/remedies.ts';
import type { DataSource, Sync } from '../../core/sync-spec.ts';
import type { Relation } from '../../core/values.ts';

export const leaseTtlMs = 1_000;

const column = {
  name: 'id',
  type: { kind: 'int', bits: 64 },
  nativeType: 'bigint',
  isNullable: false,
} as const;

export const relation: Relation = {
  name: 'events',
  columns: [column],
  keys: [{ name: 'events_pkey', columns: ['id'], isPrimary: true }],
};

export const types: TypeTable = {
  columnFor: () => ({ ddl: 'bigint' }),
  accepts: () => ({ isAccepted: true }),
  keyRefusal: () => undefined,
  orderOf: () => undefined,
  names: { unit: 'bytes', fold: (name) => name, partsOf: (name) => [name] },
};

export const remedies: Remedies = {
  key: 'key',
  columnsField: 'the source',
  uniqueKey: () => 'make a key',
  uniqueOrder: () => 'make a key',
  requireValues: () => 'fill it',
  allowUpdates: () => 'allow updates',
};

export const syncs: readonly Sync[] = ['s1', 's2'].map(syncOf);

export const shop = dataSourceOf('shop');

/** Without `load`, because each process of the model has its own. */
export const definition: Omit<Definition, 'load'> = {
  type: 'postgres',
  title: 'Model',
  summary: 'A system of the model.',
  config: z.object({}),
  fields: { source: ['table'], destination: ['table'] },
  capabilities: {
    source: {
      modes: ['Id'],
      seesDeletes: [],
      hasFixedColumns: true,
      lateRowBound: 'transactions',
      hasSessionTimeZone: false,
    },
    destination: { writeModes: ['Append'], hasLargest: false, canDelete: false },
  },
  address: () => [],
  leftovers: () => undefined,
};

function syncOf(uid: string): Sync {
  return {
    uid,
    namespace: 'default',
    name: uid,
    generation: 1,
    spec: {
      source: { dataSource: 'shop', table: 'events', idField: 'id', timeZone: 'UTC' },
      destination: { dataSource: 'warehouse', table: `main.${uid}`, existingRows: 'Refuse' },
      mode: 'Id',
      writeMode: 'Append',
      schedule: { kind: 'continuous' },
      batch: { maxRows: 5, maxBytes: 1 << 20 },
      safetyLagMs: 0,
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

export function dataSourceOf(name: string, maxConcurrentSyncs?: number | undefined): DataSource {
  return {
    uid: `uid-${name}`,
    namespace: 'default',
    name,
    generation: 1,
    spec: {
      type: 'postgres',
      config: {},
      placement: { agentSelector: {} },
      ...(maxConcurrentSyncs !== undefined && { maxConcurrentSyncs }),
    },
  };
}
