import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { noSignal, openReader, type TestMessage, testBroker } from '../test-harness.ts';

const broker = testBroker();

async function topicWith(messages: readonly TestMessage[], config = {}): Promise<string> {
  const topic = broker.newTopic();
  await broker.client.create(topic, 1, config);
  // A broker takes at most a megabyte at once by default.
  for (let from = 0; from < messages.length; from += 10)
    await broker.client.send(topic, messages.slice(from, from + 10));
  return topic;
}

const rows = (count: number, body = 'row'): readonly TestMessage[] =>
  Array.from({ length: count }, (_, index) => ({
    key: JSON.stringify({ id: index + 1 }),
    value: JSON.stringify({ id: index + 1, body }),
  }));

describe('lost history', () => {
  const lost = { code: 'StreamHistoryLost', disposition: 'permanent' };

  test('messages that were deleted before they were read', async () => {
    const topic = await topicWith(rows(10));
    const { pass, source } = await openReader(
      broker.access(),
      { topic },
      { limits: { maxRows: 4, maxBytes: 8 << 20 } },
    );
    const { batches } = await pass();
    const four = batches[0]?.offset ?? null;
    await broker.client.deleteBelow(topic, '7');
    await assert.rejects(pass(four), {
      ...lost,
      message: /begins at offset 7 .* from 4 on .* up to 3 are lost/,
    });
    assert.equal((await pass(batches[1]?.offset ?? null)).rows.length, 2);
    await source.close();
  });

  test('a topic that was created again', async () => {
    const topic = await topicWith(rows(3));
    const { pass, source } = await openReader(broker.access(), { topic });
    const first = await pass();
    await broker.client.admin.deleteTopics({ topics: [topic] });
    await broker.client.create(topic);
    await broker.client.send(topic, rows(9));
    await assert.rejects(pass(first.offset), { ...lost, message: /deleted and created again/ });
    await source.close();
  });

  test('an offset that the topic does not have', async () => {
    const topic = await topicWith(rows(3));
    const { pass, source } = await openReader(broker.access(), { topic });
    const token = JSON.stringify({ topics: { [topic]: { offsets: [99] } } });
    await assert.rejects(pass({ mode: 'Stream', token }), { ...lost, message: /ends at offset 3/ });
    await assert.rejects(pass({ mode: 'Stream', token: 'x' }), { code: 'OffsetInvalid' });
    await source.close();
  });

  test('messages that are deleted while a pass reads', async () => {
    const topic = await topicWith(rows(60, 'x'.repeat(30_000)));
    const limits = { maxRows: 1, maxBytes: 65_536 };
    const { request, source } = await openReader(broker.access(), { topic }, { limits });
    const reading = source.read(request, noSignal);
    assert.equal((await reading.next()).done, false);
    await broker.client.deleteBelow(topic, '59');
    const rest = async () => {
      for (let isDone = false; !isDone; ) isDone = (await reading.next()).done === true;
    };
    await assert.rejects(rest(), { ...lost, message: /begins at offset 59 now/ });
    await source.close();
  });
});

test('a message that is larger than a batch is a batch of its own', async () => {
  const large = { key: '{"id":2}', value: JSON.stringify({ id: 2, body: 'y'.repeat(5_000_000) }) };
  const [first, , last] = rows(3) as [TestMessage, TestMessage, TestMessage];
  const topic = await topicWith([first, large, last], { 'max.message.bytes': '8000000' });
  const limits = { maxRows: 1_000, maxBytes: 65_536 };
  const { pass, source } = await openReader(broker.access(), { topic }, { limits });
  const { batches, rows: found } = await pass();
  assert.deepEqual(
    batches.map(({ rowCount }) => rowCount),
    [1, 1, 1],
  );
  assert.deepEqual(
    found.map(([id, body]) => [id, String(body).length]),
    [
      [1n, 3],
      [2n, 5_000_000],
      [3n, 3],
    ],
  );
  await source.close();
});
