import assert from 'node:assert/strict';
import { before, test } from 'node:test';
import type { Batch } from '../../../core/batch.ts';
import { onServer } from '../test-harness.ts';

onServer((database) => {
  const run = (sql: string) => database.run(sql);
  before(async () => {
    await run(`CREATE TABLE dbo.parents (id int PRIMARY KEY); INSERT INTO dbo.parents VALUES (1);
      CREATE TABLE dbo.refused (id int PRIMARY KEY, t nvarchar(20), p int)`);
  });

  const cases: readonly (readonly [what: string, columns: string, row: string, message: RegExp])[] = [
    [
      'a foreign key',
      't nvarchar(20), p int CONSTRAINT to_parent REFERENCES dbo.parents (id)',
      "'x', 7",
      /row id 42: .*foreign key/,
    ],
    [
      'a unique index',
      't nvarchar(20) CONSTRAINT by_t UNIQUE, p int',
      "'fine', 1",
      /row id 42: .*unique index/,
    ],
    ['a check', "t nvarchar(20) CONSTRAINT no_x CHECK (t <> 'x'), p int", "'x', 1", /row id 42: .*CHECK/],
  ];
  for (const [what, columns, row, message] of cases) {
    test(`${what} refuses a row, and the error names the cause`, async () => {
      const to = `dbo.to_${what.replaceAll(' ', '_')}`;
      await run(`TRUNCATE TABLE dbo.refused; INSERT INTO dbo.refused VALUES (41, 'fine', 1), (42, ${row});
        CREATE TABLE ${to} (id int PRIMARY KEY, ${columns})`);
      const flow = await database.flow({ from: 'dbo.refused', to });
      await flow.claim();
      await assert.rejects(flow.pass(), { code: 'ConstraintViolated', message });
      assert.deepEqual(await run(`SELECT COUNT(*) FROM ${to}`), [['0']]);
    });
  }

  test('a NULL that the table would replace with a number of its own is refused', async () => {
    await run(`CREATE TABLE dbo.null_from (id int NULL, t nvarchar(9)); INSERT INTO dbo.null_from VALUES (NULL, 'x');
      CREATE TABLE dbo.null_to (id int IDENTITY, t nvarchar(9))`);
    const flow = await database.flow({ from: 'dbo.null_from', to: 'dbo.null_to', writeMode: 'Append' });
    await flow.claim();
    await assert.rejects(flow.pass(), { code: 'ConstraintViolated', message: /column id/ });
    assert.deepEqual(await run('SELECT COUNT(*) FROM dbo.null_to'), [['0']]);
  });

  for (const [kind, type, one, other] of [
    ['texts that differ in blanks', 'nvarchar(9) COLLATE Latin1_General_100_BIN2', 'a', 'a '],
    ['bytes that differ in zeros', 'varbinary(9)', Buffer.of(1), Buffer.of(1, 0)],
  ] as const) {
    test(`rows whose keys are equal only for SQL Server never overwrite each other: ${kind}`, async () => {
      const table = `dbo.padded_${kind.slice(0, 5)}`;
      await run(`CREATE TABLE ${table} (k ${type} PRIMARY KEY, n int)`);
      for (const together of [true, false]) {
        const to = `${table}_${together}`;
        // Another system has sent them: at a source of the same kind they would be one row.
        const flow = await database.flow({ from: table, to, onError: 'Skip' }, undefined, {
          isSameSystem: false,
        });
        await flow.claim();
        const sent = together
          ? [await flow.write(rows([one, 1], [other, 2]))]
          : [await flow.write(rows([one, 1])), await flow.write(rows([other, 2]))];
        assert.equal(
          sent.reduce((sum, { rejected }) => sum + rejected, 0),
          1,
        );
        assert.deepEqual(await run(`SELECT n FROM ${to}`), [['1']]);
      }
    });
  }
});

let tokens = 0;

function rows(...given: readonly (readonly [string | Buffer, number])[]): Batch {
  const offset = { mode: 'Stream', token: `rows ${++tokens}` } as const;
  return { rows: { format: 'values', rows: given }, rowCount: given.length, byteCount: 10, offset };
}
