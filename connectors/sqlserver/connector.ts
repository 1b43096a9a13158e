import type { Connector, Destination, SystemReport } from '../../core/connector.ts';
import type { Relation } from '../../core/values.ts';
import { sqlRemedies } from '../sql/remedies.ts';
import { systemFindings } from './check.ts';
import { describeTable, listTables } from './describe.ts';
import { SqlServerDestination } from './destination/destination.ts';
import { type Role, Session } from './session.ts';
import { SqlServerSource } from './source/source.ts';
import { types } from './types/types.ts';

export const connector: Connector<Destination> = {
  types,
  remedies: {
    ...sqlRemedies('sqlserver'),
    allowUpdates: (object, column) =>
      `create ${object} without IDENTITY for ${column} (no statement removes it from a column)`,
  },
  async check(access, signal): Promise<SystemReport> {
    return await withSession(access, 'reader', signal, async (session) => ({
      version: session.facts.version,
      findings: await systemFindings(session, signal),
    }));
  },
  async discover(access, signal): Promise<readonly Relation[]> {
    return await withSession(access, 'reader', signal, async (session) => {
      const relations: Relation[] = [];
      for (const name of await listTables(session, signal)) {
        const entry = await describeTable(session, name, 'spec.sqlserver.database', signal);
        if (entry) relations.push(entry.relation);
      }
      return relations;
    });
  },
  async openSource(access, object, signal) {
    return new SqlServerSource(access, object, await Session.open(access, 'reader', signal));
  },
  async openDestination(access, object, signal) {
    return new SqlServerDestination(access, object, await Session.open(access, 'writer', signal));
  },
};

async function withSession<T>(
  access: Parameters<Connector['check']>[0],
  role: Role,
  signal: AbortSignal,
  body: (session: Session) => Promise<T>,
): Promise<T> {
  const session = await Session.open(access, role, signal);
  try {
    return await body(session);
  } finally {
    await session.close();
  }
}
