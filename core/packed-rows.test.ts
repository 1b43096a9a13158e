import assert from 'node:assert/strict';
import { test } from 'node:test';
import { freeBytes, PackedRows, RowPacker, rowsPerPack, toPacked } from './packed-rows.ts';
import type { Row } from './values.ts';

/** A value of each kind, and values that a flat column cannot hold. */
const cells: Row = [
  null,
  true,
  0,
  -0,
  Number.NaN,
  2 ** 53,
  12n,
  2n ** 64n - 1n,
  -(2n ** 63n),
  '',
  'text',
  '\ud800 alone',
  'ß\u{1f600}\0',
  Buffer.from([0, 255]),
  ['a', [1n, null]],
];

function rowAt(index: number): Row {
  // Each column changes its kind from row to row, or has one kind and nulls.
  return [BigInt(index), index % 3 === 0 ? null : `t${index}`, cells[index % cells.length] ?? null];
}

test('rows are unchanged after they were packed', () => {
  for (const count of [0, 1, rowsPerPack - 1, rowsPerPack, rowsPerPack + 1, 3 * rowsPerPack + 7]) {
    const rows = Array.from({ length: count }, (_, index) => rowAt(index));
    const packed = toPacked(rows);
    assert.equal(packed.length, count);
    assert.deepStrictEqual([...packed], rows);
    assert.deepStrictEqual(packed.at(-1), rows.at(-1));
    assert.equal(packed.at(count), undefined);
    for (const index of [0, count - 1, count >> 1].filter((at) => at >= 0 && at < count))
      assert.deepStrictEqual(packed.at(index), rows[index]);
    assert.equal(toPacked(packed), packed);
  }
});

test('rows are prepared before they are packed', () => {
  const packer = new RowPacker((rows) => {
    for (const row of rows) row[0] = `${row[0]}!`;
  });
  for (let index = 0; index < rowsPerPack + 1; index++) packer.push([index]);
  const packed = packer.finish();
  assert.ok(packed instanceof PackedRows);
  assert.deepEqual(packed.at(rowsPerPack), [`${rowsPerPack}!`]);
  assert.equal(packed.byteCount, packed.packs[0]!.byteLength + packed.packs[1]!.byteLength);
});

test('freed rows hold no memory, and what shares its memory with others is not freed', () => {
  const packed = toPacked(Array.from({ length: rowsPerPack + 1 }, (_, index) => rowAt(index)));
  assert.equal(packed.packs.length, 2);
  packed.free();
  packed.free();
  assert.deepEqual(
    packed.packs.map(({ buffer, byteLength }) => [buffer.byteLength, byteLength]),
    [
      [0, 0],
      [0, 0],
    ],
  );
  const whole = Buffer.from('shared memory');
  const part = whole.subarray(0, 6);
  freeBytes(part);
  assert.equal(part.toString(), 'shared');
});
