import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { columnOf } from '../../../core/records/columns.ts';
import { jsonAccess } from '../../../core/records/json.ts';
import { type JsonValue, parseJson } from '../../../core/records/json-parser.ts';
import { RowMaker } from '../../../core/records/rows.ts';
import type { Value } from '../../../core/values.ts';
import { JsonRows } from './json-rows.ts';
import { type Position, RecordObject } from './record-object.ts';

const fields: readonly [string, string][] = [
  ['i', 'int64'],
  ['n', 'int32'],
  ['d', 'decimal'],
  ['e', 'decimal(6,2)'],
  ['f', 'float64'],
  ['t', 'text'],
  ['b', 'boolean'],
  ['j', 'json'],
  ['at', 'timestamp(3) with time zone'],
  ['u', 'uuid'],
];
const recordColumns = fields.map(([name, type]) => ({ name, path: name, type, nullable: true }));
const columns = recordColumns.map(columnOf);

function makerOf() {
  const request = { columns: columns.map((column) => ({ column })) };
  return new RowMaker<JsonValue, Position>({ access: jsonAccess, columns: recordColumns }, request);
}

async function* chunksOf(bytes: Buffer, size: number): AsyncGenerator<Buffer> {
  for (let at = 0; at < bytes.length; at += size) yield bytes.subarray(at, at + size);
}

async function readLines(bytes: Buffer, { size = 7, maxRows = 1_000, from = { bytes: 0, records: 0 } } = {}) {
  const maker = makerOf();
  const format = new JsonRows({
    columns,
    recordColumns,
    maker,
    constants: new Map(),
    counter: -1,
    of: (position) => position,
    nameOf: ({ records }) => String(records),
    findsNewFields: false,
  });
  const source = new RecordObject(chunksOf(bytes.subarray(from.bytes), size), format, from, () => {});
  const rows: Value[][] = [];
  const positions: Position[] = [];
  for (;;) {
    const part = await source.part({ maxRows, maxBytes: 1 << 20 });
    rows.push(...part.rows);
    positions.push(part.position);
    if (part.isEnd) return { rows, positions, misfits: maker.take().misfits };
  }
}

/** As the parser of core/records reads it. */
function expectedRows(lines: readonly string[]) {
  const maker = makerOf();
  const rows = lines.flatMap((line, index) => {
    const row = maker.row(parseJson(line), { bytes: 0, records: 0 }, String(index + 1));
    return row ? [row] : [];
  });
  return { rows, misfits: maker.take().misfits };
}

const number = fc.oneof(
  fc.integer().map(String),
  fc.bigInt({ min: -(2n ** 66n), max: 2n ** 66n }).map(String),
  fc.double({ noNaN: true, noDefaultInfinity: true }).map((value) => String(value).replace('e+', 'e')),
  fc.constantFrom(
    '-0',
    '0',
    '-0.0',
    '0.10',
    '12.50',
    '1e3',
    '1E-2',
    '999999.99',
    '100000.001',
    '0.000000000000000001',
  ),
);
const time = fc.constantFrom(
  '"2026-02-28T08:00:00Z"',
  '"2026-02-29T08:00:00Z"',
  '"2026-01-31T23:59:59.123Z"',
  '"2026-01-31T23:59:59.1234Z"',
  '"2026-01-15T08:00:00+02:00"',
  '"2026-01-15T08:00:00"',
  '"0000-01-01T00:00:00Z"',
  '"2026-01-15T24:00:00Z"',
  '"2026-01-15 08:00:00.5Z"',
);
const nested = fc.json({ maxDepth: 3 });
/** Also half of a surrogate pair, which JSON writes as an escape. */
const text = fc
  .oneof(
    fc.string(),
    fc.string({ unit: 'grapheme' }),
    fc.string({ unit: 'binary' }),
    fc.constantFrom('a\ud800', '\udc00'),
  )
  .map((value) => JSON.stringify(value));
const value = fc.oneof(
  number,
  text,
  time,
  nested,
  fc.constantFrom(
    'true',
    'false',
    'null',
    '"true"',
    '"12.5"',
    '{"a":1,"a":2}',
    '[1, 2]',
    '"0f0f0f0f-1111-2222-3333-444444444444"',
  ),
);
const name = fc.constantFrom(...fields.map(([each]) => each), 'other', 'ä', 'with \\"quote', '');
const space = fc.constantFrom('', '', '', ' ', '\t');
const line = fc
  .array(fc.tuple(name, value, space), { maxLength: 12 })
  .map((parts) => `{${parts.map(([key, each, gap]) => `${gap}"${key}"${gap}:${gap}${each}`).join(',')}}`);

test('lines that are read from their bytes give the rows that the general parser gives', async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.array(line, { minLength: 1, maxLength: 8 }),
      fc.integer({ min: 1, max: 64 }),
      async (lines, size) => {
        const found = await readLines(Buffer.from(`${lines.join('\n')}\n`), { size });
        const expected = expectedRows(lines);
        assert.deepEqual(found.rows, expected.rows);
        assert.deepEqual(found.misfits, expected.misfits);
      },
    ),
    { numRuns: 400 },
  );
});

test('what is no record is named by its number, and the others are read', async () => {
  const lines = ['{"i":1}', 'x', '[1]', '', '  ', '{"i":2', '{"i":"a\u0001"}', '{"i":3} {"i":4}', '{"i":5}'];
  const bytes = Buffer.concat([Buffer.from(`${lines.join('\n')}\n`), Buffer.from([0x22, 0xff, 0x0a])]);
  const { rows, misfits } = await readLines(bytes);
  assert.deepEqual(
    rows.map(([id]) => id),
    [1n, 5n],
  );
  assert.deepEqual(
    misfits?.rejections.map(({ row }) => row),
    ['2', '3', '6', '7', '8', '10'],
  );
});

test('a byte order mark, a last line without a break, and breaks of Windows are no part of records', async () => {
  const bytes = Buffer.concat([
    Buffer.from([0xef, 0xbb, 0xbf]),
    Buffer.from('{"i":1}\r\n{"i":2}\r\n{"i":3}'),
  ]);
  assert.deepEqual(
    (await readLines(bytes)).rows.map(([id]) => id),
    [1n, 2n, 3n],
  );
});

test('reading continues at the byte behind any record', async () => {
  const bytes = Buffer.from(
    Array.from({ length: 9 }, (_, index) => `{"i":${index},"t":"ä${index}"}\n`).join(''),
  );
  const { rows, positions } = await readLines(bytes, { maxRows: 1 });
  for (const [index, from] of positions.slice(0, -1).entries())
    assert.deepEqual((await readLines(bytes, { from })).rows, rows.slice(index + 1));
});
