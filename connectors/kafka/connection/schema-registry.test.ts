import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import type { Column } from '../../../core/values.ts';
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
  const none = openReader(accessTo(server), { topic: 'other', format: 'Avro' });
  await assert.rejects(none, { code: 'ManifestInvalid', path: 'spec.kafka.schemaRegistry' });
});
