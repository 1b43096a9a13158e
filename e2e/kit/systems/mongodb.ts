import { BSON, type Collection, type Document, MongoClient } from 'mongodb';
import { type MongodbServer, mongodb, mongodbMemory, ServerMissing } from '../servers.ts';
import { secretManifest, systemManifest } from './manifests.ts';
import type { TestEnd } from './test-database.ts';

/** One empty database of a MongoDB. */
export interface TestCollections extends TestEnd<'mongodb'> {
  /** Whether a write of Idra is one transaction, so that its guarantee is exactly once. */
  readonly hasTransactions: boolean;
  /** Values keep their BSON type: an int64 is a Long, not a number. */
  collection(name: string): Collection<Document & { _id: unknown }>;
  /** Every document as canonical extended JSON, its fields in their order, sorted by _id as text. */
  documents(collection: string): Promise<readonly string[]>;
  close(): Promise<void>;
}

/** `Any`: with transactions if this machine has such a server, else the one in memory. */
export type MongodbKind = 'WithTransactions' | 'InMemory' | 'Any';

export async function startMongodb(kind: MongodbKind): Promise<MongodbServer> {
  if (kind === 'InMemory') return await mongodbMemory();
  try {
    return await mongodb();
  } catch (error) {
    if (kind === 'Any' && error instanceof ServerMissing) return await mongodbMemory();
    throw error;
  }
}

/** Values of every BSON type as they are. */
const exactValues = {
  promoteValues: false,
  promoteLongs: false,
  promoteBuffers: false,
  bsonRegExp: true,
} as const;

export async function createCollections(server: MongodbServer): Promise<TestCollections> {
  const name = server.createDatabase();
  const client = new MongoClient(server.adminUrl, { serverMonitoringMode: 'poll', maxPoolSize: 5 });
  const collection: TestCollections['collection'] = (each) => client.db(name).collection(each, exactValues);
  return {
    system: 'mongodb',
    // The server in memory has no users.
    hasTransactions: server.user !== undefined,
    tableName: (each) => each,
    object: (each) => ({ collection: each }),
    manifest: (dataSource) => manifest(dataSource, name, server),
    collection,
    documents: async (each) => (await collection(each).find().toArray()).map(extendedJson).sort(),
    close: () => client.close(true),
  };
}

/** With the type of every value. */
export function extendedJson(document: Document): string {
  return BSON.EJSON.stringify(document, { relaxed: false });
}

function manifest(name: string, database: string, { host, port, user, password }: MongodbServer): string {
  const login =
    user === undefined ? '' : `, user: ${user}, passwordSecretRef: { name: ${name}, key: password }`;
  const secret = password === undefined ? '' : secretManifest(name, password);
  return (
    secret +
    systemManifest(
      name,
      `mongodb: { hosts: ["${host}:${port}"], database: ${database}, tls: { mode: Disable }${login} }`,
    )
  );
}
