import assert from 'node:assert/strict';
import { test } from 'node:test';
import { RowBytes } from './row-bytes.ts';

/** The bytes of one row, without its token. */
function bytesOf(write: (row: RowBytes) => unknown): string {
  const rows = new RowBytes();
  rows.beginRow();
  write(rows);
  return Buffer.concat(rows.finish()).subarray(1).toString('hex');
}

test('decimals are a sign and sixteen bytes, the lowest first', () => {
  const written = (isNegative: boolean, digits: number | bigint) =>
    bytesOf((row) => row.decimal(isNegative, digits));
  assert.equal(written(false, 0), `1101${'00'.repeat(16)}`);
  assert.equal(written(true, 258), `11000201${'00'.repeat(14)}`);
  assert.equal(written(true, 258n), `11000201${'00'.repeat(14)}`);
  assert.equal(written(false, 2 ** 40 + 1), `1101010000000001${'00'.repeat(10)}`);
  assert.equal(written(false, 1n << 64n), `1101${'00'.repeat(8)}01${'00'.repeat(7)}`);
  assert.equal(written(false, 10n ** 38n - 1n), '1101ffffffff3f228a097ac4865aa84c3b4b');
});

test('times have as many bytes as their digits need, then days, then the offset', () => {
  const [days, units] = [0x01_02_03, 0x0a_0b_0c];
  assert.equal(
    bytesOf((row) => row.time(2, units)),
    '030c0b0a',
  );
  assert.equal(
    bytesOf((row) => row.time(4, units)),
    '040c0b0a00',
  );
  assert.equal(
    bytesOf((row) => row.time(7, 863_999_999_999)),
    '05ffbf692ac9',
  );
  assert.equal(
    bytesOf((row) => row.time(3, units, days)),
    '070c0b0a00030201',
  );
  assert.equal(
    bytesOf((row) => row.time(6, units, days, true)),
    '0a0c0b0a00000302010000',
  );
  assert.equal(
    bytesOf((row) => row.date(days)),
    '03030201',
  );
});

test('numbers have their size before them', () => {
  assert.equal(
    bytesOf((row) => row.integer(1, 255)),
    '01ff',
  );
  assert.equal(
    bytesOf((row) => row.integer(2, -2)),
    '02feff',
  );
  assert.equal(
    bytesOf((row) => row.integer(4, -2)),
    '04feffffff',
  );
  assert.equal(
    bytesOf((row) => row.bigint(-2n)),
    '08feffffffffffffff',
  );
  assert.equal(
    bytesOf((row) => row.float(4, 1.5)),
    '040000c03f',
  );
  assert.equal(
    bytesOf((row) => row.float(8, 1.5)),
    '08000000000000f83f',
  );
  // Also the sign of zero.
  assert.equal(
    bytesOf((row) => row.float(8, -0)),
    '080000000000000080',
  );
});

test('a UUID has the lowest byte of its first parts first; another text writes nothing', () => {
  assert.equal(
    bytesOf((row) => row.uuid('00112233-4455-6677-8899-AabbccddeeFf')),
    '1033221100554477668899aabbccddeeff',
  );
  for (const text of [
    '',
    '00112233-4455-6677-8899-aabbccddeef',
    '00112233-4455-6677-8899-aabbccddeefg',
    '00112233x4455-6677-8899-aabbccddeeff',
    '00112233-4455-6677-8899-aabbccddeeé0',
  ])
    assert.equal(
      bytesOf((row) => assert.equal(row.uuid(text), false)),
      '',
      text,
    );
});

test('texts and bytes have their length, and those of (max) come in one part', () => {
  assert.equal(
    bytesOf((row) => row.text('aé', false)),
    '04006100e900',
  );
  assert.equal(
    bytesOf((row) => row.text('', true)),
    'feffffffffffffff00000000',
  );
  assert.equal(
    bytesOf((row) => row.text('a', true)),
    'feffffffffffffff02000000610000000000',
  );
  const long = '😀'.repeat(100);
  assert.equal(
    bytesOf((row) => row.text(long, false)),
    `9001${Buffer.from(long, 'utf16le').toString('hex')}`,
  );
  assert.equal(
    bytesOf((row) => row.bytes(Buffer.of(1, 2), false)),
    '02000102',
  );
  assert.equal(
    bytesOf((row) => row.bytes(Buffer.of(1), true)),
    'feffffffffffffff010000000100000000',
  );
  assert.equal(
    bytesOf((row) => row.nullLength(false)),
    'ffff',
  );
  assert.equal(
    bytesOf((row) => row.nullLength(true)),
    'ff'.repeat(8),
  );
  assert.equal(
    bytesOf((row) => row.nullValue()),
    '00',
  );
});

test('a chunk has whole rows, however large they are, and none that was undone', () => {
  const rows = new RowBytes();
  const sizes = [10, 70_000, 30_000, 30_000, 200_000, 1];
  for (const size of sizes) {
    rows.beginRow();
    rows.text('x'.repeat(size), true);
    rows.beginRow();
    rows.text('refused'.repeat(size), true);
    rows.undoRow();
  }
  const chunks = rows.finish();
  const expected = sizes.map((size) => size * 2 + 17);
  let next = 0;
  for (const chunk of chunks) {
    let at = 0;
    while (at < chunk.length) {
      assert.equal(chunk[at], 0xd1);
      at += expected[next++] ?? Number.NaN;
    }
    assert.equal(at, chunk.length);
  }
  assert.equal(next, sizes.length);
});
