import { z } from 'zod';
import type { Definition } from '../../core/definition.ts';
import { text } from '../../core/manifest/fields.ts';

/**
 * A system for tests of what SQL systems do not have: collections of JSON documents without fixed columns, and a log of their changes with
 * transactions and deletions, whose beginning can get lost. As a destination it stores no offsets.
 */
export const definition: Definition = {
  type: 'records',
  title: 'Records',
  summary: 'Collections of JSON documents with a log of changes.',
  config: z.strictObject({ folder: text({ max: 4_096 }).describe('Folder of the collections.') }),
  fields: {
    source: ['collection', 'columns', 'sample', 'metadata', 'startFrom'],
    destination: ['collection'],
  },
  capabilities: {
    source: {
      modes: ['Snapshot', 'Stream'],
      seesDeletes: ['Stream'],
      hasFixedColumns: false,
      readsWholeRecords: true,
      startKinds: ['Now'],
      lateRowBound: 'none',
      hasSessionTimeZone: false,
    },
    destination: { writeModes: ['Append', 'Upsert'], hasLargest: false, canDelete: true },
  },
  address: ({ folder }) => [folder],
  leftovers: () => undefined,
  load: async () => (await import('./connector.ts')).connector,
};
