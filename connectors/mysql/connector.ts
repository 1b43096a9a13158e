import type { Connector, Destination, SystemReport } from '../../core/connector.ts';
import type { Relation } from '../../core/values.ts';
import { withSession } from '../sql/connection/with-session.ts';
import { sqlRemedies } from '../sql/remedies.ts';
import { systemFindings } from './check.ts';
import { readConfig } from './config.ts';
import { describeTable, listTables } from './describe.ts';
import { MysqlDestination } from './destination/destination.ts';
import { Session } from './session.ts';
import { MysqlSource } from './source/source.ts';
import { types } from './types/types.ts';

export const connector: Connector<Destination> = {
  types,
  remedies: sqlRemedies('mysql'),
  async check(access, signal): Promise<SystemReport> {
    return await withSession(Session.open(access, 'reader', signal), async (session) => ({
      version: session.facts.version,
      findings: await systemFindings(session, signal),
    }));
  },
  async discover(access, signal): Promise<readonly Relation[]> {
    return await withSession(Session.open(access, 'reader', signal), async (session) => {
      const relations: Relation[] = [];
      for (const name of await listTables(session, readConfig(access.config).database, signal)) {
        const entry = await describeTable(session, name, 'spec.mysql.database', signal);
        if (entry) relations.push(entry.relation);
      }
      return relations;
    });
  },
  async openSource(access, object, signal) {
    return new MysqlSource(access, object, await Session.open(access, 'reader', signal));
  },
  async openDestination(access, object, signal) {
    return new MysqlDestination(access, object, await Session.open(access, 'writer', signal));
  },
};
