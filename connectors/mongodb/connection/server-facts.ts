import type { MongoClient } from 'mongodb';
import { z } from 'zod';
import type { SystemIdentity } from '../../../core/connector.ts';
import { readIdentity } from '../identity.ts';

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
