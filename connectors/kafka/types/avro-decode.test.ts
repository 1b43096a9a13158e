import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { converterOf } from '../../../core/records/convert.ts';
import type { Column, ColumnType, Value } from '../../../core/values.ts';
import { AvroReader, decoderOf } from './avro-decode.ts';
import { AvroWriter, avroRecord, unnameable } from './avro-encode.ts';
import { AvroError, parseAvro } from './avro-schema.ts';
import { isObject, type RecordNode, recordAccess } from './record-node.ts';

const damages = Number(process.env.IDRA_TEST_DAMAGES ?? 300);

const column = (name: string, type: ColumnType): Pick<Column, 'name' | 'type'> => ({ name, type });

const columns = [
  column('flag', { kind: 'boolean' }),
  column('small', { kind: 'int', bits: 16 }),
  column('large', { kind: 'int', bits: 64 }),
  column('unsigned', { kind: 'int', bits: 64, isUnsigned: true }),
  column('float', { kind: 'float', bits: 32 }),
  column('double', { kind: 'float', bits: 64 }),
  column('price', { kind: 'decimal', precision: 38, scale: 10 }),
  column('any', { kind: 'decimal' }),
  column('text', { kind: 'text' }),
  column('bytes', { kind: 'bytes' }),
  column('day', { kind: 'date' }),
  column('clock', { kind: 'time', precision: 6, hasZone: false }),
  column('at', { kind: 'timestamp', precision: 6, hasZone: true }),
  column('local', { kind: 'timestamp', precision: 3, hasZone: false }),
  column('nanos', { kind: 'timestamp', precision: 9, hasZone: false }),
  column('uuid', { kind: 'uuid' }),
  column('json', { kind: 'json' }),
  column('list', { kind: 'array', of: { kind: 'int', bits: 32 } }),
  column('span', { kind: 'interval' }),
];

const full: readonly Value[] = [
  ...[true, -32_768, -(2n ** 63n), 2n ** 64n - 1n, 0.25, Number.NaN],
  ...['-1234567890123456789012345678.0123456789', '0.5', 'ä\u{1f600}', Buffer.from([0, 255])],
  ...['0001-01-01', '23:59:59.999999', '1969-12-31 23:59:59.999999Z', '9999-12-31 23:59:59.999'],
  ...['2026-11-24 08:00:00.123456789', '0123abcd-0000-0000-0000-000000000000', '{"a": 1.50}', [1, null, -1]],
  'P1Y2DT3.5S',
];

function roundTrip(row: readonly Value[]): RecordNode {
  const { schema, write } = avroRecord('my-topic', columns, false);
  const writer = new AvroWriter();
  assert.equal(write(row, writer), undefined);
  const reader = new AvroReader(writer.bytes());
  const node = decoderOf(parseAvro(schema))(reader);
  assert.equal(reader.left, 0);
  return node;
}

describe('Avro', () => {
  test('keeps every value of a canonical type', () => {
    const node = roundTrip(full);
    for (const [index, { name, type }] of columns.entries()) {
      const field = recordAccess.field(node, name);
      assert.ok(field !== undefined, name);
      // JSON travels as its text.
      const convert = converterOf(type.kind === 'json' ? { kind: 'text' } : type, recordAccess);
      const expected = full[index];
      const found = convert(field);
      if (name === 'clock') assert.equal(found, '23:59:59.999999');
      else if (name === 'any') assert.equal(found, '0.5');
      else assert.deepEqual(found, expected, name);
    }
    const empty = roundTrip(columns.map(() => null));
    assert.ok(isObject(empty) && [...empty.values()].every((each) => each === null));
  });

  test('keeps values that are longer than the buffer of the writer', () => {
    const { schema, write } = avroRecord(
      't',
      [column('a', { kind: 'text' }), column('b', { kind: 'int', bits: 64 })],
      false,
    );
    const decode = decoderOf(parseAvro(schema));
    for (let length = 1_000; length < 1_040; length++) {
      const writer = new AvroWriter();
      write(['x'.repeat(length), 2n ** 60n], writer);
      const node = decode(new AvroReader(writer.bytes()));
      assert.equal(recordAccess.json(node), `{"a":"${'x'.repeat(length)}","b":1152921504606846976}`);
    }
  });

  test('refuses what a type of Avro cannot keep, by column', () => {
    const { write } = avroRecord('t', columns, false);
    const wrong: Readonly<Record<string, Value>> = {
      price: 'NaN',
      day: 'infinity',
      at: '0044-03-15 00:00:00Z BC',
    };
    for (const [name, value] of Object.entries(wrong)) {
      const row = columns.map((each) => (each.name === name ? value : null));
      assert.equal(write(row, new AvroWriter())?.column, name);
    }
    assert.deepEqual(unnameable([{ name: 'a_1' }, { name: '1a' }, { name: 'ä' }]), ['1a', 'ä']);
  });

  test('reads the examples of the specification', () => {
    const schema =
      '{"type":"record","name":"test","fields":[{"name":"a","type":"long"},{"name":"b","type":"string"}]}';
    const node = decoderOf(parseAvro(schema))(new AvroReader(Buffer.from('3606666f6f', 'hex')));
    assert.deepEqual(
      node,
      new Map<string, RecordNode>([
        ['a', 27],
        ['b', 'foo'],
      ]),
    );
    const list = decoderOf(parseAvro('{"type":"array","items":"long"}'));
    assert.deepEqual(list(new AvroReader(Buffer.from('04063600', 'hex'))), [3, 27]);
    // The same block with its size in front.
    assert.deepEqual(list(new AvroReader(Buffer.from('0304063600', 'hex'))), [3, 27]);
  });

  test('a text that is not UTF-8 is refused, instead of another one', () => {
    const decode = decoderOf(parseAvro('"string"'));
    assert.equal(decode(new AvroReader(Buffer.from('06efbfbd', 'hex'))), '\ufffd');
    assert.throws(() => decode(new AvroReader(Buffer.from('0461ff', 'hex'))), AvroError);
  });

  test('what an older schema wrote has the names and defaults of the newer one', () => {
    const older = parseAvro(
      '{"type":"record","name":"r","fields":[{"name":"old","type":"int"},{"name":"gone","type":"string"},{"name":"sub","type":{"type":"record","name":"s","fields":[{"name":"x","type":"int"}]}}]}',
    );
    const newer = parseAvro(
      '{"type":"record","name":"r","fields":[{"name":"new","aliases":["old"],"type":"long"},{"name":"added","type":"string","default":"d"},{"name":"sub","type":["null",{"type":"record","name":"s","fields":[{"name":"y","aliases":["x"],"type":"int"},{"name":"z","type":"int","default":7}]}]}]}',
    );
    const bytes = Buffer.from('0c046869 06'.replace(' ', ''), 'hex');
    assert.equal(
      recordAccess.json(decoderOf(older, newer)(new AvroReader(bytes))),
      '{"new":6,"gone":"hi","sub":{"y":3,"z":7},"added":"d"}',
    );
  });

  test('reads records that contain themselves, and types of Connect and Debezium', () => {
    const list =
      '{"type":"record","name":"n","fields":[{"name":"v","type":"int"},{"name":"next","type":["null","n"]}]}';
    const decode = decoderOf(parseAvro(list));
    assert.equal(
      recordAccess.json(decode(new AvroReader(Buffer.from('02020400', 'hex')))),
      '{"v":1,"next":{"v":2,"next":null}}',
    );
    const debezium = `{"type":"record","name":"d","fields":[
      {"name":"day","type":{"type":"int","connect.name":"io.debezium.time.Date"}},
      {"name":"at","type":{"type":"long","connect.name":"io.debezium.time.MicroTimestamp"}},
      {"name":"n","type":{"type":"bytes","scale":2,"precision":5,"connect.name":"org.apache.kafka.connect.data.Decimal","connect.parameters":{"scale":"2"},"logicalType":"decimal"}}]}`;
    const writer = new AvroWriter();
    writer.long(1);
    writer.long(1_500_000n);
    writer.data(Buffer.from([0xfe, 0x0c]));
    const node = decoderOf(parseAvro(debezium))(new AvroReader(writer.bytes()));
    assert.equal(recordAccess.json(node), '{"day":"1970-01-02","at":"1970-01-01T00:00:01.500000","n":-5.00}');
  });

  test('a decimal whose scale is not a number of digits is its bytes', () => {
    for (const scale of ['"two"', '1.5', '-1', '1e9']) {
      const schema = `{"type":"bytes","logicalType":"decimal","precision":4,"scale":${scale}}`;
      const node = decoderOf(parseAvro(schema))(new AvroReader(Buffer.from([2, 0x7b])));
      assert.deepEqual(recordAccess.read(node), { kind: 'bytes', bytes: Buffer.from([0x7b]) }, scale);
    }
  });

  test('schemas that are too deep, refer to nothing, or are not schemas', () => {
    const deep = `${'{"type":"array","items":'.repeat(100)}"int"${'}'.repeat(100)}`;
    for (const schema of [
      deep,
      '"nothing"',
      '[]',
      '5',
      '{',
      '{"type":"record","name":"a"}',
      '{"type":"fixed","name":"f","size":1e12}',
    ])
      assert.throws(() => parseAvro(schema), AvroError);
  });
});

test('damaged values of Avro end in an error of their own, or are other values', () => {
  const { schema, write } = avroRecord('t', columns, false);
  const decode = decoderOf(parseAvro(schema));
  const writer = new AvroWriter();
  write(full, writer);
  const original = writer.bytes();
  let state = 11;
  const random = () => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) | 0;
    return (state >>> 8) / 2 ** 24;
  };
  let refused = 0;
  for (let round = 0; round < damages; round++) {
    const changed = Buffer.from(
      original.subarray(0, random() < 0.2 ? random() * original.length : undefined),
    );
    for (let count = 1 + random() * 4; count >= 1; count--)
      changed[Math.floor(random() * changed.length)] = Math.floor(random() * 256);
    try {
      recordAccess.json(decode(new AvroReader(changed)));
    } catch (error) {
      assert.ok(error instanceof AvroError, String(error));
      refused += 1;
    }
  }
  assert.ok(refused > damages / 4);
  // An endless array of nulls.
  const nulls = decoderOf(parseAvro('{"type":"array","items":"null"}'));
  const many = new AvroWriter();
  many.long(2n ** 50n);
  assert.throws(() => nulls(new AvroReader(many.bytes())), AvroError);
});

test('a default has the meaning of its type, and one that JavaScript would round fits no column', () => {
  const field = (name: string, type: object | string, value: unknown) => ({ name, type, default: value });
  const record = (fields: readonly object[]) =>
    parseAvro(JSON.stringify({ type: 'record', name: 'r', fields }).replace('"LARGE"', '9007199254740993'));
  const reader = record([
    field('at', { type: 'long', logicalType: 'timestamp-millis' }, 0),
    field('price', ['null', { type: 'bytes', logicalType: 'decimal', precision: 4, scale: 2 }], null),
    field('cost', { type: 'bytes', logicalType: 'decimal', precision: 4, scale: 2 }, '\u0001'),
    field('large', 'long', 'LARGE'),
  ]);
  const row = decoderOf(record([]), reader)(new AvroReader(Buffer.alloc(0)));
  const read = (name: string) => recordAccess.read(recordAccess.field(row, name) ?? null);
  const time = { precision: 3, hasZone: true };
  assert.deepEqual(read('at'), { kind: 'timestamp', text: '1970-01-01 00:00:00.000Z', ...time });
  assert.deepEqual([read('price').kind, read('cost')], ['null', { kind: 'decimal', text: '0.01' }]);
  assert.equal(read('large').kind, 'other');
});
