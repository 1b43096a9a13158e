import type { Definition } from '../../core/definition.ts';
import { leftoverRow, serverAddress, sqlDestination, sqlFields, sqlSource } from '../sql/definition.ts';
import { quoteBacktick } from '../sql/names.ts';
import { schema } from './config.ts';

/** Plain data without a driver; connector.ts has the implementation. */
export const definition: Definition = {
  type: 'mysql',
  title: 'MySQL or MariaDB',
  summary: 'Tables, views and queries of MySQL 8 and MariaDB 10.6 and later; bulk writes by LOAD DATA.',
  config: schema,
  fields: sqlFields,
  capabilities: {
    source: { ...sqlSource, lateRowBound: 'transactions', hasSessionTimeZone: true },
    destination: sqlDestination,
  },
  address: serverAddress,
  leftovers: leftoverRow(quoteBacktick),
  load: async () => (await import('./connector.ts')).connector,
};
