import assert from 'node:assert/strict';
import { test } from 'node:test';
import Database from 'better-sqlite3';
import { typeDdl } from './type-name.ts';

const plain: readonly string[] = [
  '',
  'INTEGER',
  'unsigned big int',
  'VARCHAR(40)',
  'DECIMAL(10, 2)',
  'DECIMAL_TEXT(5,-2)',
  'TIMESTAMP WITH TIME ZONE',
  'double precision',
];
const odd: readonly string[] = [
  'x, y TEXT); DROP TABLE victim; --',
  'TEXT NOT NULL',
  'TEXT PRIMARY KEY',
  'INTEGER GENERATED ALWAYS',
  'INT/*c*/EGER',
  'SELECT',
  'q"q',
  "it's",
  'VARCHAR(1,2,3)',
  'Größe',
  'TEXT -- x',
  'TEXT\nDEFAULT 1',
];

test('plain types are written as they are', () => {
  assert.deepEqual(plain.map(typeDdl), plain);
});

for (const declared of [...plain, ...odd]) {
  test(`${JSON.stringify(declared)} is one column of this type, and nothing else`, () => {
    const database = new Database(':memory:');
    database.prepare(`CREATE TABLE t (a ${typeDdl(declared)} NOT NULL, b)`).run();
    const columns = database
      .prepare(`SELECT name, type, "notnull", pk, dflt_value FROM pragma_table_xinfo('t')`)
      .raw()
      .all();
    assert.deepEqual(columns, [
      ['a', declared, 1, 0, null],
      ['b', '', 0, 0, null],
    ]);
    database.close();
  });
}
