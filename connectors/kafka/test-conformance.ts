import type { Shape, TestEnd, TestRow, TestSpace, TestSystem } from '../../e2e/kit/conformance/harness.ts';
import { kafka } from '../../e2e/kit/servers.ts';
import { definition } from './definition.ts';
import { commitTopic } from './names.ts';
import { accessTo, TestClient } from './test-harness.ts';

const unseen = 'a producer does not see whether there is a row of the key, so every deletion counts';

export const systems: readonly TestSystem[] = [
  {
    name: definition.title,
    definition,
    lacks: {
      query: 'a topic is read as it is',
      slowQuery: 'nothing is computed by the brokers',
      createView: 'there are no views',
      caselessKeys: 'keys are bytes',
      change: 'a topic has no columns; claim.test.ts and source.test.ts delete and create it again',
      changeNothing: 'a topic has nothing beside its messages',
      replaceObject: 'claim.test.ts and source.test.ts have what happens, by the id of the topic',
      openLateRow: 'messages are read in the order of their log; source.test.ts has open transactions',
      countSessions: 'brokers do not list their connections',
      cutSessions: 'brokers do not end connections on request',
      wrongAccess: 'address and password are in other fields, and there is no database: session.test.ts',
      accessWithoutWriting: 'rights are given by commands, not by statements',
      markedRows: 'a message replaces the one before as a whole, so Soft is refused',
      refuseDeletion: 'a message without value is accepted wherever one with a value is',
    },
    waivers: {
      'wrong input: a missing object and an invalid name': 'a name with dots is one name',
      'deletes Hard: rows with the keys of deletions go, others stay, and both are counted': unseen,
      'deletes Hard: the last change of a key in a batch counts, whatever came before it':
        'a topic is a log: each change is a message, and the last one of a key counts for its readers',
      'deletes: many deletions and rows in one batch': unseen,
    },
    hasRawFormat: false,
    open: openSpace,
  },
];

async function openSpace(): Promise<TestSpace> {
  const server = await kafka();
  const client = await new TestClient(server).open();
  const end = endOf(client, accessTo(server));
  const producer = await client.producer();
  /** As somebody else would write the row. */
  const change = async (topic: string, change: object) => {
    const rows = await client.read(commitTopic);
    const row = rows.findLast(({ key }) => JSON.parse(key ?? '{}').table === topic);
    const value = JSON.stringify({ ...JSON.parse(row?.value ?? '{}'), ...change });
    await producer.send({ topic: commitTopic, messages: [{ key: row?.key ?? null, value }] });
  };
  return {
    source: end,
    destination: end,
    abilities: {
      transactions: true,
      storeToken: (topic, token) => change(topic, { token: String(token) }),
      storeOffset: (topic, offset) => change(topic, { offset }),
      storeNewerLayout: (topic) => change(topic, { layout: 99 }),
      async loseHistory(topic) {
        const offsets = await client.admin.fetchTopicOffsets(topic);
        const partitions = offsets.map(({ partition, high }) => ({ partition, offset: high }));
        await client.admin.deleteTopicRecords({ topic, partitions });
        // Columns are inferred from messages, so that there has to be one.
        await end.insert(topic, [{ id: 99, body: 'later' }]);
      },
      async leftovers() {
        const topics = await client.admin.listTopics();
        return topics.filter((name) => name.startsWith('_idra') && name !== commitTopic);
      },
    },
    async stop() {
      await client.close();
      await server.stop();
    },
  };
}

/** Topics with a message for each row, by its key. */
function endOf(client: TestClient, access: TestEnd['access']): TestEnd {
  const keys = new Map<string, Shape['key']>();
  const keyOf = (topic: string, { id, body }: TestRow) => {
    const key = keys.get(topic) ?? 'id';
    return key === 'none' ? null : JSON.stringify({ [key]: key === 'id' ? id : body });
  };
  const send = async (topic: string, rows: readonly TestRow[]) =>
    await client.send(
      topic,
      rows.map((row) => ({ key: keyOf(topic, row), value: JSON.stringify(row) })),
    );
  return {
    access,
    async create(topic, { key = 'id' }) {
      keys.set(topic, key);
      await client.create(topic, 1);
    },
    insert: send,
    update: (topic, id, body) => send(topic, [{ id, body }]),
    delete: (topic, id) => client.send(topic, [{ key: JSON.stringify({ id }), value: null }]),
    async rows(topic) {
      const rows = new Map<string, string>();
      for (const { key, value, partition, offset } of await client.read(topic)) {
        const name = key ?? `${partition}/${offset}`;
        const { id, body } = JSON.parse(value ?? '{}') as { readonly id?: number; readonly body?: string };
        if (value === null) rows.delete(name);
        else rows.set(name, `${id} ${body ?? ''}`);
      }
      return [...rows.values()].toSorted(new Intl.Collator('en', { numeric: true }).compare);
    },
  };
}
