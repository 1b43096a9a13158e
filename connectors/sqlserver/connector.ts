import type { Connector, Destination, SystemReport } from '../../core/connector.ts';
import type { Relation } from '../../core/values.ts';
import { withSession } from '../sql/connection/with-session.ts';
import { sqlRemedies } from '../sql/remedies.ts';
import { systemFindings } from './check.ts';
import { describeTable, listTables } from './describe.ts';
import { SqlServerDestination } from './destination/destination.ts';
import { Session } from './session.ts';
import { SqlServerSource } from './source/source.ts';
import { types } from './types/types.ts';

export const connector: Connector<Destination> = {
  types,
  remedies: {
    ...sqlRemedies('sqlserver'),
    allowUpdates: (object, column) =>
      `create ${object} without IDENTITY for ${column} (no statement removes it from a column)`,
  },
  check: (access, signal) =>
    withSession(Session.open(access, 'reader', signal), async (session): Promise<SystemReport> => {
      const findings = await systemFindings(session, signal);
      return { version: session.facts.version, findings };
    }),
  discover: (access, signal) =>
    withSession(Session.open(access, 'reader', signal), (each) => relationsOf(each, signal)),
  async openSource(access, object, signal) {
    return new SqlServerSource(access, object, await Session.open(access, 'reader', signal));
  },
  async openDestination(access, object, signal) {
    return new SqlServerDestination(access, object, await Session.open(access, 'writer', signal));
  },
};

async function relationsOf(session: Session, signal: AbortSignal): Promise<readonly Relation[]> {
  const entries: Relation[] = [];
  for (const name of await listTables(session, signal)) {
    const entry = await describeTable(session, name, 'spec.sqlserver.database', signal);
    if (entry) entries.push(entry.relation);
  }
  return entries;
}
