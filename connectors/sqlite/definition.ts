import type { Definition } from '../../core/connector.ts';

/** Plain data, no driver: see connector.ts for what it does. */
export const definition: Definition = {
  type: 'sqlite',
  title: 'SQLite',
  summary: 'A SQLite database file on a disk of the agent',
  capabilities: {
    source: {
      modes: ['Snapshot', 'Id', 'Timestamp', 'LastDestinationId', 'LastDestinationTimestamp'],
      lateRowBound: 'singleWriter',
    },
    destination: { writeModes: ['Append', 'Upsert', 'Replace'], isTransactional: true, hasLargest: true },
  },
  load: async () => (await import('./connector.ts')).connector,
};
