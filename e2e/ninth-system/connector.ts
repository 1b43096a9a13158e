import { readdir } from 'node:fs/promises';
import type { TypeTable } from '../../core/column-plan.ts';
import type { Connector, SystemAccess } from '../../core/connector.ts';
import type { Remedies } from '../../core/remedies.ts';
import { JournalDestination } from './destination.ts';
import { JournalSource } from './source.ts';
import { Topic } from './topic.ts';

/** Any value is written as JSON. */
const types: TypeTable = {
  columnFor: () => ({ ddl: 'json' }),
  accepts: () => ({ isAccepted: true }),
  keyRefusal: () => undefined,
  orderOf: () => undefined,
  names: { unit: 'bytes', fold: (name) => name, partsOf: (name) => [name] },
};

const remedies: Remedies = {
  key: 'key',
  columnsField: 'the lines of the topic',
  uniqueKey: () => 'write to another system',
  uniqueOrder: () => 'read by position',
  requireValues: () => 'write a value into each line',
  allowUpdates: () => 'write to another system',
};

export const connector: Connector = {
  types,
  remedies,
  check: async () => ({ version: 'Journal 1', findings: [] }),
  async discover(access) {
    const files = await readdir(folderOf(access));
    return await Promise.all(files.map((file) => new JournalSource(topicOf(access, file)).describe()));
  },
  openSource: async (access, { topic = '' }) => new JournalSource(topicOf(access, topic)),
  openDestination: async (access, { topic = '' }) => new JournalDestination(topicOf(access, topic)),
};

function folderOf({ config }: SystemAccess): string {
  return String(config.folder);
}

function topicOf(access: SystemAccess, name: string): Topic {
  return new Topic(folderOf(access), name);
}
