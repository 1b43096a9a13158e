import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import type { Column } from '../../../core/values.ts';
import { ApiServer } from '../../../e2e/kit/api/api-server.ts';
import { type KafkaServer, kafka, type SchemaRegistry, schemaRegistry } from '../../../e2e/kit/servers.ts';
import { accessTo, idColumn, openReader, openWriter, TestClient } from '../test-harness.ts';
import { AvroWriter } from '../types/avro-encode.ts';

let server: KafkaServer;
let registry: SchemaRegistry;
let client: TestClient;
before(async () => {
  [server, registry] = await Promise.all([kafka(), schemaRegistry()]);
  client = await new TestClient(server).open();
});
after(async () => {
  await client?.close();
  await Promise.all([server?.stop(), registry?.stop()]);
});

const access = () => accessTo(server, { schemaRegistry: { url: registry.url, tls: { mode: 'Disable' } } });
const column = (name: string, type: Column['type']): Column => ({
  name,
  type,
  nativeType: name,
  isNullable: true,
});
const price = column('price', { kind: 'decimal', precision: 10, scale: 2 });
const at = column('at', { kind: 'timestamp', precision: 6, hasZone: true });

test('Avro is written with its schemas, evolves with the columns, and is read with their types', async () => {
  const object = { topic: 'orders', format: 'Avro', partitions: 1 };
  const key = { key: ['id'] };
  const first = await openWriter(access(), object, [idColumn, price], key);
  await first.claim();
  await first.write(
    [
      [1n, '12.50'],
      [2n, null],
    ],
    '2',
  );
  await first.destination.close();
  const second = await openWriter(access(), object, [idColumn, price, at], key);
  await second.claim();
  await second.write(
    [
      [3n, '-0.01', '2026-11-24 08:00:00.123456Z'],
      [1n, null, null],
    ],
    '4',
    [1],
  );
  await second.destination.close();
  assert.deepEqual(await registry.call('GET', '/subjects/orders-value/versions'), [1, 2]);

  const { relation, pass, source } = await openReader(
    access(),
    { topic: 'orders', format: 'Avro' },
    { wantsDeletions: true },
  );
  assert.deepEqual(
    relation.columns.map(({ name, nativeType, isNullable }) => [name, nativeType, isNullable]),
    [
      ['id', 'int64', false],
      ['price', 'decimal(10,2)', true],
      ['at', 'timestamp with time zone', true],
    ],
  );
  const { rows, batches } = await pass();
  assert.deepEqual(rows, [
    [1n, '12.50', null],
    [2n, null, null],
    [3n, '-0.01', '2026-11-24 08:00:00.123456Z'],
    [1n, null, null],
  ]);
  assert.ok(batches[0] && 'rows' in batches[0].rows);
  assert.deepEqual(batches[0].rows.deletions, [3]);
  await source.close();

  const wrong = await openWriter(access(), object, [idColumn, column('price', { kind: 'boolean' })], key);
  await assert.rejects(wrong.claim(), { code: 'SchemaIncompatible', message: /orders-value/ });
  await wrong.destination.close();
});

test('what an older schema wrote has the names and defaults of the latest one', async () => {
  const register = async (fields: readonly object[]) => {
    const schema = JSON.stringify({ type: 'record', name: 'r', fields });
    const { id } = (await registry.call('POST', '/subjects/renamed-value/versions', { schema })) as {
      id: number;
    };
    return id;
  };
  const older = await register([{ name: 'old', type: 'int' }]);
  await register([
    { name: 'new', type: 'int', aliases: ['old'], default: 0 },
    { name: 'added', type: 'string', default: 'd' },
  ]);
  await client.create('renamed');
  const writer = new AvroWriter();
  writer.byte(0);
  writer.int32(older);
  writer.long(7);
  const unknown = Buffer.from([0, 0, 0, 0x7f, 0x7f, 1]);
  await client.send('renamed', [{ value: writer.bytes() }, { value: unknown }, { value: 'no Avro' }]);
  const { pass, source } = await openReader(access(), { topic: 'renamed', format: 'Avro' });
  const { rows, batches } = await pass();
  assert.deepEqual(rows, [[7, 'd']]);
  const misfits = batches.flatMap((batch) => batch.misfits?.rejections ?? []);
  assert.deepEqual(
    misfits.map(({ code, row }) => [code, row]),
    [1, 2].map((offset) => ['RecordUnreadable', `topic renamed, partition 0, offset ${offset}`]),
  );
  await source.close();
});

test('events of Debezium in Avro are rows and deletions, with the types of the database', async () => {
  const register = async (subject: string, schema: object) => {
    const answer = await registry.call('POST', `/subjects/${subject}/versions`, {
      schema: JSON.stringify(schema),
    });
    return (answer as { id: number }).id;
  };
  const total = { type: 'bytes', logicalType: 'decimal', precision: 10, scale: 2 };
  const at = { type: 'long', 'connect.name': 'io.debezium.time.MicroTimestamp' };
  const value = {
    ...{ type: 'record', name: 'Value', namespace: 'shop' },
    fields: [
      { name: 'id', type: 'int' },
      { name: 'total', type: ['null', total], default: null },
      { name: 'at', type: ['null', at], default: null },
    ],
  };
  const source = { type: 'record', name: 'Source', fields: [{ name: 'ts_ms', type: 'long' }] };
  const ofEvent = await register('events-value', {
    ...{ type: 'record', name: 'Envelope', namespace: 'shop' },
    fields: [
      { name: 'before', type: ['null', value], default: null },
      { name: 'after', type: ['null', 'Value'], default: null },
      { name: 'source', type: source },
      { name: 'op', type: 'string' },
    ],
  });
  const ofKey = await register('events-key', {
    ...{ type: 'record', name: 'Key', namespace: 'shop' },
    fields: [{ name: 'id', type: 'int' }],
  });
  const avro = (schema: number, write: (to: AvroWriter) => void) => {
    const to = new AvroWriter();
    to.byte(0);
    to.int32(schema);
    write(to);
    return to.bytes();
  };
  const row = (to: AvroWriter, id: number | undefined) => {
    to.long(id === undefined ? 0 : 1);
    if (id === undefined) return;
    to.long(id);
    to.long(1);
    to.data(Buffer.from([0x04, 0xd2]));
    to.long(1);
    to.long(1_700_000_000_123_456n);
  };
  const event = (op: string, id: number, before?: number, after?: number) => ({
    key: avro(ofKey, (to) => to.long(id)),
    value: avro(ofEvent, (to) => {
      row(to, before);
      row(to, after);
      to.long(1_700_000_000_123);
      to.text(op);
    }),
  });
  await client.create('events');
  // Of the deletion of 2 the database did not log the row, so its key is that of the message.
  await client.send('events', [
    event('d', 9),
    event('c', 1, undefined, 1),
    event('u', 1, 1, 1),
    event('d', 1, 1),
    // For compaction: says nothing new.
    { key: avro(ofKey, (to) => to.long(1)), value: null },
    event('d', 2),
  ]);
  const object = { topic: 'events', format: 'Avro', envelope: 'Debezium' as const, key: ['id'] };
  const { pass, source: reader, relation } = await openReader(access(), object, { wantsDeletions: true });
  assert.deepEqual(
    relation.columns.map(({ name, nativeType }) => [name, nativeType]),
    [
      ['id', 'int32'],
      ['total', 'decimal(10,2)'],
      ['at', 'timestamp'],
    ],
  );
  const { rows, batches } = await pass();
  const full = [1, '12.34', '2023-11-14 22:13:20.123456'];
  const gone = (id: number) => [id, null, null];
  assert.deepEqual(rows, [gone(9), full, full, gone(1), gone(2)]);
  assert.ok(batches[0] && 'rows' in batches[0].rows);
  assert.deepEqual(batches[0].rows.deletions, [0, 3, 4]);
  assert.equal(batches[0].misfits, undefined);
  await reader.close();
});

test('a registry that is not one, or cannot be reached', async () => {
  await client.create('other');
  const open = (url: string) =>
    openReader(accessTo(server, { schemaRegistry: { url, tls: { mode: 'Disable' } } }), {
      topic: 'other',
      format: 'Avro',
    });
  await assert.rejects(open('http://127.0.0.1:1'), {
    disposition: 'transient',
    path: 'spec.kafka.schemaRegistry.url',
  });
  // A 404 that is not of a registry says nothing about its schemas.
  const other = await ApiServer.start();
  await assert.rejects(open(other.url), { code: 'ProtocolBroken', path: 'spec.kafka.schemaRegistry.url' });
  await other.stop();
  const none = openReader(accessTo(server), { topic: 'other', format: 'Avro' });
  await assert.rejects(none, { code: 'ManifestInvalid', path: 'spec.kafka.schemaRegistry' });
});
