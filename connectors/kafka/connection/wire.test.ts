import assert from 'node:assert/strict';
import { test } from 'node:test';
import { WireError, WireReader, WireWriter } from './wire.ts';

test('what is written is read, also where the buffer of the writer grows', () => {
  for (const size of [1, 2, 5, 9, 64]) {
    const writer = new WireWriter(size);
    writer
      .int8(-1)
      .boolean(true)
      .int16(-2)
      .int32(-3)
      .int64(-4)
      .int64(2n ** 62n)
      .uuid('ab'.repeat(16));
    writer
      .uvarint(2 ** 31)
      .string('ä')
      .string(null)
      .string('x', true)
      .string(null, true)
      .bytes(Buffer.from('yz'));
    writer
      .array([1, 2], false, (each) => writer.int32(each))
      .array(null, true, () => {})
      .tags(true);
    const reader = new WireReader(Buffer.from(writer.written));
    assert.deepEqual(
      [
        reader.int8(),
        reader.boolean(),
        reader.int16(),
        reader.int32(),
        reader.int64(),
        reader.bigint64(),
        reader.uuid(),
      ],
      [-1, true, -2, -3, -4, 2n ** 62n, 'ab'.repeat(16)],
    );
    assert.equal(reader.uvarint(), 2 ** 31);
    assert.deepEqual(
      [reader.string(), reader.nullableString(), reader.string(true), reader.nullableString(true)],
      ['ä', null, 'x', null],
    );
    assert.equal(reader.bytes().toString(), 'yz');
    assert.deepEqual(
      reader.array(false, () => reader.int32()),
      [1, 2],
    );
    assert.deepEqual(
      reader.array(true, () => reader.int8()),
      [],
    );
    reader.tags(true);
    assert.equal(reader.left, 0);
  }
});

test('lengths, counts and numbers beyond what is there are refused', () => {
  const read = (hex: string, body: (reader: WireReader) => unknown) =>
    assert.throws(() => body(new WireReader(Buffer.from(hex, 'hex'))), WireError, hex);
  read('7fff', (each) => each.string());
  read('7fffffff', (each) => each.bytes());
  read('7fffffff', (each) => each.array(false, () => each.int8()));
  read('ffffffff0f', (each) => each.array(true, () => each.int8()));
  read('ffffffffffff', (each) => each.uvarint());
  read('7fffffffffffffff', (each) => each.int64());
  read('ffffff0f00', (each) => each.tags(true));
  read('00', (each) => each.int32());
});
