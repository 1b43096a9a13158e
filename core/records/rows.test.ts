import assert from 'node:assert/strict';
import { test } from 'node:test';
import { columnOf } from './columns.ts';
import { jsonAccess } from './json.ts';
import { parseJson } from './json-parser.ts';
import type { RecordColumn } from './record-column.ts';
import { RowMaker } from './rows.ts';

const columns: readonly RecordColumn[] = [
  { name: 'id', path: '_id', type: 'int64', nullable: false },
  { name: 'gross', path: 'totals.gross', type: 'decimal(10,2)', nullable: true },
  { name: 'first', path: 'lines[0].sku', type: 'text', nullable: true },
];
const offsetColumn = {
  name: '_offset',
  type: { kind: 'int', bits: 64 },
  nativeType: 'int64',
  isNullable: false,
} as const;
const request = {
  columns: [...columns.map((each) => ({ column: columnOf(each) })), { column: offsetColumn }],
  findsNewFields: true as const,
};

function maker(given: readonly RecordColumn[] = columns) {
  return new RowMaker<ReturnType<typeof parseJson>, { readonly offset: bigint }>(
    { access: jsonAccess, columns: given, metadata: { _offset: ({ offset }) => offset } },
    {
      ...request,
      columns: given === columns ? request.columns : given.map((each) => ({ column: columnOf(each) })),
    },
  );
}

test('values are found by their paths, absent ones are NULL, and metadata is beside the record', () => {
  const rows = maker();
  const of = { offset: 7n };
  const full = parseJson('{"_id":1,"totals":{"gross":12.5},"lines":[{"sku":"x"},{"sku":"y"}]}');
  assert.deepEqual(rows.row(full, of, 'offset 7'), [1n, '12.5', 'x', 7n]);
  const sparse = parseJson('{"_id":2,"totals":null,"lines":"none"}');
  assert.deepEqual(rows.row(sparse, of, 'offset 7'), [2n, null, null, 7n]);
  assert.deepEqual(rows.take(), {});
});

test('what does not fit is recorded with column, position and reason, until it is taken', () => {
  const rows = maker();
  const of = { offset: 0n };
  assert.equal(rows.row(parseJson('{"_id":1,"totals":{"gross":1.234}}'), of, 'offset 3'), undefined);
  assert.equal(rows.row(parseJson('{}'), of, 'offset 4'), undefined);
  rows.unreadable('offset 5', 'is not JSON');
  assert.deepEqual(rows.take().misfits, {
    count: 3,
    rejections: [
      {
        code: 'RecordMisfit',
        column: 'gross',
        row: 'offset 3',
        message: 'the value has more than 2 digits after the decimal point',
      },
      {
        code: 'RecordMisfit',
        column: 'id',
        row: 'offset 4',
        message: 'the value is missing, and the column is not nullable',
      },
      { code: 'RecordUnreadable', row: 'offset 5', message: 'the record is not JSON' },
    ],
  });
  assert.deepEqual(rows.take(), {});
});

test('of very many misfits only some are named', () => {
  const rows = maker();
  for (let id = 0; id < 1_000; id++) rows.row(parseJson('{}'), { offset: 0n }, `offset ${id}`);
  const { misfits } = rows.take();
  assert.deepEqual([misfits?.count, misfits?.rejections.length], [1_000, 100]);
});

test('fields without a column are found, unless a column has the whole record', () => {
  const rows = maker();
  rows.row(parseJson('{"_id":1,"note":"a"}'), { offset: 0n }, 'offset 0');
  rows.row(parseJson('{"_id":2,"note":5,"more":1.5}'), { offset: 1n }, 'offset 1');
  assert.deepEqual(rows.take().newFields, [
    { name: 'note', path: 'note', type: 'json', nullable: true },
    { name: 'more', path: 'more', type: 'decimal', nullable: true },
  ]);
  const whole = maker([{ name: 'record', path: '', type: 'json', nullable: true }]);
  assert.deepEqual(whole.row(parseJson('{"a": 1.0}'), { offset: 0n }, 'offset 0'), ['{"a":1.0}']);
  assert.deepEqual(whole.take(), {});
});

test('a record that is no object is a misfit where all columns are fields', () => {
  const rows = maker(columns.map((each) => ({ ...each, nullable: true })));
  for (const text of ['null', '5', '[{}]', '"x"'])
    assert.equal(rows.row(parseJson(text), { offset: 1n }, 'offset 1'), undefined, text);
  assert.equal(rows.take().misfits?.count, 4);
  const whole = maker([{ name: 'whole', path: '', type: 'json', nullable: true }]);
  assert.deepEqual(whole.row(parseJson('5'), { offset: 1n }, 'offset 1'), ['5']);
});
