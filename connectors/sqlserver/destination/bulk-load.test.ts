import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Connection } from 'tedious';
import type { PlannedColumn } from '../../../core/column-plan.ts';
import type { WritePlan } from '../../../core/connector.ts';
import type { ColumnType, Row } from '../../../core/values.ts';
import { loadColumn } from '../types/encode.ts';
import { bulkLoad, encodeAll, numberColumn, RowEncoder } from './bulk-load.ts';

function planned(name: string, type: ColumnType, ddl: string): PlannedColumn {
  const source = { name, type, nativeType: ddl, isNullable: true };
  return { source, name, existing: null, ddl, isNullable: true };
}

const planColumns = [
  planned('id', { kind: 'int', bits: 32 }, 'int'),
  planned('body', { kind: 'text' }, 'nvarchar(3)'),
];
const plan = {
  key: ['id'],
  columns: { columns: planColumns },
  onError: 'Skip',
  writeMode: 'Append',
} as unknown as WritePlan;
const columns = planColumns.map((each) => loadColumn(each, plan));
const input = { plan, columns, where: 'orders' };

test('rows are numbered without gaps, and each keeps its own name, whatever was refused before it', () => {
  const rows: Row[] = [
    [1, 'long'],
    [2, 'a'],
    [3, 'long'],
    [4, 'long'],
    [5, null],
    [6, 'b'],
  ];
  const encoded = encodeAll(rows, input, 70);
  assert.deepEqual(
    encoded.rejections.map(({ row, code }) => [row, code]),
    [1, 3, 4].map((id) => [`id ${id}`, 'ValueNotKept']),
  );
  assert.deepEqual(
    [0, 1, 2, 3].map((index) => encoded.nameOf(index)),
    ['id 2', 'id 5', 'id 6', undefined],
  );
  assert.equal(encoded.count, 3);
  assert.equal(
    Buffer.concat([...encoded.chunks]).toString('hex'),
    [
      'd1044600000004020000000200' + '6100',
      'd104470000000405000000ffff',
      'd10448000000040600000002006200',
    ].join(''),
  );
  assert.throws(() => encodeAll(rows, { ...input, plan: { ...plan, onError: 'Stop' } }, 0), {
    code: 'ValueNotKept',
    message: /id 1/,
  });
});

test('rows are made as they are taken, and a row that stops the Sync ends them where it stands', () => {
  const rows: Row[] = Array.from({ length: 20_000 }, (_, id) => [id, id === 15_000 ? 'long' : 'a']);
  const encoded = new RowEncoder(rows, { ...input, plan: { ...plan, onError: 'Stop' } }, 0);
  const chunks = encoded.chunks[Symbol.iterator]();
  assert.ok(!chunks.next().done);
  assert.ok(encoded.count > 0 && encoded.count < 10_000, `${encoded.count} rows`);
  while (!chunks.next().done);
  assert.equal(encoded.count, 15_000);
  assert.match(String(encoded.failure), /id 15000/);
});

test('the driver sends rows as they were made', async () => {
  const written: Buffer[] = [];
  const added: unknown[] = [];
  let seen: unknown[] = [];
  const connection = {
    newBulkLoad(table: string, options: unknown, done: (error: undefined, count: number) => void) {
      seen = [table, options];
      return {
        addColumn: (name: string, type: { writeValue(to: unknown, value: unknown): void }) =>
          added.push([name, type]),
        done,
      };
    },
    execBulkLoad(load: { done(error: undefined, count: number): void }, rows: Iterable<unknown[]>) {
      const buffer = { writeBuffer: (bytes: Buffer) => written.push(bytes) };
      for (const row of rows)
        for (const [index, [, type]] of (
          added as [string, { writeValue(to: unknown, value: unknown): void }][]
        ).entries())
          type.writeValue(buffer, { value: row[index] });
      load.done(undefined, 2);
    },
  } as unknown as Connection;
  const { chunks } = encodeAll(
    [
      [1, 'a'],
      [2, null],
    ],
    input,
    7,
  );
  assert.equal(await bulkLoad(connection, { table: '#t', columns: [numberColumn, ...columns], chunks }), 2);
  assert.deepEqual(seen, ['#t', { keepNulls: true }]);
  // The driver writes the token of the first row.
  assert.equal(
    Buffer.concat(written).toString('hex'),
    '0407000000' + '040100000002006100' + 'd10408000000' + '0402000000ffff',
  );
});
