import type { Definition } from '../../core/definition.ts';
import { httpDestinationFields, httpSourceFields } from '../../core/sync-spec.ts';
import { schema } from './config.ts';

/** Plain data without a driver; connector.ts has the implementation. */
export const definition: Definition = {
  type: 'http',
  title: 'HTTP API',
  summary: 'An HTTP API with JSON.',
  config: schema,
  fields: {
    source: ['path', ...httpSourceFields, 'columns', 'sample'],
    destination: ['path', ...httpDestinationFields],
  },
  capabilities: {
    source: {
      modes: ['Snapshot', 'Id', 'Timestamp'],
      seesDeletes: [],
      hasFixedColumns: false,
      lateRowBound: 'none',
      hasSessionTimeZone: false,
    },
    destination: { writeModes: ['Append', 'Upsert'], hasLargest: false, canDelete: true },
  },
  address: ({ url }) => [String(url ?? '').replace(/\/+$/, '')],
  leftovers: () => undefined,
  load: async () => (await import('./connector.ts')).connector,
};
