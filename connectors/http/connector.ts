import type { Connector, PlainDestination, SystemAccess, SystemReport } from '../../core/connector.ts';
import type { Remedies } from '../../core/remedies.ts';
import { HttpDestination } from './destination/destination.ts';
import { statusError } from './errors.ts';
import { Session } from './session.ts';
import { HttpSource } from './source/source.ts';
import { types } from './types/types.ts';

const remedies: Remedies = {
  key: 'key in source.key',
  columnsField: 'source.columns',
  uniqueKey: () => 'set destination.key to the fields by which the API identifies an item',
  uniqueOrder: () => 'name the fields that identify an item in source.key',
  requireValues: (columns) => `declare ${columns.join(', ')} with nullable: false in source.columns`,
  allowUpdates: () => 'leave the column out in source.columns',
};

export const connector: Connector<PlainDestination> = {
  types,
  remedies,
  check,
  /** An API does not say which lists it has. */
  async discover(_access, signal) {
    signal.throwIfAborted();
    return [];
  },
  openSource: async (access, object) => new HttpSource(access, object),
  openDestination: async (access, object) => new HttpDestination(access, object),
};

/** Calls `url` itself. Any answer shows that the API is there; only one that refuses the credentials is an error. */
async function check(access: SystemAccess, signal: AbortSignal): Promise<SystemReport> {
  const session = new Session(access);
  try {
    const { base, where } = session.config;
    const url = session.urlOf(base, 'spec.http.url');
    const answer = await session.send({ method: 'GET', url, name: 'GET', isRepeatable: true }, signal);
    answer.discard();
    const { status } = answer;
    if (status === 401 || status === 407) throw statusError(status, { where, path: 'spec.http' });
    return { version: 'HTTP 1.1', findings: [] };
  } finally {
    session.close();
  }
}
