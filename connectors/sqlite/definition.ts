import { z } from 'zod';
import type { Definition } from '../../core/definition.ts';
import { text } from '../../core/manifest/fields.ts';
import { leftoverRow, sqlDestination, sqlFields, sqlSource } from '../sql/definition.ts';
import { quoteDouble } from '../sql/names.ts';

/** Plain data without a driver; connector.ts has the implementation. */
export const definition: Definition = {
  type: 'sqlite',
  title: 'SQLite',
  summary: 'A SQLite database file on a disk of the agent.',
  config: z.strictObject({
    path: text({ max: 4_096 }).describe(
      'Path of the database file. In a cluster it is below IDRA_SQLITE_ROOT/NAMESPACE of the agent, and a relative one is from there; in single mode a relative one is from the folder in which Idra was started.',
    ),
  }),
  fields: sqlFields,
  isLocalFile: true,
  capabilities: {
    source: {
      ...sqlSource,
      lateRowBound: 'singleWriter',
      hasSessionTimeZone: false,
      hasTextTimestamps: true,
    },
    destination: sqlDestination,
  },
  address: ({ path }) => [null, null, null, path ?? null, null],
  leftovers: leftoverRow(quoteDouble),
  load: async () => (await import('./connector.ts')).connector,
};
