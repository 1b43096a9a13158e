import type { Document, MongoClient } from 'mongodb';
import { z } from 'zod';
import type { SystemIdentity } from '../../../core/connector.ts';

/** What statements depend on. */
export interface ServerFacts {
  readonly version: string;
  /** A standalone server has neither transactions nor change streams. */
  readonly kind: 'standalone' | 'replicaSet' | 'sharded';
  readonly hasTransactions: boolean;
  /** Cursors and transactions belong to a session; servers in a test may have none. */
  readonly hasSessions: boolean;
  /** Empty if this user may not read it. */
  readonly identity: SystemIdentity;
  readonly maxDocumentBytes: number;
  readonly maxMessageBytes: number;
  readonly maxWrites: number;
}

const size = z.number().int().min(1).max(100_000_000);
const hello = z.object({
  setName: z.string().max(1_024).optional(),
  msg: z.string().max(1_024).optional(),
  maxBsonObjectSize: size.default(16_777_216),
  maxMessageSizeBytes: size.default(48_000_000),
  maxWriteBatchSize: size.default(100_000),
  logicalSessionTimeoutMinutes: z.number().nullish(),
});
const buildInfo = z.object({ version: z.string().max(100) });
export async function readFacts(client: MongoClient): Promise<ServerFacts> {
  const admin = client.db('admin');
  const said = hello.parse(await admin.command({ hello: 1 }));
  const { version } = buildInfo.parse(await admin.command({ buildInfo: 1 }));
  const kind = said.msg === 'isdbgrid' ? 'sharded' : said.setName === undefined ? 'standalone' : 'replicaSet';
  const hasSessions = typeof said.logicalSessionTimeoutMinutes === 'number';
  return {
    version,
    kind,
    hasSessions,
    hasTransactions: hasSessions && kind !== 'standalone',
    identity: kind === 'standalone' ? [] : await readIdentity(client, kind),
    maxDocumentBytes: said.maxBsonObjectSize,
    maxMessageBytes: said.maxMessageSizeBytes,
    maxWrites: said.maxWriteBatchSize,
  };
}

/** The id that was given to the replica set or the cluster when it was made: every member has it. */
async function readIdentity(client: MongoClient, kind: 'replicaSet' | 'sharded'): Promise<SystemIdentity> {
  if (kind === 'sharded') {
    const found = await orRefused(() => client.db('config').collection('version').findOne({}));
    return hexOf(found?.clusterId);
  }
  const answer = await orRefused(() => client.db('admin').command({ replSetGetConfig: 1 }));
  return hexOf(answer?.config?.settings?.replicaSetId);
}

/** Undefined if the server answers that it has no such command, or refuses it to this user. */
async function orRefused(ask: () => Promise<Document | null>): Promise<Document | undefined> {
  try {
    return (await ask()) ?? undefined;
  } catch (thrown) {
    if (!(thrown instanceof Error) || !('code' in thrown) || typeof thrown.code !== 'number') throw thrown;
    return undefined;
  }
}

function hexOf(id: unknown): SystemIdentity {
  const text = String(id ?? '');
  return /^[0-9a-f]{24}$/.test(text) ? [text] : [];
}
