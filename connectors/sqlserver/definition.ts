import type { Definition } from '../../core/definition.ts';
import { leftoverRow, serverAddress, sqlDestination, sqlFields, sqlSource } from '../sql/definition.ts';
import { schema } from './config.ts';
import { quoteBracket } from './names.ts';

/** Plain data without a driver; connector.ts has the implementation. */
export const definition: Definition = {
  type: 'sqlserver',
  title: 'Microsoft SQL Server',
  summary:
    'Tables, views and queries of SQL Server 2014 and later, and of Azure SQL; bulk load into a staging table and one merge.',
  config: schema,
  fields: sqlFields,
  capabilities: {
    source: { ...sqlSource, lateRowBound: 'transactions', hasSessionTimeZone: true },
    destination: { ...sqlDestination, wantsLargeBatches: true },
  },
  address: serverAddress,
  leftovers: leftoverRow(quoteBracket),
  load: async () => (await import('./connector.ts')).connector,
};
