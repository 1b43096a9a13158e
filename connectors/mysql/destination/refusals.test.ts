import assert from 'node:assert/strict';
import { before, test } from 'node:test';
import { claimUnplanned, onEachServer } from '../test-harness.ts';
import { tsvRequest } from '../types/encode.ts';
import { types } from '../types/types.ts';

onEachServer((database) => {
  before(async () => {
    await database.run(`CREATE TABLE parents (id INT PRIMARY KEY); INSERT INTO parents VALUES (1);
        CREATE TABLE refused (id INT PRIMARY KEY, t VARCHAR(20), p INT)`);
  });

  const run = (sql: string) => database.run(sql);
  const cases: readonly (readonly [
    what: string,
    column: string,
    row: string,
    code: string,
    message: RegExp,
  ])[] = [
    [
      'a character outside the character set',
      't VARCHAR(20) CHARACTER SET latin1',
      "'👑', 1",
      'CharacterNotKept',
      /row id 42: .*character set.*column t/,
    ],
    [
      'a foreign key',
      't VARCHAR(20), CONSTRAINT to_parent FOREIGN KEY (p) REFERENCES parents (id)',
      "'x', 7",
      'ConstraintViolated',
      /row id 42: .*foreign key to_parent/,
    ],
    [
      'a unique index',
      't VARCHAR(20), UNIQUE KEY by_t (t)',
      "'x', 1), (43, 'x', 1",
      'ConstraintViolated',
      /row id 43: .*index (\w+\.)?by_t/,
    ],
    [
      'a check',
      "t VARCHAR(20), CONSTRAINT no_x CHECK (t <> 'x')",
      "'x', 1",
      'ConstraintViolated',
      /row id 42: .*check .*no_x/,
    ],
    [
      'a table without a partition for it',
      't VARCHAR(20)) PARTITION BY RANGE (id) (PARTITION low VALUES LESS THAN (42)',
      "'x', 1",
      'PartitionMissing',
      /row id 42: no partition/,
    ],
  ];
  for (const [what, column, row, code, message] of cases) {
    test(`${what} refuses a row, and the error names the cause`, async () => {
      const to = `to_${code}_${column.length}`.toLowerCase();
      await run(`TRUNCATE TABLE refused; INSERT INTO refused VALUES (41, 'fine', 1), (42, ${row});
          CREATE TABLE ${to} (id INT PRIMARY KEY, p INT, ${column})`);
      const flow = await database.flow({ from: 'refused', to, uid: to });
      await claimUnplanned(flow);
      await assert.rejects(flow.pass(), (error: Error & { code: string }) => {
        assert.equal(error.code, code);
        assert.match(error.message, message);
        return true;
      });
      assert.deepEqual(await run(`SELECT COUNT(*) FROM ${to}`), [['0']]);
      await flow.close();
    });
  }

  for (const writeMode of ['Upsert', 'Append', 'Replace'] as const) {
    test(`a NULL is refused where AUTO_INCREMENT would replace it with a number (${writeMode})`, async () => {
      const to = `numbered_${writeMode}`.toLowerCase();
      await run(`TRUNCATE TABLE refused; INSERT INTO refused VALUES (41, 'fine', 1), (42, 'x', NULL);
          CREATE TABLE ${to} (id INT PRIMARY KEY, t VARCHAR(20), p INT NOT NULL AUTO_INCREMENT, KEY by_p (p))`);
      const flow = await database.flow({ from: 'refused', to, uid: to, writeMode, onError: 'Skip' });
      await flow.claim();
      await flow.pass();
      assert.deepEqual(await run(`SELECT id, p FROM ${to}`), [['41', '1']]);
      await flow.close();
    });
  }

  test('a NULL is refused where TIMESTAMP would replace it with the current time', async () => {
    await run(`CREATE TABLE times (id INT PRIMARY KEY, t TIMESTAMP NULL); INSERT INTO times VALUES (1, '2020-01-01'), (2, NULL);
      CREATE TABLE times_to (id INT PRIMARY KEY, t TIMESTAMP NOT NULL DEFAULT CURRENT_TIMESTAMP)`);
    const flow = await database.flow({ from: 'times', to: 'times_to', onError: 'Skip' });
    await flow.claim();
    await flow.pass();
    assert.deepEqual(await run('SELECT id FROM times_to'), [['1']]);
    await flow.close();
  });
});

test('no raw format is requested where a NULL would become a number', () => {
  const type = { kind: 'int', bits: 32 } as const;
  const source = { name: 'p', type, nativeType: 'integer', isNullable: true };
  const existing = { name: 'p', type, nativeType: 'int', isNullable: false, isIdentity: true };
  const ask = (isNullable: boolean) =>
    tsvRequest(
      {
        key: [],
        hasUniqueKey: false,
        columns: {
          columns: [
            { source: { ...source, isNullable }, name: 'p', existing, ddl: 'int', isNullable: false },
          ],
        },
      },
      false,
    );
  assert.equal(ask(true), undefined);
  assert.deepEqual(ask(false)?.as, ['text']);
});

test('a column whose character set lacks characters is reported before the first row', () => {
  const existing = {
    name: 't',
    type: { kind: 'text', maxLength: 20 },
    nativeType: 'varchar(20)',
    isNullable: true,
    collation: 'latin1_swedish_ci',
  } as const;
  const use = { isKey: false };
  const found = types.accepts(existing, { kind: 'text', maxLength: 20 }, use);
  assert.match((found.isAccepted && found.misfits) || '', /latin1/);
  const numbers = types.accepts(existing, { kind: 'int', bits: 32 }, use);
  assert.equal(numbers.isAccepted && numbers.misfits, undefined);
});

test('keys of types without a length get one, and types that cannot be keys are refused', () => {
  const key = { isKey: true };
  const of = (type: Parameters<typeof types.columnFor>[0]) => types.columnFor(type, key);
  assert.match(JSON.stringify(of({ kind: 'bit', isVarying: true })), /VARCHAR\(255\)/);
  assert.match(JSON.stringify(of({ kind: 'bit', isVarying: true, length: 12 })), /VARCHAR\(12\)/);
  assert.match(JSON.stringify(of({ kind: 'bit', length: 8 })), /BIT\(8\)/);
  assert.match(JSON.stringify(of({ kind: 'decimal', precision: 900, scale: 2 })), /VARCHAR\(255\)/);
  assert.ok('refusal' in of({ kind: 'json' }));
});
