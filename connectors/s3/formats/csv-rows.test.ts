import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { columnOf } from '../../../core/records/columns.ts';
import { RowMaker } from '../../../core/records/rows.ts';
import type { Value } from '../../../core/values.ts';
import { type CsvOptions, dialectOf } from './csv-dialect.ts';
import { type CsvField, type CsvRecord, csvAccess } from './csv-record.ts';
import { CsvRows } from './csv-rows.ts';
import { csvWriter } from './csv-writer.ts';
import { type Position, RecordObject } from './record-object.ts';

async function* chunksOf(bytes: Buffer, size: number): AsyncGenerator<Buffer> {
  for (let at = 0; at < bytes.length; at += size) yield bytes.subarray(at, at + size);
}

async function readCsv(
  text: string | Buffer,
  names: readonly string[],
  options: CsvOptions = {},
  types: readonly string[] = [],
) {
  const recordColumns = names.map((name, index) => ({
    name,
    path: name,
    type: types[index] ?? 'text',
    nullable: true,
  }));
  const columns = recordColumns.map(columnOf);
  const request = { columns: columns.map((column) => ({ column })) };
  const maker = new RowMaker<CsvRecord | CsvField, Position>(
    { access: csvAccess, columns: recordColumns },
    request,
  );
  const format = new CsvRows({
    dialect: dialectOf(options),
    columns,
    recordColumns,
    maker,
    constants: new Map(),
    counter: -1,
    of: (position) => position,
    nameOf: ({ records }) => String(records),
    findsNewFields: false,
  });
  const source = new RecordObject(chunksOf(Buffer.from(text), 5), format, { bytes: 0, records: 0 }, () => {});
  const rows: Value[][] = [];
  for (;;) {
    const part = await source.part({ maxRows: 10, maxBytes: 1 << 20 });
    rows.push(...part.rows);
    if (part.isEnd) return { rows, misfits: maker.take().misfits };
  }
}

test('an empty field is NULL, an empty text is quoted; quoted fields may have delimiters, quotes and breaks', async () => {
  const { rows } = await readCsv('a,b,c\r\n1,,""\n"x,""y""","two\nlines",z\n', ['a', 'b', 'c']);
  assert.deepEqual(rows, [
    ['1', null, ''],
    ['x,"y"', 'two\nlines', 'z'],
  ]);
});

test('columns are found by the names of the header, in any order', async () => {
  const { rows } = await readCsv(
    'id,total,at\n7,12.50,2026-11-27T08:00:00Z\n',
    ['at', 'total', 'id', 'none'],
    {},
    ['timestamp with time zone', 'decimal(8,2)', 'int64', 'text'],
  );
  assert.deepEqual(rows, [['2026-11-27 08:00:00Z', '12.50', 7n, null]]);
});

test('records with too many or too few fields, wrong quotes and wrong values are refused one by one', async () => {
  const { rows, misfits } = await readCsv('a,b\n1,2\n1\n1,2,3\n"1"x,2\nz,2\n3,4\n', ['a', 'b'], {}, [
    'int64',
    'int64',
  ]);
  assert.deepEqual(rows, [
    [1n, 2n],
    [3n, 4n],
  ]);
  assert.deepEqual(
    misfits?.rejections.map(({ row }) => row),
    ['2', '3', '4', '5'],
  );
});

test('dialects: another delimiter, quote and escape, and no header', async () => {
  const options = { delimiter: ';', quote: "'", escape: '\\', header: false };
  const { rows } = await readCsv("'it\\'s';'a\\\\b'\n1;\n", ['column1', 'column2'], options);
  assert.deepEqual(rows, [
    ["it's", 'a\\b'],
    ['1', null],
  ]);
});

test('what is written is read again, in every dialect', async () => {
  const field = fc.oneof(
    fc.constant(null),
    fc.string({ unit: 'grapheme' }),
    fc.constantFrom('', ' x', 'a"b', 'a\\b', '\r\n', '#', "'"),
  );
  const dialect = fc.constantFrom<CsvOptions>(
    {},
    { delimiter: '\t' },
    { escape: '\\' },
    { quote: "'", delimiter: ';' },
    { quote: "'", escape: '\\', delimiter: '|' },
  );
  const names = ['a', 'b "x"', 'c'];
  await fc.assert(
    fc.asyncProperty(
      fc.array(fc.tuple(field, field, field), { maxLength: 6 }),
      dialect,
      async (rows, options) => {
        const columns = names.map((name) => ({ name, type: { kind: 'text' } as const }));
        const writer = csvWriter(columns, dialectOf(options));
        const text = writer.header + rows.map((row) => writer.row(row)).join('');
        assert.deepEqual((await readCsv(text, names, options)).rows, rows);
      },
    ),
    { numRuns: 300 },
  );
});

test('an object that has none of the columns is reported, and is not rows of NULL', async () => {
  for (const text of ['id;a\n1;x\n', '\ufeff\ufeffid\n1\n', Buffer.from('\ufeffid,a\n1,x\n', 'utf16le')]) {
    const { rows, misfits } = await readCsv(text, ['id', 'a']);
    assert.deepEqual(rows, []);
    assert.ok((misfits?.count ?? 0) > 0);
  }
  assert.deepEqual((await readCsv('a,b\nx,y\n', ['id', 'a'])).rows, [[null, 'x']]);
});

test('a header that has a field twice, or that swallows the records, is reported', async () => {
  const twice = await readCsv('id,a,a\n1,x,y\n', ['id', 'a']);
  assert.deepEqual([twice.rows, twice.misfits?.count], [[], 1]);
  const unread = await readCsv('id,a,a\n1,x,y\n', ['id']);
  assert.deepEqual([unread.rows, unread.misfits], [[['1']], undefined]);
  for (const text of ['id,a\r1,x\r2,y\r', 'id,"a\n1,x\n2,y\n'])
    assert.equal((await readCsv(text, ['id', 'a'])).misfits?.count, 1);
  assert.equal((await readCsv('id,"a\rb"\r\n1,x\r\n', ['id'])).misfits, undefined);
});

test('an empty line is the empty field of an object with one column, and nothing in another one', async () => {
  assert.deepEqual((await readCsv('a\nx\n\r\ny\n', ['a'])).rows, [['x'], [null], ['y']]);
  assert.deepEqual((await readCsv('a,b\n\n1,2\n\n', ['a'])).rows, [['1']]);
});

test('the field of a column is never looked for in a header that is not UTF-8', async () => {
  const { rows, misfits } = await readCsv(Buffer.from('id,gr\u00f6\u00dfe\n1,x\n', 'latin1'), [
    'id',
    'größe',
  ]);
  assert.deepEqual([rows, misfits?.count], [[], 2]);
});

test('JSON in a column of JSON is what it was when it was written, another text is a text of JSON', async () => {
  const values = ['{"a":[1.0,"x"]}', '"x"', '12345678901234567890', 'true'];
  const writer = csvWriter([{ name: 'a', type: { kind: 'json' } }], dialectOf());
  const text = `${writer.header}${values.map((value) => writer.row([value])).join('')}{x\n`;
  const { rows } = await readCsv(text, ['a'], {}, ['json']);
  assert.deepEqual(
    rows,
    [...values, '"{x"'].map((value) => [value]),
  );
});
