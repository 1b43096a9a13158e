import type { Connector, Destination } from '../../core/connector.ts';
import type { Relation } from '../../core/values.ts';
import { sqlRemedies } from '../sql/remedies.ts';
import { reportSystem } from './check.ts';
import { readerName } from './connection/open.ts';
import { describeTable, listTables } from './describe.ts';
import { PostgresDestination } from './destination/destination.ts';
import { Session } from './session.ts';
import { missingGrant } from './source/missing-grant.ts';
import { PostgresSource } from './source/source.ts';
import { types } from './types/types.ts';

export const connector: Connector<Destination> = {
  types,
  remedies: sqlRemedies('postgres'),
  async check(access, signal) {
    const session = await Session.open(access, readerName, signal);
    try {
      return await reportSystem(session, signal);
    } finally {
      await session.close();
    }
  },
  async discover(access, signal) {
    const session = await Session.open(access, readerName, signal);
    try {
      const relations: Relation[] = [];
      for (const name of await listTables(session)) {
        const entry = await session.guard(() => describeTable(session, name, 'spec.source.table'), signal);
        if (entry) relations.push(entry.relation);
      }
      return relations;
    } finally {
      await session.close();
    }
  },
  openSource: async (access, object) => new PostgresSource(access, object),
  openDestination: async (access, object) => new PostgresDestination(access, object),
  missingGrant,
};
