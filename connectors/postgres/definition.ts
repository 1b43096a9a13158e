import { z } from 'zod';
import type { Definition } from '../../core/definition.ts';
import {
  databaseServerFields,
  leftoverRow,
  serverAddress,
  sqlDestination,
  sqlFields,
  sqlSource,
} from '../sql/definition.ts';
import { quoteDouble } from '../sql/names.ts';

export const definition: Definition = {
  type: 'postgres',
  title: 'PostgreSQL',
  summary: 'Tables, views and queries of PostgreSQL 12 and later; bulk reads and writes by COPY.',
  config: z.strictObject(databaseServerFields(5_432)),
  fields: sqlFields,
  capabilities: {
    source: { ...sqlSource, lateRowBound: 'transactions', hasSessionTimeZone: true },
    destination: sqlDestination,
  },
  address: serverAddress,
  leftovers: leftoverRow(quoteDouble),
  load: async () => (await import('./connector.ts')).connector,
};
