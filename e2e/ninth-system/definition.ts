import { z } from 'zod';
import type { Definition } from '../../core/definition.ts';
import { text } from '../../core/manifest/fields.ts';

/**
 * A system for tests that is unlike a database: topics are append-only files without tables, columns, keys and transactions. It stores no
 * offsets.
 */
export const definition: Definition = {
  type: 'journal',
  title: 'Journal',
  summary: 'Files of lines that only grow.',
  config: z.strictObject({ folder: text({ max: 4_096 }).describe('Folder of the topics.') }),
  fields: { source: ['topic'], destination: ['topic'] },
  capabilities: {
    source: {
      modes: ['Id'],
      seesDeletes: [],
      hasFixedColumns: true,
      lateRowBound: 'none',
      hasSessionTimeZone: false,
    },
    destination: { writeModes: ['Append'], hasLargest: false, canDelete: false },
  },
  address: ({ folder }) => [folder],
  leftovers: () => undefined,
  load: async () => (await import('./connector.ts')).connector,
};
