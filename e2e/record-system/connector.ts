import type { TypeTable } from '../../core/column-plan.ts';
import type { Connector, SystemAccess } from '../../core/connector.ts';
import type { Remedies } from '../../core/remedies.ts';
import { Collection } from './collection.ts';
import { RecordDestination } from './destination.ts';
import { RecordSource } from './source.ts';

/** Any value is written as JSON. */
const types: TypeTable = {
  columnFor: () => ({ ddl: 'json' }),
  accepts: () => ({ isAccepted: true }),
  keyRefusal: () => undefined,
  orderOf: () => undefined,
  names: { unit: 'bytes', fold: (name) => name, partsOf: (name) => [name] },
};

const remedies: Remedies = {
  key: '_id',
  columnsField: 'source.columns',
  uniqueKey: () => 'use _id as the key',
  uniqueOrder: () => 'read by _id',
  requireValues: () => 'write a value into each document',
  allowUpdates: () => 'write to another system',
};

export const connector: Connector = {
  types,
  remedies,
  check: async () => ({ version: 'Records 1', findings: [] }),
  discover: async () => [],
  openSource: async (access, object) => new RecordSource(collectionOf(access, object.collection), object),
  openDestination: async (access, { collection }) => new RecordDestination(collectionOf(access, collection)),
};

function collectionOf({ config }: SystemAccess, name = ''): Collection {
  return new Collection(String(config.folder), name);
}
