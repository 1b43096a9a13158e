import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { ColumnType, Value } from '../../../core/values.ts';
import { GroupReader, openParquet } from './reader.ts';
import { type ParquetCodec, ParquetRows } from './writer.ts';

const columns: readonly (readonly [name: string, type: ColumnType, value: Value])[] = [
  ['i64', { kind: 'int', bits: 64 }, -9_223_372_036_854_775_808n],
  ['u64', { kind: 'int', bits: 64, isUnsigned: true }, 18_446_744_073_709_551_615n],
  ['i8', { kind: 'int', bits: 8 }, -128],
  ['u32', { kind: 'int', bits: 32, isUnsigned: true }, 4_294_967_295],
  ['flag', { kind: 'boolean' }, true],
  ['f32', { kind: 'float', bits: 32 }, 0.5],
  ['f64', { kind: 'float', bits: 64 }, -0],
  ['dec9', { kind: 'decimal', precision: 9, scale: 2 }, '-1234567.89'],
  ['dec18', { kind: 'decimal', precision: 18, scale: 0 }, '-999999999999999999'],
  ['dec38', { kind: 'decimal', precision: 38, scale: 10 }, '-9999999999999999999999999999.9999999999'],
  ['free', { kind: 'decimal' }, '12345678901234567890123456789012345678901234.5'],
  ['text', { kind: 'text' }, 'ä "quoted" 😀'],
  ['bytes', { kind: 'bytes' }, Buffer.from([0, 255, 1])],
  ['date', { kind: 'date' }, '0001-01-01'],
  ['time', { kind: 'time', precision: 6, hasZone: false }, '23:59:59.999999'],
  ['stamp', { kind: 'timestamp', precision: 6, hasZone: false }, '9999-12-31 23:59:59.999999'],
  ['instant', { kind: 'timestamp', precision: 6, hasZone: true }, '1969-12-31 23:59:59.999Z'],
  ['nanos', { kind: 'timestamp', precision: 9, hasZone: false }, '2026-01-01 00:00:00.123456789'],
  ['uuid', { kind: 'uuid' }, '00112233-4455-6677-8899-aabbccddeeff'],
  ['json', { kind: 'json' }, '{"a": [1, 2.50]}'],
  ['ints', { kind: 'array', of: { kind: 'int', bits: 64 } }, [1n, null, 3n]],
  ['texts', { kind: 'array', of: { kind: 'text' } }, []],
];

const rowCount = 3_000;

function rowAt(index: number): Value[] {
  return columns.map(([name, , value]) => {
    if (name === 'text') return index % 7 === 0 ? null : `${value} ${index}`;
    return index % 10 === 3 ? null : value;
  });
}

async function fileOf(codec: ParquetCodec): Promise<Buffer> {
  const rows = new ParquetRows(columns.map(([name, type]) => ({ name, type, isNullable: true })));
  for (let index = 0; index < rowCount; index++) assert.equal(rows.add(rowAt(index)), undefined);
  return await rows.encode(codec);
}

/** All rows of a file, read in parts of this size from behind the given row. */
async function read(bytes: Buffer, part: number, from = 0): Promise<Value[][]> {
  const range = async (start: number, end: number) => bytes.subarray(start, end);
  const { footer, fields } = await openParquet(range, bytes.length);
  const template = fields.map(() => null);
  const places = fields.map((_, index) => index);
  const found: Value[][] = [];
  for (const group of footer.groups) {
    const reader = new GroupReader(group, fields, range);
    await reader.prepare();
    await reader.skip(from);
    while (reader.rowsLeft > 0) found.push(...(await reader.rows(part, template, places)).rows);
  }
  return found;
}

test('every type is read as it was written, with each compression', async () => {
  const expected = Array.from({ length: rowCount }, (_, index) => rowAt(index));
  for (const codec of ['SNAPPY', 'ZSTD', 'GZIP', 'UNCOMPRESSED'] as const)
    assert.deepEqual(await read(await fileOf(codec), 333), expected, codec);
});

test('reading continues behind any row', async () => {
  const bytes = await fileOf('SNAPPY');
  for (const from of [1, 999, 1_500, rowCount - 1])
    assert.deepEqual((await read(bytes, 500, from))[0], rowAt(from));
});

test('a row that cannot be kept is refused and leaves nothing behind', async () => {
  const rows = new ParquetRows([
    { name: 'a', type: { kind: 'text' }, isNullable: false },
    { name: 'b', type: { kind: 'decimal', precision: 4, scale: 2 }, isNullable: true },
    { name: 'c', type: { kind: 'date' }, isNullable: true },
  ]);
  const wrong: readonly [Value[], string][] = [
    [['x', '100.00', null], 'b'],
    [['x', '1.005', null], 'b'],
    [['x', 'NaN', null], 'b'],
    [['x', null, 'infinity'], 'c'],
    [[null, '1', null], 'a'],
  ];
  for (const [row, column] of wrong) assert.equal(rows.add(row)?.column, column);
  assert.equal(rows.add(['x', '99.90', '2026-11-27']), undefined);
  assert.deepEqual(await read(await rows.encode('SNAPPY'), 10), [['x', '99.90', '2026-11-27']]);
});

test('a damaged file is an error that says where, or gives rows; it never ends the process or takes its memory', async () => {
  const whole = await fileOf('SNAPPY');
  const footer = whole.readUInt32LE(whole.length - 8) + 8;
  let seed = 11;
  const next = (below: number) => {
    seed = (seed * 48_271) % 2_147_483_647;
    return seed % below;
  };
  let errors = 0;
  for (let round = 0; round < 150; round++) {
    const bytes = Buffer.from(whole);
    for (let flips = 0; flips < 6; flips++) {
      const at = round % 2 === 0 ? whole.length - footer + next(footer) : next(whole.length);
      bytes[at] = next(256);
    }
    const cut = round % 10 === 9 ? bytes.subarray(0, next(bytes.length)) : bytes;
    await read(cut, 1_000).catch((thrown: unknown) => {
      assert.ok(thrown instanceof RangeError, String(thrown));
      assert.notEqual(thrown.message, '');
      errors += 1;
    });
  }
  assert.ok(errors > 50);
});

test('the zero dates of MySQL, and times that are none, are refused', () => {
  const refused: readonly [ColumnType, string][] = [
    [{ kind: 'date' }, '0000-00-00'],
    [{ kind: 'date' }, '2026-00-00'],
    [{ kind: 'date' }, '2026-11-00'],
    [{ kind: 'timestamp', precision: 6, hasZone: false }, '0000-00-00 00:00:00'],
    [{ kind: 'time', precision: 6, hasZone: false }, '24:00:00'],
  ];
  for (const [type, value] of refused)
    assert.notEqual(new ParquetRows([{ name: 'a', type, isNullable: true }]).add([value]), undefined, value);
});

test('a page whose checksum is wrong is an error', async () => {
  // As Arrow writes it: one column of 32 bits with 1, 2 and 3, and the checksum of its page.
  const bytes = Buffer.from(
    'UEFSMRUAFSQVJBX9t4m1DhwVBhUAFQYVBhwAAAACAAAABgEBAAAAAgAAAAMAAAAVBBksNQAYBnNjaGVtYRUCABUCJQIYAWEAFgYZHBkcJgAcFQIZJQYAGRgBYRUAFgYWVhZWJghJHBUAFQAVAgA8KQYZJgAGAAAAFlYWBiYIFlYAKCBwYXJxdWV0LWNwcC1hcnJvdyB2ZXJzaW9uIDI2LjAuMRkcHAAAAHoAAABQQVIx',
    'base64',
  );
  assert.deepEqual(await read(bytes, 10), [[1], [2], [3]]);
  bytes.writeInt32LE(4, 35);
  await assert.rejects(read(bytes, 10), /checksum/);
});
