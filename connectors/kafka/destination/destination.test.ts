import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import type { Column } from '../../../core/values.ts';
import {
  bodyColumn,
  idColumn,
  noSignal,
  numberedRows,
  openReader,
  openWriter,
  testBroker,
} from '../test-harness.ts';
import { codecs } from '../types/compression.ts';
import { partitionOf } from '../types/murmur2.ts';

const broker = testBroker();
const { newTopic } = broker;
const columns = [idColumn, bodyColumn];
const keyed = { key: ['id'] };
const rowsOf = numberedRows;

describe('messages', () => {
  test('a claim creates the topic, and rows, deletions and the offset become visible together', async () => {
    const topic = newTopic();
    const object = {
      topic,
      partitions: 3,
      topicConfig: { 'cleanup.policy': 'compact' },
      messageHeaders: true,
    };
    const { destination, claim, write } = await openWriter(broker.access(), object, columns, keyed);
    assert.equal(destination.guarantee, 'ExactlyOnce');
    const row = await claim();
    assert.deepEqual([row.token, row.offset, row.rows], [1n, null, 0]);
    const result = await write([...rowsOf(1, 20), [7n, null]], '20', [20]);
    assert.deepEqual([result.written, result.deleted, result.totalRows], [20, 1, 20]);
    const seen = await broker.client.read(topic);
    assert.equal(seen.length, 21);
    for (const { key, partition, headers } of seen) {
      assert.equal(partition, partitionOf(Buffer.from(key ?? ''), 3));
      assert.equal(headers['idra-sync'], 'test/sync');
      assert.match(headers['idra-offset'] ?? '', /"20"/);
    }
    const seven = seen.filter(({ key }) => key === '{"id":7}');
    assert.deepEqual(
      seven.map(({ value }) => value),
      ['{"id":7,"body":"row 7"}', null],
    );
    const [stored] = await destination.commitRows(`uid-${topic}`, noSignal);
    assert.deepEqual([stored?.rows, JSON.parse(stored?.offset ?? '').id], [20, '20']);
    assert.ok(await destination.hasRows(noSignal));
    await destination.close();
  });

  for (const compression of Object.keys(codecs)) {
    test(`compressed by ${compression} are what other clients read`, async () => {
      const topic = newTopic();
      // The broker unpacks what arrives, and packs it again in a form that the driver reads.
      const object = {
        topic,
        compression,
        partitions: 1,
        topicConfig: { 'compression.type': 'gzip' },
        messageBatch: '8Ki',
      };
      const { destination, claim, write } = await openWriter(broker.access(), object, columns, keyed);
      await claim();
      await write(rowsOf(1, 500), '500');
      const seen = await broker.client.read(topic);
      assert.deepEqual(
        seen.map(({ value }) => JSON.parse(value ?? '').id),
        rowsOf(1, 500).map(([id]) => Number(id)),
      );
      await destination.close();
    });
  }

  test('numbers as text, rows without key, and raw messages', async () => {
    const text = newTopic();
    const one = await openWriter(
      broker.access(),
      { topic: text, numbersAsText: true, partitions: 2 },
      columns,
      { writeMode: 'Append' },
    );
    await one.claim();
    await one.write([[2n ** 60n, 'x']], '1');
    assert.deepEqual(
      (await broker.client.read(text)).map(({ key, value }) => [key, value]),
      [[null, '{"id":"1152921504606846976","body":"x"}']],
    );
    await one.destination.close();
    const raw = newTopic();
    const bytes: Column[] = ['key', 'value'].map((name) => ({
      name,
      type: { kind: 'bytes' },
      nativeType: 'bytes',
      isNullable: true,
    }));
    const two = await openWriter(broker.access(), { topic: raw, format: 'Raw' }, bytes, { key: ['key'] });
    await two.claim();
    await two.write(
      [
        [Buffer.from('k'), Buffer.from('v')],
        [null, null],
      ],
      '1',
    );
    assert.deepEqual(
      (await broker.client.read(raw)).map(({ key, value }) => [key, value]).toSorted(),
      [
        [null, null],
        ['k', 'v'],
      ].toSorted(),
    );
    await two.destination.close();
    const wrong = await openWriter(broker.access(), { topic: newTopic(), format: 'Raw' }, columns);
    await assert.rejects(wrong.claim(), { code: 'TypeNotKept' });
    await wrong.destination.close();
  });

  test('a row that is too large or has no JSON is refused, or skipped and counted', async () => {
    const topic = newTopic();
    const price: Column = {
      name: 'price',
      type: { kind: 'float', bits: 64 },
      nativeType: 'float8',
      isNullable: true,
    };
    const object = { topic, topicConfig: { 'max.message.bytes': '20000' } };
    const stop = await openWriter(broker.access(), object, [...columns, price], keyed);
    await stop.claim();
    await assert.rejects(stop.write([[1n, 'a', Number.NaN]], '1'), {
      code: 'ValueNotKept',
      message: /id 1, column price/,
    });
    await assert.rejects(stop.write([[1n, 'a'.repeat(30_000), 1]], '1'), {
      code: 'RowTooLarge',
      message: /id 1/,
    });
    await stop.destination.close();
    const skip = await openWriter(broker.access(), object, [...columns, price], {
      ...keyed,
      onError: 'Skip',
    });
    await skip.claim();
    const result = await skip.write(
      [
        [1n, 'a', Number.NaN],
        [2n, 'b', 1.5],
        [3n, 'c'.repeat(30_000), 1],
      ],
      '3',
    );
    assert.deepEqual(
      [result.written, result.rejected, result.rejections.map(({ row }) => row)],
      [1, 2, ['id 1', 'id 3']],
    );
    assert.deepEqual(
      (await broker.client.read(topic)).map(({ value }) => value),
      ['{"id":2,"body":"b","price":1.5}'],
    );
    await skip.destination.close();
  });
});

test('from topic to topic messages travel as they are', async () => {
  const [from, to] = [newTopic(), newTopic()];
  await broker.client.create(from, 2);
  const messages = [
    {
      key: Buffer.from([0, 255]),
      value: Buffer.from([1, 2]),
      partition: 0,
      headers: { a: 'b' },
      timestamp: '1700000000123',
    },
    { key: null, value: 'x', partition: 1 },
  ];
  await broker.client.send(from, messages);
  const reader = await openReader(broker.access(), { topic: from, isWhole: true });
  const writer = await openWriter(broker.access(), { topic: to, partitions: 1 }, reader.relation.columns, {
    key: ['key'],
  });
  const [request] = writer.destination.rawRequests(writer.plan);
  assert.ok(request && reader.source.canServe(request, reader.request.columns));
  await writer.claim({ rowFormat: request });
  const whole = await openReader(broker.access(), { topic: from, isWhole: true }, { rowFormat: request });
  for (const batch of (await whole.pass()).batches) await writer.destination.write(batch, noSignal);
  const raw = await openReader(broker.access(), { topic: to, format: 'Raw' });
  const rows = (await raw.pass()).rows.map(([, , , time, key, value, headers]) => [
    time,
    key,
    value,
    headers,
  ]);
  const found = rows.toSorted(([, one], [, other]) => (one === null ? 1 : other === null ? -1 : 0));
  assert.deepEqual(found[0], [
    '2023-11-14 22:13:20.123Z',
    Buffer.from([0, 255]),
    Buffer.from([1, 2]),
    '[{"name":"a","value":"b"}]',
  ]);
  assert.deepEqual(found[1]?.slice(1), [null, Buffer.from('x'), '[]']);
  await Promise.all(
    [reader.source, whole.source, raw.source, writer.destination].map((each) => each.close()),
  );
});

test('a row of an Upsert whose key is NULL is refused: all such rows would have one key', async () => {
  const topic = newTopic();
  const nullable = [{ ...idColumn, isNullable: true }, bodyColumn];
  const more = { ...keyed, onError: 'Skip' } as const;
  const { destination, claim, write } = await openWriter(broker.access(), { topic }, nullable, more);
  await claim();
  const result = await write([...rowsOf(1, 1), [null, 'a']], '2');
  assert.deepEqual([result.written, result.rejected, result.rejections[0]?.column], [1, 1, 'id']);
  assert.equal((await broker.client.read(topic)).length, 1);
  await destination.close();
});
