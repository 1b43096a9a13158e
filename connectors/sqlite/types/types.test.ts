import assert from 'node:assert/strict';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import fc from 'fast-check';
import type { ColumnType, Relation, Row, Value } from '../../../core/values.ts';
import { removeFolder, tempFolder } from '../../../e2e/kit/temp.ts';
import {
  batchOf,
  claimOf,
  execute,
  idOffset,
  openDestination,
  openSource,
  planFor,
  query,
  readAll,
  requestFor,
  signal,
} from '../test-harness.ts';

let folder: string;
let files = 0;
const newFile = () => join(folder, `${++files}.db`);
before(async () => {
  folder = await tempFolder('values');
});
after(() => removeFolder(folder));

const asSource = (type: ColumnType): Relation => ({
  name: 't',
  columns: [
    { name: 'id', type: { kind: 'int', bits: 32 }, nativeType: 'int4', isNullable: false },
    { name: 'v', type, nativeType: 'theirs', isNullable: true },
  ],
  keys: [{ name: 'pk', columns: ['id'], isPrimary: true }],
});

interface Arrival {
  readonly values: readonly Value[];
  readonly rejected: number;
  readonly nativeType: string | undefined;
}

/** Writes into a table that is created for the type (or exists already), and reads back. */
async function thereAndBack(type: ColumnType, values: readonly Value[], table?: string): Promise<Arrival> {
  const file = newFile();
  if (table) execute(file, table);
  const destination = await openDestination(file);
  const source = await openSource(file, { table: 't' });
  try {
    const plan = await planFor(asSource(type), destination, { isSameSystem: false, onError: 'Skip' });
    await destination.claim(claimOf(plan), signal);
    const rows = values.map((value, id): Row => [id, value]);
    const { rejected } = await destination.write(batchOf(rows, idOffset(0)), signal);
    const relation = await source.describe(signal);
    const { rows: back } = await readAll(source, requestFor(relation));
    return {
      values: back.map((row) => row[1] ?? null),
      rejected,
      nativeType: relation.columns[1]?.nativeType,
    };
  } finally {
    await Promise.all([destination.close(), source.close()]);
  }
}

const nasty = [
  '',
  ' ',
  '0',
  '00',
  '1e5',
  '9'.repeat(40),
  "it's",
  '"q"',
  'back\\slash',
  'a\nb\r\n\tc',
  '🌊 Łódź 東京',
  'NULL',
  '\u0001',
  'x'.repeat(5_000),
];

const kept: readonly [type: ColumnType, ddl: string, values: readonly Value[]][] = [
  [{ kind: 'boolean' }, 'BOOLEAN', [true, false, null]],
  [{ kind: 'int', bits: 64 }, 'INTEGER', [0n, 2n ** 63n - 1n, -(2n ** 63n), 2n ** 53n + 1n, null]],
  [{ kind: 'int', bits: 64, isUnsigned: true }, 'DECIMAL_TEXT(20,0)', ['18446744073709551615', '0']],
  [{ kind: 'float', bits: 64 }, 'REAL', [0.1, 1, 1e300, 5e-324, Infinity, -Infinity, 2 ** 53, null]],
  [
    { kind: 'decimal', precision: 38, scale: 10 },
    'DECIMAL_TEXT(38,10)',
    ['1234567890123456789012345678.0123456789', '-0.0000000001', '1.5000000000', '0.0000000000', null],
  ],
  [{ kind: 'decimal' }, 'DECIMAL_TEXT', ['NaN', 'Infinity', '-Infinity', '1e3', '12.340', null]],
  [{ kind: 'text' }, 'TEXT', [...nasty, null]],
  [{ kind: 'text', maxLength: 63 }, 'VARCHAR(63)', ['00', '1e5', '']],
  [{ kind: 'bytes' }, 'BLOB', [Buffer.alloc(0), Buffer.from([0, 255, 39, 92]), null]],
  [{ kind: 'date' }, 'DATE', ['0001-01-01', '9999-12-31', 'infinity', '-infinity', '0044-03-15 BC', null]],
  [{ kind: 'time', precision: 6, hasZone: false }, 'TIME(6)', ['00:00:00', '23:59:59.999999', '24:00:00']],
  [{ kind: 'time', precision: 6, hasZone: true }, 'TIMETZ(6)', ['08:00:00.5+02', '08:00:00-03:30']],
  [
    { kind: 'timestamp', precision: 6, hasZone: false },
    'TIMESTAMP(6)',
    ['0001-01-01 00:00:00', '9999-12-31 23:59:59.999999', '2026-11-24 08:00:00.1', 'infinity', '-infinity'],
  ],
  [
    { kind: 'timestamp', precision: 6, hasZone: true },
    'TIMESTAMPTZ(6)',
    ['0001-01-01 00:00:00Z', '9999-12-31 23:59:59.999999Z', '2026-11-24 08:00:00Z', '-infinity'],
  ],
  [
    { kind: 'uuid' },
    'UUID',
    ['00000000-0000-0000-0000-000000000000', 'a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11'],
  ],
  [
    { kind: 'json' },
    'JSON_TEXT',
    ['{"n": 123456789012345678901234567890, "f": 1.10}', '1', '"a"', 'null', null],
  ],
  [{ kind: 'interval' }, 'INTERVAL', ['P1Y2M3DT4H5M6.789S', 'PT0S']],
  [{ kind: 'bit', length: 8 }, 'BIT_TEXT(8)', ['00000001', '11111111']],
  [{ kind: 'enum', values: ['1', 'a'] }, 'TEXT', ['1', 'a']],
  [{ kind: 'other', system: 'postgres', name: 'inet' }, 'TEXT', ['10.0.0.1']],
  [{ kind: 'untyped' }, '', [1n, 1.5, '1', 'a', Buffer.from('b'), 2n ** 62n, null]],
];

for (const [type, ddl, values] of kept) {
  test(`${JSON.stringify(type)} is kept in ${ddl || 'a column without a type'}`, async () => {
    const arrived = await thereAndBack(type, values);
    assert.equal(arrived.nativeType, ddl);
    assert.equal(arrived.rejected, 0);
    assert.deepEqual(arrived.values, values);
  });
}

test('arrays arrive as JSON that keeps every digit', async () => {
  const big = { kind: 'array', of: { kind: 'int', bits: 64 } } as const;
  const { values } = await thereAndBack(big, [
    [2n ** 63n - 1n, null],
    [[1n], [2n]],
  ]);
  assert.deepEqual(values, ['[9223372036854775807,null]', '[[1],[2]]']);
  const money = await thereAndBack({ kind: 'array', of: { kind: 'decimal' } }, [['1.10', 'NaN']]);
  assert.deepEqual(money.values, ['[1.10,"NaN"]']);
});

const misfits: readonly [type: ColumnType, column: string, good: Value, bad: readonly Value[]][] = [
  [{ kind: 'float', bits: 64 }, 'REAL', 1.5, [Number.NaN]],
  [{ kind: 'float', bits: 64 }, '', 1.5, [Number.NaN]],
  [{ kind: 'int', bits: 64, isUnsigned: true }, 'INTEGER', 5n, [2n ** 63n]],
  [{ kind: 'decimal', precision: 15, scale: 2 }, 'DECIMAL(15,2)', '1.25', ['NaN']],
  [{ kind: 'decimal' }, 'NUMERIC', '2.5', ['0.1234567890123456789', '12345678901234567890', 'NaN']],
  [{ kind: 'json' }, 'JSON', '{"a":1}', ['1', '1e5', ' 12 ']],
];
for (const [type, column, good, bad] of misfits) {
  test(`${JSON.stringify(type)} into ${column || 'no type'}: a value that SQLite would change is a misfit`, async () => {
    const arrived = await thereAndBack(
      type,
      [good, ...bad],
      `CREATE TABLE t (id INTEGER PRIMARY KEY, v ${column})`,
    );
    assert.equal(arrived.rejected, bad.length);
    assert.equal(arrived.values.length, 1);
    assert.deepEqual(arrived.values, [good]);
  });
}

test('a column whose affinity would change values is refused before the first row', async () => {
  const refused: readonly [ColumnType, string][] = [
    [{ kind: 'decimal', precision: 38, scale: 10 }, 'DECIMAL(38,10)'],
    [{ kind: 'text' }, 'NUMERIC'],
    [{ kind: 'text' }, 'INTEGER'],
    [{ kind: 'int', bits: 64 }, 'REAL'],
    [{ kind: 'float', bits: 64 }, 'INTEGER'],
    [{ kind: 'bytes' }, 'TEXT'],
    [{ kind: 'uuid' }, 'REAL'],
    [{ kind: 'untyped' }, 'TEXT'],
  ];
  for (const [type, column] of refused) {
    const file = newFile();
    execute(file, `CREATE TABLE t (id INTEGER PRIMARY KEY, v ${column})`);
    const destination = await openDestination(file);
    try {
      const { columns } = await planFor(asSource(type), destination, { isSameSystem: false });
      assert.deepEqual(
        columns.findings.map((each) => [each.severity, each.code]),
        [['error', 'ColumnTooNarrow']],
        `${type.kind} into ${column}`,
      );
    } finally {
      await destination.close();
    }
  }
});

/** Every storage class in columns of every affinity, including special cases of STRICT and ANY. */
const zoo = `
  CREATE TABLE t (
    id INTEGER PRIMARY KEY, n, i INTEGER, r REAL, x TEXT, u NUMERIC, b BLOB, d DECIMAL(38,10), bool BOOLEAN, at DATETIME, j JSON, "odd ""name" INTERVAL,
    up TEXT GENERATED ALWAYS AS (CASE typeof(x) WHEN 'text' THEN upper(x) END) STORED);
  INSERT INTO t (id, n, i, r, x, u, b, d, bool, at, j, "odd ""name") VALUES
    (1, 1, 9223372036854775807, 0.1, '00', 1.5, x'00ff', 1.25, 1, '2026-11-24T08:00:00Z', '{"n": 12345678901234567890}', 'P1D'),
    (2, '1', 'text', 9e999, 12, '12x', 'text', 'text', 'maybe', 1700000000, 1, -0.0),
    (3, 1.0, 1.5, 'text', x'ff', 9007199254740993, 7, 1e30, NULL, '08:00', x'00', NULL),
    (4, x'', NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL);
  CREATE TABLE s (id INTEGER PRIMARY KEY, a ANY, i INT, t TEXT, b BLOB) STRICT;
  INSERT INTO s VALUES (1, '001', 1, '1', x'01'), (2, 1, NULL, 'a', NULL), (3, 1.5, 2, '', x'');`;

for (const table of ['t', 's']) {
  test(`from file to file every value is stored unchanged (${table})`, async () => {
    const [from, to] = [newFile(), newFile()];
    execute(from, zoo);
    const source = await openSource(from, { table });
    const destination = await openDestination(to, { table });
    try {
      const relation = await source.describe(signal);
      const plan = await planFor(relation, destination);
      const [rowFormat] = destination.rawRequests(plan);
      assert.ok(rowFormat && source.canServe(rowFormat, []));
      await destination.claim(claimOf(plan, { rowFormat }), signal);
      const request = requestFor(relation, { rowFormat, limits: { maxRows: 2, maxBytes: 1 << 20 } });
      for (const batch of (await readAll(source, request)).batches) await destination.write(batch, signal);
      const columns = relation.columns.map(
        ({ name }) => `typeof("${name.replaceAll('"', '""')}"), "${name.replaceAll('"', '""')}"`,
      );
      const sql = `SELECT ${columns.join(', ')} FROM ${table} ORDER BY id`;
      assert.deepEqual(query(to, sql), query(from, sql));
      assert.equal(query(from, sql).length, table === 't' ? 4 : 3);
    } finally {
      await Promise.all([source.close(), destination.close()]);
    }
  });
}

test('values are read as canonical ones, and a value that is not of its declared type as it is stored', async () => {
  const file = newFile();
  execute(file, zoo);
  const source = await openSource(file, { table: 't' });
  try {
    const relation = await source.describe(signal);
    const { rows } = await readAll(source, requestFor(relation));
    const column = (name: string) =>
      rows.map((row) => row[relation.columns.findIndex((each) => each.name === name)]);
    assert.deepEqual(column('bool'), [true, 'maybe', null, null]);
    assert.deepEqual(column('d'), ['1.25', 'text', '1000000000000000000000000000000', null]);
    assert.deepEqual(column('at'), ['2026-11-24 08:00:00', 1700000000n, '08:00', null]);
    assert.deepEqual(column('j'), ['{"n": 12345678901234567890}', '1', Buffer.from([0]), null]);
    assert.deepEqual(column('i'), [2n ** 63n - 1n, 'text', 1.5, null]);
    assert.deepEqual(column('n'), [1n, '1', 1, Buffer.alloc(0)]);
  } finally {
    await source.close();
  }
});

test('any integer, decimal, text and float is read back unchanged (property)', async () => {
  const cases: [ColumnType, fc.Arbitrary<Value>][] = [
    [{ kind: 'int', bits: 64 }, fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n })],
    [
      { kind: 'decimal' },
      fc.tuple(fc.bigInt(), fc.nat(9)).map(([whole, fraction]) => `${whole}.${fraction}`),
    ],
    [{ kind: 'text' }, fc.string({ unit: 'grapheme' })],
    [{ kind: 'float', bits: 64 }, fc.double({ noNaN: true }).filter((value) => !Object.is(value, -0))],
  ];
  for (const [type, arbitrary] of cases) {
    const values = fc.sample(arbitrary, 500);
    assert.deepEqual((await thereAndBack(type, values)).values, values, type.kind);
  }
});
