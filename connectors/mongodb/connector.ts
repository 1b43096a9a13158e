import type { Connector, Destination } from '../../core/connector.ts';
import type { Remedies } from '../../core/remedies.ts';
import type { Relation } from '../../core/values.ts';
import { reportSystem } from './check.ts';
import { readerName } from './connection/open.ts';
import { listCollections } from './describe.ts';
import { MongodbDestination } from './destination/destination.ts';
import { shellName } from './names.ts';
import { Session } from './session.ts';
import { MongodbSource } from './source/source.ts';
import { types } from './types/types.ts';

const indexOver = (columns: readonly string[]) =>
  `{ ${columns.map((each) => `${JSON.stringify(each)}: 1`).join(', ')} }`;

const remedies: Remedies = {
  key: 'unique key',
  columnsField: 'source.columns',
  uniqueKey: (object, columns) => `${shellName(object)}.createIndex(${indexOver(columns)}, { unique: true })`,
  uniqueOrder: (object, columns) =>
    `or create a unique index: ${shellName(object)}.createIndex(${indexOver(columns)}, { unique: true })`,
  requireValues: (columns) => `set nullable: false for ${columns.join(', ')} in source.columns`,
  allowUpdates: () => 'use another collection',
};

export const connector: Connector<Destination> = {
  types,
  remedies,
  async check(access, signal) {
    const session = await Session.open(access, readerName, signal);
    try {
      await session.command({ listCollections: 1, nameOnly: true, cursor: { batchSize: 1 } }, signal);
      return reportSystem(session);
    } finally {
      await session.close();
    }
  },
  async discover(access, signal) {
    const session = await Session.open(access, readerName, signal);
    try {
      const found = await listCollections(session, signal);
      return found.map(({ name, identity, kind }): Relation => {
        const keys = kind === 'collection' ? [{ name: '_id_', columns: ['_id'], isPrimary: true }] : [];
        return { name, columns: [], keys, ...(identity !== undefined && { identity }) };
      });
    } finally {
      await session.close();
    }
  },
  openSource: async (access, object) => new MongodbSource(access, object),
  openDestination: async (access, object) => new MongodbDestination(access, object),
};
