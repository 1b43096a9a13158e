import assert from 'node:assert/strict';
import { existsSync } from 'node:fs';
import { test } from 'node:test';
import { Kafka, logLevel } from 'kafkajs';
import { kafka } from '../servers.ts';

test('three brokers keep a message through the death of one, and leave nothing', async () => {
  const server = await kafka({ brokers: 3 });
  // Another broker takes over only after the session of the dead one has ended.
  const retry = { initialRetryTime: 200, maxRetryTime: 1_000, retries: 90 };
  const client = new Kafka({ brokers: [...server.brokers], logLevel: logLevel.NOTHING, retry });
  const admin = client.admin();
  const producer = client.producer();
  try {
    await Promise.all([admin.connect(), producer.connect()]);
    await admin.createTopics({ topics: [{ topic: 't', numPartitions: 3 }], waitForLeaders: true });
    await server.processes[0]?.kill();
    for (const partition of [0, 1, 2])
      await producer.send({ topic: 't', acks: -1, messages: [{ partition, value: 'm' }] });
    await server.processes[0]?.restart();
    const offsets = await admin.fetchTopicOffsets('t');
    assert.deepEqual(offsets.map(({ high }) => high).toSorted(), ['1', '1', '1']);
  } finally {
    await Promise.all([admin.disconnect(), producer.disconnect()]);
    await server.stop();
  }
  assert.ok(server.processes.every(({ folder }) => !existsSync(folder)));
});

test('a user has only the rights that were granted', async () => {
  const server = await kafka({ sasl: 'SCRAM-SHA-512', tls: true, users: { alice: 'secret' } });
  const as = (username: string, password: string) =>
    new Kafka({
      brokers: [...server.brokers],
      logLevel: logLevel.NOTHING,
      ssl: { rejectUnauthorized: false },
      sasl: { mechanism: 'scram-sha-512', username, password },
    }).admin();
  const [admin, alice] = [as('admin', server.password), as('alice', 'secret')];
  try {
    await Promise.all([admin.connect(), alice.connect()]);
    await admin.createTopics({ topics: [{ topic: 't' }], waitForLeaders: true });
    assert.deepEqual(await alice.listTopics(), []);
    await server.acls('--add', '--allow-principal', 'User:alice', '--operation', 'Describe', '--topic', 't');
    assert.deepEqual(await alice.listTopics(), ['t']);
  } finally {
    await Promise.all([admin.disconnect(), alice.disconnect()]);
    await server.stop();
  }
});
