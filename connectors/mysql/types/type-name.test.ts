import assert from 'node:assert/strict';
import { test } from 'node:test';
import { parseTypeName, readTypeName, writeTypeName } from './type-name.ts';

const written: readonly string[] = [
  'int',
  'int(11)',
  'bigint(20) unsigned',
  'int(10) unsigned zerofill',
  'decimal(65,30) unsigned',
  'double(7,3)',
  'varchar(16383)',
  'longtext',
  'timestamp(6)',
  'geometry',
  "enum('')",
  "enum('a','it''s','b,c',') NOT NULL')",
  String.raw`set('a\\','''''s','two\nlines')`,
];
for (const text of written) {
  test(`${text} is read and written unchanged`, () => {
    const parsed = parseTypeName(text);
    assert.equal(parsed && writeTypeName(parsed), text);
  });
}

test('labels are decoded', () => {
  assert.deepEqual(parseTypeName(String.raw`enum('a\\','it''s','\\','x\ny')`)?.labels, [
    'a\\',
    "it's",
    '\\',
    'x\ny',
  ]);
});

test('a label is written as one literal, however it was escaped', () => {
  const parsed = parseTypeName(String.raw`enum('a\'); DROP TABLE t; -- ')`);
  assert.equal(parsed && writeTypeName(parsed), "enum('a''); DROP TABLE t; -- ')");
});

test("MariaDB's comments are removed", () => {
  for (const comment of ['/*M!100301 COMPRESSED*/', '/* mariadb-5.3 */']) {
    assert.equal(parseTypeName(`varchar(100) ${comment}`)?.base, 'varchar');
  }
});

const refused: readonly string[] = [
  '',
  'int; DROP TABLE t',
  'int, x int',
  'int) ENGINE=InnoDB; DROP TABLE t; -- ',
  'int /* */; DROP TABLE t /* */',
  'int /*! NOT NULL, x int */',
  'int DEFAULT (SLEEP(9))',
  'int COLLATE utf8mb4_bin',
  'varchar(10) CHARACTER SET utf8mb4',
  'varchar(1 + 1)',
  'varchar(9',
  'point SRID 4326',
  '`int`',
  "int('a')",
  'enum(1)',
  'enum',
  "enum('a'); DROP TABLE t; -- ')",
  "enum('a' 'b')",
  "enum('a''); DROP TABLE t",
];
for (const text of refused) {
  test(`${JSON.stringify(text)} is not a type`, () => {
    assert.equal(parseTypeName(text), undefined);
  });
}

test('a column with an invalid type is refused by its name', () => {
  assert.throws(() => readTypeName('int; DROP TABLE t', 'c', 'd.t', 'spec.source.table'), {
    code: 'TypeUnreadable',
    message: /column c of d\.t/,
    path: 'spec.source.table',
  });
});
