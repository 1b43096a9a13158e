import type { Definition } from '../../core/definition.ts';
import { commitTableName } from '../sql/destination/commit-table.ts';
import { schema } from './config.ts';

export const definition: Definition = {
  type: 'mongodb',
  title: 'MongoDB',
  summary:
    'Collections of MongoDB 4.4 and later: documents as a whole between two of them, as columns to and from other systems; change streams.',
  config: schema,
  fields: {
    source: ['collection', 'filter', 'columns', 'sample', 'startFrom'],
    destination: ['collection'],
  },
  capabilities: {
    source: {
      modes: ['Snapshot', 'Id', 'Timestamp', 'LastDestinationId', 'LastDestinationTimestamp', 'Stream'],
      seesDeletes: ['Stream'],
      hasFixedColumns: false,
      readsWholeRecords: true,
      startKinds: ['Now'],
      lateRowBound: 'none',
      hasSessionTimeZone: false,
    },
    destination: { writeModes: ['Append', 'Upsert', 'Replace'], hasLargest: true, canDelete: true },
  },
  address: ({ uriSecretRef, hosts, replicaSet, database }) => [
    uriSecretRef ?? replicaSet ?? (Array.isArray(hosts) ? hosts.toSorted() : null),
    database ?? null,
  ],
  leftovers: (_object, uid) => ({
    what: `its document in ${commitTableName}`,
    remedy: `db.${commitTableName}.deleteMany({ uid: ${JSON.stringify(uid)} })`,
  }),
  load: async () => (await import('./connector.ts')).connector,
};
