import type { Connector, Destination, SystemAccess } from '../../core/connector.ts';
import { sqlRemedies } from '../sql/remedies.ts';
import { folderOf, pathOf } from './connection/open.ts';
import { SqliteDestination } from './destination/destination.ts';
import { type FilePlace, FileThread } from './session.ts';
import { SqliteSource } from './source/source.ts';
import type { SystemFile } from './system-file.ts';
import { types } from './types/types.ts';

export const connector: Connector<Destination> = {
  types,
  remedies: sqlRemedies('sqlite'),
  async check(access, signal) {
    return await withFile(placeOf(access), (file) => file.call(signal, 'check'));
  },
  async discover(access, signal) {
    return await withFile(placeOf(access), (file) => file.call(signal, 'discover'));
  },
  async openSource(access, object) {
    return new SqliteSource(placeOf(access), object);
  },
  async openDestination(access, object) {
    return new SqliteDestination(placeOf(access), object);
  },
};

function placeOf(access: SystemAccess): FilePlace {
  return { file: pathOf(access), folder: folderOf(access) };
}

async function withFile<T>(
  place: FilePlace,
  body: (thread: FileThread<SystemFile>) => Promise<T>,
): Promise<T> {
  const thread = new FileThread<SystemFile>({ ...place, role: 'system' });
  try {
    return await body(thread);
  } finally {
    await thread.close();
  }
}
