import type { Document, MongoClient } from 'mongodb';
import type { SystemIdentity } from '../../core/connector.ts';

/** The id that was given to the replica set or the cluster when it was made: every member has it. */
export async function readIdentity(
  client: MongoClient,
  kind: 'replicaSet' | 'sharded',
): Promise<SystemIdentity> {
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
