import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Connection } from 'tedious';
import type { PlannedColumn } from '../../../core/column-plan.ts';
import type { WritePlan } from '../../../core/connector.ts';
import type { ColumnType, Relation, Row } from '../../../core/values.ts';
import type { Session } from '../session.ts';
import { loadColumn } from '../types/encode.ts';
import { bulkLoad, encodeRows, mayInsert } from './bulk-load.ts';

const signal = new AbortController().signal;

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
  const encoded = encodeRows(rows, input, 70);
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
    Buffer.concat(encoded.chunks).toString('hex'),
    [
      'd1044600000004020000000200' + '6100',
      'd104470000000405000000ffff',
      'd10448000000040600000002006200',
    ].join(''),
  );
  assert.throws(() => encodeRows(rows, { ...input, plan: { ...plan, onError: 'Stop' } }), {
    code: 'ValueNotKept',
    message: /id 1/,
  });
});

test('rows are loaded into a table only as values of its own types, and where a key that exists is refused', async () => {
  const relation = (...keys: readonly string[][]): Relation => ({
    name: 'orders',
    columns: [],
    keys: keys.map((each) => ({ name: 'k', columns: each, isPrimary: true })),
  });
  const rows = {
    plan,
    table: { schema: 'dbo', table: 'orders' },
    columns,
    isMerged: false,
    hasIdentity: false,
    where: 'orders',
  };
  const upsert = { ...plan, writeMode: 'Upsert' } as WritePlan;
  const can = (more: Partial<typeof rows>, keys: readonly string[][] = [['id']], mayEnd = 1) => {
    const session = { facts: { version: 'SQL Server 16.0' }, query: async () => [[mayEnd]] };
    return mayInsert(
      session as unknown as Session,
      { relation: relation(...keys) },
      { ...rows, ...more },
      signal,
    );
  };
  assert.equal(await can({}, []), true);
  assert.equal(await can({}, [], 0), false);
  assert.equal(await can({ plan: upsert }), true);
  assert.equal(await can({ plan: upsert }, []), false);
  assert.equal(await can({ plan: upsert }, [['id', 'body'], ['body']]), false);
  assert.equal(await can({ plan: { ...upsert, key: ['id', 'body'] } }), true);
  assert.equal(await can({ hasIdentity: true }), false);
  for (const [name, type, ddl] of [
    ['code page', { kind: 'text' }, 'varchar(9)'],
    ['padded', { kind: 'text' }, 'nchar(9)'],
    ['rounded', { kind: 'timestamp', precision: 3, hasZone: false }, 'datetime'],
    ['parsed', { kind: 'text' }, 'xml'],
    ['a]b', { kind: 'text' }, 'nvarchar(9)'],
  ] as const)
    assert.equal(await can({ columns: [loadColumn(planned(name, type, ddl), plan)] }), false, name);
});

test('a bulk load obeys constraints, fires triggers and keeps NULL, and its rows are sent as they are', async () => {
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
  const { chunks } = encodeRows(
    [
      [1, 'a'],
      [2, null],
    ],
    input,
  );
  assert.equal(await bulkLoad(connection, { table: '[dbo].[orders]', columns, chunks }), 2);
  assert.deepEqual(seen, ['[dbo].[orders]', { keepNulls: true, checkConstraints: true, fireTriggers: true }]);
  // The driver writes the token of the first row.
  assert.equal(Buffer.concat(written).toString('hex'), '040100000002006100' + 'd10402000000ffff');
});
