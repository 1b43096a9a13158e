import type { Connector, Destination, SystemAccess } from '../../core/connector.ts';
import type { Remedies } from '../../core/remedies.ts';
import { checkSystem } from './check.ts';
import { KafkaDestination } from './destination/destination.ts';
import type { KafkaSession } from './session.ts';
import { SessionHolder } from './session-holder.ts';
import { KafkaSource } from './source/source.ts';
import { types } from './types/types.ts';

const remedies: Remedies = {
  key: 'key in its messages whose fields are columns',
  columnsField: 'source.columns',
  uniqueKey: () => 'none is needed: name the columns in destination.key',
  uniqueOrder: () => 'use mode Stream',
  requireValues: (columns) => `set nullable: false for ${columns.join(', ')} in source.columns`,
  allowUpdates: () => 'write to another topic',
};

export const connector: Connector<Destination> = {
  types,
  remedies,
  async check(access, signal) {
    return await withSession(access, signal, (session) => checkSystem(access, session, signal));
  },
  async discover(access, signal) {
    return await withSession(access, signal, async (session) => {
      const { topics } = await session.metadata(null, { signal });
      const shown = topics.filter(({ name, isInternal }) => !isInternal && !name.startsWith('_'));
      return shown.map(({ name, id }) => ({
        name,
        columns: [],
        keys: [],
        ...(id !== undefined && { identity: id }),
      }));
    });
  },
  async openSource(access, object) {
    return new KafkaSource(access, object);
  },
  async openDestination(access, object) {
    return new KafkaDestination(access, object);
  },
};

async function withSession<T>(
  access: SystemAccess,
  signal: AbortSignal,
  body: (session: KafkaSession) => Promise<T>,
): Promise<T> {
  const holder = new SessionHolder(access, 'check');
  try {
    return await body(await holder.get(signal));
  } finally {
    await holder.release();
  }
}
