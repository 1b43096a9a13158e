import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { CompressionTypes } from 'kafkajs';
import type { Offset } from '../../../core/offset.ts';
import { until } from '../../../e2e/kit/wait.ts';
import { openReader, readPass, type TestMessage, testBroker } from '../test-harness.ts';

const broker = testBroker();

async function topicWith(messages: readonly TestMessage[], partitions = 1, config = {}): Promise<string> {
  const topic = broker.newTopic();
  await broker.client.create(topic, partitions, config);
  if (messages.length > 0) await broker.client.send(topic, messages);
  return topic;
}

const row = (id: number, partition = 0): TestMessage => ({
  partition,
  key: JSON.stringify({ id }),
  value: JSON.stringify({ id, body: `row ${id}` }),
});
const rows = (from: number, to: number, partition = 0) =>
  Array.from({ length: to - from + 1 }, (_, index) => row(from + index, partition));

describe('a topic', () => {
  test('is read with inferred columns and the key of its messages, and goes on where it ended', async () => {
    const topic = await topicWith([...rows(1, 3), ...rows(4, 5, 1)], 2);
    const { relation, pass, source } = await openReader(broker.access(), { topic });
    assert.deepEqual(
      relation.columns.map(({ name, nativeType, isNullable }) => [name, nativeType, isNullable]),
      [
        ['id', 'int64', false],
        ['body', 'text', true],
      ],
    );
    assert.deepEqual(
      relation.keys.map(({ columns }) => columns),
      [['id']],
    );
    const first = await pass();
    assert.deepEqual(first.rows.toSorted(), [
      [1n, 'row 1'],
      [2n, 'row 2'],
      [3n, 'row 3'],
      [4n, 'row 4'],
      [5n, 'row 5'],
    ]);
    assert.deepEqual([first.end.isHeldBack, first.end.bound.kind], [false, 'log']);
    assert.deepEqual(first.end.parts, [
      { name: `${topic}/0`, offset: '3', end: '3', waiting: 0 },
      { name: `${topic}/1`, offset: '2', end: '2', waiting: 0 },
    ]);
    assert.deepEqual((await pass(first.offset)).batches, []);
    await broker.client.send(topic, rows(6, 6, 1));
    const second = await pass(first.offset);
    assert.deepEqual(second.rows, [[6n, 'row 6']]);
    assert.ok(source.isAhead?.(tokenOf(first.offset), tokenOf(second.offset)));
    await source.close();
  });

  test('messages between two offsets are counted, at most: as far as the topic still has them', async () => {
    const topic = await topicWith([...rows(1, 3), ...rows(4, 5, 1)], 2);
    const { pass, source, request } = await openReader(broker.access(), { topic });
    const { offset } = await pass();
    const token = (offsets: readonly number[]) => JSON.stringify({ topics: { [topic]: { offsets } } });
    const at = (offsets: readonly number[]): Offset => ({ mode: 'Stream', token: token(offsets) });
    const count = async (after: Offset | null, upTo: Offset | 'end' | null) =>
      await source.countBetween?.({ request: { ...request, after }, upTo }, new AbortController().signal);
    assert.deepEqual(await count(at([1, 2]), offset ?? null), { rows: 2, precision: 'atMost' });
    assert.deepEqual(await count(offset ?? null, at([1, 2])), { rows: 0, precision: 'exact' });
    assert.deepEqual(await count(null, at([9, 9])), { rows: 5, precision: 'atMost' });
    assert.deepEqual(await count(at([1, 2]), 'end'), { rows: 2, precision: 'atMost' });
    await source.close();
  });

  test('is cut into batches, and order is kept in each partition', async () => {
    const messages = [0, 1, 2].flatMap((partition) =>
      rows(partition * 1_000 + 1, partition * 1_000 + 700, partition),
    );
    const topic = await topicWith(messages, 3);
    const { pass, source } = await openReader(
      broker.access(),
      { topic },
      { limits: { maxRows: 250, maxBytes: 6_000 } },
    );
    const { batches, rows: found } = await pass();
    assert.equal(found.length, 2_100);
    assert.ok(batches.every((batch) => batch.rowCount <= 250 && batch.byteCount <= 20_000));
    for (const partition of [0, 1, 2]) {
      const ids = found.map(([id]) => Number(id)).filter((id) => Math.floor(id / 1_000) === partition);
      assert.deepEqual(
        ids,
        Array.from({ length: 700 }, (_, index) => partition * 1_000 + 1 + index),
      );
    }
    // Each batch can be continued from.
    const middle = batches[3];
    assert.ok(middle);
    const rest = await pass(middle.offset);
    assert.equal(rest.rows.length, 2_100 - batches.slice(0, 4).reduce((sum, each) => sum + each.rowCount, 0));
    await source.close();
  });

  for (const compression of ['gzip', 'snappy', 'lz4', 'zstd'] as const) {
    test(`as the brokers compress it: ${compression}`, async () => {
      const topic = await topicWith(rows(1, 500), 1, { 'compression.type': compression });
      const { pass, source } = await openReader(broker.access(), { topic });
      assert.equal((await pass()).rows.length, 500);
      await source.close();
    });
  }

  test('compressed by its producer', async () => {
    const topic = await topicWith([]);
    const producer = await broker.client.producer();
    await producer.send({ topic, compression: CompressionTypes.GZIP, messages: rows(1, 9) as never });
    const { pass, source } = await openReader(broker.access(), { topic });
    assert.equal((await pass()).rows.length, 9);
    await source.close();
  });

  test('aborted transactions do not count, and an open one holds back what is behind it', async () => {
    const topic = await topicWith(rows(1, 2));
    const producer = await broker.client.producer({ transactionalId: `x-${topic}` });
    const send = async (id: number, end: 'commit' | 'abort') => {
      const transaction = await producer.transaction();
      await transaction.send({ topic, messages: [row(id)] as never });
      await transaction[end]();
    };
    await send(3, 'commit');
    await send(4, 'abort');
    await send(5, 'commit');
    const { pass, source, request } = await openReader(broker.access(), { topic });
    // A broker answers a commit before every partition has its end.
    const ended = (reading: () => ReturnType<typeof pass>) =>
      until(
        async () => {
          const read = await reading();
          return !read.end.isHeldBack && read;
        },
        { what: 'the end of the transactions' },
      );
    const first = await ended(() => pass());
    assert.deepEqual(
      first.rows.map(([id]) => id),
      [1n, 2n, 3n, 5n],
    );
    const open = await producer.transaction();
    await open.send({ topic, messages: [row(6)] as never });
    await broker.client.send(topic, rows(7, 7));
    const held = await pass(first.offset);
    assert.deepEqual([held.rows.length, held.end.isHeldBack], [0, true]);
    assert.match(held.end.bound.heldBackBy?.what ?? '', /open transaction/);
    assert.equal(held.end.parts?.[0]?.waiting, 2);
    await open.commit();
    // What came after the first pass that was held back does not count.
    const next = { ...request, after: first.offset, mark: held.end.mark ?? '' };
    const later = await ended(() => readPass(source, next));
    assert.deepEqual(
      later.rows.map(([id]) => id),
      [6n, 7n],
    );
    await source.close();
  });

  test('messages without value are deletions by their key, where they are wanted', async () => {
    const topic = await topicWith([row(1), row(2), { key: '{"id":1}', value: null, partition: 0 }, row(3)]);
    const wanted = await openReader(broker.access(), { topic }, { wantsDeletions: true });
    const { batches } = await wanted.pass();
    const [batch] = batches;
    assert.ok(batch && 'rows' in batch.rows);
    assert.deepEqual([...(batch.rows.deletions ?? [])], [2]);
    assert.deepEqual(batch.rows.rows.at(2), [1n, null]);
    await wanted.source.close();
    const ignored = await openReader(broker.access(), { topic });
    assert.deepEqual(
      (await ignored.pass()).rows.map(([id]) => id),
      [1n, 2n, 3n],
    );
    await ignored.source.close();
  });

  test('what cannot be read is a misfit with topic, partition and offset', async () => {
    const bad: TestMessage[] = [
      { value: 'no json', key: '{"id":8}' },
      { value: '{"id":"x"}', key: '{"id":9}' },
      { value: Buffer.from([0xff]), key: '{"id":9}' },
      { value: '5', key: '{"id":9}' },
      { value: null, key: null },
    ];
    const topic = await topicWith([row(1), ...bad.map((each) => ({ ...each, partition: 0 })), row(2)]);
    const columns = [
      { name: 'id', path: 'id', type: 'int64', nullable: false },
      { name: 'body', path: 'body', type: 'text', nullable: true },
    ];
    const object = { topic, columns, key: ['id'] };
    const { pass, source } = await openReader(broker.access(), object, { wantsDeletions: true });
    const { batches, rows: found } = await pass();
    assert.deepEqual(
      found.map(([id]) => id),
      [1n, 2n],
    );
    const misfits = batches.flatMap((batch) => batch.misfits?.rejections ?? []);
    assert.deepEqual(
      misfits.map(({ code, row: at }) => [code, at]).toSorted(),
      [1, 2, 3, 4, 5]
        .map((offset) => [
          offset === 2 ? 'RecordMisfit' : 'RecordUnreadable',
          `topic ${topic}, partition 0, offset ${offset}`,
        ])
        .toSorted(),
    );
    await source.close();
  });

  test('metadata and raw messages', async () => {
    const messages = [
      { key: 'k', value: 'v', partition: 0, timestamp: '1700000000123', headers: { a: 'b' } },
    ];
    const topic = await topicWith(messages);
    const raw = await openReader(broker.access(), { topic, format: 'Raw' });
    assert.deepEqual((await raw.pass()).rows, [
      [
        topic,
        0,
        0n,
        '2023-11-14 22:13:20.123Z',
        Buffer.from('k'),
        Buffer.from('v'),
        '[{"name":"a","value":"b"}]',
      ],
    ]);
    await raw.source.close();
    const columns = [{ name: 'all', path: '', type: 'text', nullable: true }];
    const json = await topicWith([{ value: '"text"', key: null, partition: 0, timestamp: '5' }]);
    const metadata = ['partition', 'offset', 'timestamp', 'key', 'topic'];
    const { pass, source, relation } = await openReader(broker.access(), { topic: json, columns, metadata });
    assert.deepEqual((await pass()).rows, [['text', 0, 0n, '1970-01-01 00:00:00.005Z', null, json]]);
    assert.deepEqual(relation.keys[0]?.columns, ['_topic', '_partition', '_offset']);
    await source.close();
  });
});

describe('where a Sync begins', () => {
  test('latest and a time, and that is remembered', async () => {
    const at = Math.floor(Date.now() / 1_000) * 1_000 - 60_000;
    const old = rows(1, 2).map((each) => ({ ...each, timestamp: String(at - 1) }));
    const topic = await topicWith([...old, { ...row(3), timestamp: String(at) }]);
    const latest = await openReader(broker.access(), { topic, startFrom: 'Latest' });
    const first = await latest.pass();
    assert.deepEqual([first.batches.length, first.rows.length], [1, 0]);
    await broker.client.send(topic, rows(4, 4));
    assert.deepEqual(
      (await latest.pass(first.offset)).rows.map(([id]) => id),
      [4n],
    );
    await latest.source.close();
    const since = await openReader(broker.access(), { topic, startFrom: new Date(at).toISOString() });
    assert.deepEqual(
      (await since.pass()).rows.map(([id]) => id),
      [3n, 4n],
    );
    await since.source.close();
  });

  test('a partition that is added, and a topic that begins to match, are read from their beginning', async () => {
    const topic = await topicWith(rows(1, 2));
    const { pass, source } = await openReader(broker.access(), { topic: `${topic}*` });
    const first = await pass();
    await broker.client.admin.createPartitions({ topicPartitions: [{ topic, count: 3 }] });
    await broker.client.create(`${topic}x`);
    await broker.client.send(topic, rows(3, 3, 2));
    await broker.client.send(`${topic}x`, rows(4, 4));
    const second = await pass(first.offset);
    assert.deepEqual(second.rows.map(([id]) => id).toSorted(), [3n, 4n]);
    assert.ok(source.isAhead?.(tokenOf(first.offset), tokenOf(second.offset)));
    await source.close();
  });
});

test('a missing topic and an invalid name', async () => {
  const path = 'spec.source.topic';
  await assert.rejects(openReader(broker.access(), { topic: 'missing' }), { code: 'TableNotFound', path });
  await assert.rejects(openReader(broker.access(), { topic: 'missing-*' }), { code: 'TableNotFound', path });
  await assert.rejects(openReader(broker.access(), { topic: 'a b' }), { code: 'NameInvalid', path });
  const empty = await topicWith([]);
  await assert.rejects(openReader(broker.access(), { topic: empty }), { code: 'ColumnsNotInferred' });
});

test('positions are committed to a group for other tools', async () => {
  const topic = await topicWith(rows(1, 3));
  const { pass, source } = await openReader(broker.access(), { topic, consumerGroup: 'shown' });
  const { offset } = await pass();
  assert.ok(offset);
  await source.acknowledge(offset);
  const [found] = await broker.client.admin.fetchOffsets({ groupId: 'shown', topics: [topic] });
  assert.deepEqual(
    found?.partitions.map((each) => each.offset),
    ['3'],
  );
  await source.close();
});

function tokenOf(offset: Awaited<ReturnType<typeof readPass>>['offset']): string {
  assert.ok(offset?.mode === 'Stream');
  return offset.token;
}
