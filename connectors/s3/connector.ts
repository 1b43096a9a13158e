import type { Connector, Destination, SystemAccess } from '../../core/connector.ts';
import type { Remedies } from '../../core/remedies.ts';
import type { Relation } from '../../core/values.ts';
import { S3Destination } from './destination/destination.ts';
import { S3Session } from './session.ts';
import { S3Source } from './source/source.ts';
import { types } from './types/types.ts';

const remedies: Remedies = {
  key: 'key',
  columnsField: 'source.columns',
  uniqueKey: () => 'name columns in source.key that identify a row',
  uniqueOrder: () => 'that identify a row',
  requireValues: (columns) => `correct the records without ${columns.join(', ')}`,
  allowUpdates: () => 'write to another prefix',
};

export const connector: Connector<Destination> = {
  types,
  remedies,
  async check(access, signal) {
    return await within(access, async (session) => {
      await session.requireBucket(signal);
      const { endpoint } = session.config;
      return {
        version: `S3 1 ${endpoint === undefined ? 'of AWS' : `at ${new URL(endpoint).host}`}`,
        findings: [],
      };
    });
  },
  async discover(access, signal) {
    return await within(access, (session) => discoverPrefixes(session, signal));
  },
  async openSource(access, object) {
    return new S3Source(access, object);
  },
  async openDestination(access, object) {
    return new S3Destination(access, object);
  },
};

const maxPrefixes = 1_000;

/** The folders at the top of the bucket. Which columns their objects have depends on their format, which only a Sync says. */
async function discoverPrefixes(session: S3Session, signal: AbortSignal): Promise<readonly Relation[]> {
  const names: string[] = [];
  for (let next: string | undefined; ; ) {
    const page = await session.list({ prefix: '', delimiter: '/', next }, signal);
    names.push(...page.folders.filter((folder) => !/^[_.]/.test(folder)));
    next = page.next;
    if (next === undefined || names.length >= maxPrefixes) break;
  }
  return names
    .slice(0, maxPrefixes)
    .map((name) => ({ name, columns: [], keys: [], hasOpenColumns: true as const }));
}

async function within<T>(access: SystemAccess, body: (session: S3Session) => Promise<T>): Promise<T> {
  const session = new S3Session(access);
  try {
    return await body(session);
  } finally {
    await session.close();
  }
}
