import { BSON, type ClientSession, type Document, MongoClient } from 'mongodb';
import type { TestSession } from '../kit/systems.ts';

/** Values keep the type that they have in the database. */
const exactValues = {
  promoteValues: false,
  promoteLongs: false,
  promoteBuffers: false,
  bsonRegExp: true,
} as const;

/** Stands for the time of the client when the command is sent. */
export const nowLiteral = '{"$now":1}';

/**
 * A session of MongoDB. A statement is a command as Extended JSON; rows are documents as Extended JSON. The name of a database that
 * `renameCollection` needs is added here.
 */
export async function documentSession(url: string): Promise<TestSession> {
  const client = new MongoClient(url, { serverMonitoringMode: 'poll', maxPoolSize: 2 });
  const name = new URL(url).pathname.slice(1);
  const state: { session: ClientSession | undefined } = { session: undefined };
  const end = async (how: 'commitTransaction' | 'abortTransaction') => {
    const { session } = state;
    state.session = undefined;
    try {
      await session?.[how]();
    } finally {
      await session?.endSession();
    }
  };
  return {
    async query(text) {
      if (text === 'BEGIN') {
        state.session = client.startSession();
        state.session.startTransaction();
      } else if (text === 'COMMIT') await end('commitTransaction');
      else if (text === 'ROLLBACK') await end('abortTransaction');
      else return await run(client, name, text, state.session);
      return [];
    },
    async close() {
      await end('abortTransaction').catch(() => {});
      await client.close(true);
    },
  };
}

async function run(
  client: MongoClient,
  database: string,
  text: string,
  session: ClientSession | undefined,
): Promise<readonly (readonly string[])[]> {
  const now = `{"$date":{"$numberLong":"${Date.now()}"}}`;
  const command = BSON.EJSON.parse(text.replaceAll(nowLiteral, now), { relaxed: false }) as Document;
  if (typeof command.renameCollection === 'string') {
    const { renameCollection, to } = command;
    await client
      .db('admin')
      .command({ renameCollection: `${database}.${renameCollection}`, to: `${database}.${to}` });
    return [];
  }
  const answer = await client.db(database).command(command, { ...exactValues, ...(session && { session }) });
  requireWritten(answer);
  const documents: readonly Document[] = answer.cursor?.firstBatch ?? [];
  return documents.map((each) => [BSON.EJSON.stringify(each, { relaxed: false })]);
}

/** The answer to a write succeeds even if the server refused some of its documents. */
function requireWritten({ writeErrors }: Document): void {
  const [first] = (writeErrors ?? []) as readonly Document[];
  if (first) throw new Error(`${first.code}: ${first.errmsg}`);
}
