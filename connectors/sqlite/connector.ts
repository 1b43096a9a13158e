import type { Connector } from '../../core/connector.ts';
import { SqliteDestination } from './destination.ts';
import { pathOf } from './open-file.ts';
import { SqliteSource } from './source.ts';
import type { SystemFile } from './system-file.ts';
import { FileThread } from './thread.ts';
import { types } from './types.ts';

export const connector: Connector = {
  types,
  async check(access, signal) {
    return await withFile(pathOf(access), (file) => file.call(signal, 'check'));
  },
  async discover(access, signal) {
    return await withFile(pathOf(access), (file) => file.call(signal, 'discover'));
  },
  async openSource(access, object) {
    return new SqliteSource(pathOf(access), object);
  },
  async openDestination(access, object) {
    return new SqliteDestination(pathOf(access), object);
  },
};

async function withFile<T>(file: string, body: (thread: FileThread<SystemFile>) => Promise<T>): Promise<T> {
  const thread = new FileThread<SystemFile>({ role: 'system', file });
  try {
    return await body(thread);
  } finally {
    await thread.close();
  }
}
