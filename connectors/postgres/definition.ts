import { z } from 'zod';
import type { Definition } from '../../core/connector.ts';
import { databaseServerFields } from '../../core/manifest/fields.ts';

export const definition: Definition = {
  type: 'postgres',
  title: 'PostgreSQL',
  summary: 'Tables, views and queries of PostgreSQL 12 and later; bulk reads and writes by COPY.',
  config: z.strictObject(databaseServerFields(5_432)),
  capabilities: {
    source: {
      modes: ['Snapshot', 'Id', 'Timestamp', 'LastDestinationId', 'LastDestinationTimestamp'],
      lateRowBound: 'transactions',
    },
    destination: { writeModes: ['Append', 'Upsert', 'Replace'], isTransactional: true, hasLargest: true },
  },
  load: async () => (await import('./connector.ts')).connector,
};
