import type { Definition } from '../../core/connector.ts';
import { schema } from './config.ts';

/** Plain data, no driver: see connector.ts for what it does. */
export const definition: Definition = {
  type: 'mysql',
  title: 'MySQL or MariaDB',
  summary: 'Tables, views and queries of MySQL 8 and MariaDB 10.6 and later; bulk writes by LOAD DATA.',
  config: schema,
  capabilities: {
    source: {
      modes: ['Snapshot', 'Id', 'Timestamp', 'LastDestinationId', 'LastDestinationTimestamp'],
      lateRowBound: 'transactions',
    },
    destination: { writeModes: ['Append', 'Upsert', 'Replace'], isTransactional: true, hasLargest: true },
  },
  load: async () => (await import('./connector.ts')).connector,
};
