import assert from 'node:assert/strict';
import { renameSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, test } from 'node:test';
import type { Source } from '../../../core/connector.ts';
import { removeFolder, tempFolder } from '../../../e2e/kit/temp.ts';
import { execute, openSource, readAll, requestFor, signal } from '../test-harness.ts';

/** Each page has the planned shape, in the snapshot of its rows. */
let folder: string;
let file: string;
const opened: Source[] = [];

beforeEach(async () => {
  folder = await tempFolder('shape');
  file = join(folder, 's.db');
});
afterEach(async () => {
  for (const each of opened.splice(0)) await each.close();
  await removeFolder(folder);
});

async function open(table = 't'): Promise<Source> {
  const source = await openSource(file, { table });
  opened.push(source);
  return source;
}

const limits = { maxRows: 2, maxBytes: 1 << 20 };
const five = `CREATE TABLE t (id INTEGER PRIMARY KEY, v TEXT, w TEXT); INSERT INTO t VALUES (1, 'a', 'x'), (2, 'b', 'x'), (3, 'c', 'x'), (4, 'd', 'x'), (5, 'e', 'x')`;

test('a file that takes the place of the one before is read', async () => {
  execute(file, five);
  const source = await open();
  const request = requestFor(await source.describe(signal), { limits });
  await readAll(source, request);
  const backup = join(folder, 'backup.db');
  execute(backup, `${five}; INSERT INTO t VALUES (6, 'f', 'x')`);
  renameSync(backup, file);
  assert.equal((await readAll(source, request)).rows.length, 6);
  execute(backup, 'CREATE TABLE t (id INTEGER PRIMARY KEY, v BLOB)');
  renameSync(backup, file);
  await assert.rejects(readAll(source, request), { code: 'SchemaChanged' });
});

test('NULL that comes into a primary key which allows it is counted, and stops the pass', async () => {
  execute(file, "CREATE TABLE t (k TEXT PRIMARY KEY, v TEXT); INSERT INTO t VALUES ('a', 1), ('b', 2)");
  const source = await open();
  const relation = await source.describe(signal);
  const request = requestFor(relation, { limits });
  assert.equal((await readAll(source, request)).rows.length, 2);
  execute(file, 'INSERT INTO t VALUES (NULL, 3), (NULL, 4)');
  // As the last row of a page, and within one.
  await assert.rejects(readAll(source, request), { code: 'KeyNullable', message: /column k .* holds NULL/ });
  const whole = { ...request, limits: { ...limits, maxRows: 9 } };
  await assert.rejects(readAll(source, whole), {
    code: 'KeyNullable',
    message: /^2 rows of t have NULL in k/,
  });
});

test('a column without a type has none in a view either', async () => {
  execute(file, `CREATE TABLE t (a, b BLOB, c INT); CREATE VIEW w AS SELECT a, b, c, c + 1 AS d FROM t`);
  const view = await (await open('w')).describe(signal);
  assert.deepEqual(
    view.columns.map(({ type }) => type.kind),
    ['untyped', 'bytes', 'int', 'untyped'],
  );
});

test('the collations of a column and its keys are known', async () => {
  execute(
    file,
    `CREATE TABLE t (a TEXT COLLATE NOCASE NOT NULL, b TEXT COLLATE RTRIM, c TEXT NOT NULL, d TEXT NOT NULL, e INT);
     CREATE UNIQUE INDEX of_a ON t (a COLLATE BINARY); CREATE UNIQUE INDEX of_c ON t (c COLLATE NOCASE); CREATE UNIQUE INDEX of_d ON t (d);
     CREATE VIEW w AS SELECT a, c FROM t`,
  );
  const relation = await (await open()).describe(signal);
  assert.deepEqual(
    relation.columns.map((column) => column.equality),
    ['sqlite:NOCASE', 'sqlite:RTRIM', 'sqlite:NOCASE', undefined, undefined],
  );
  // By of_a two rows may differ that have the same position in the order of the column.
  assert.deepEqual(relation.keys.map((key) => key.columns.join()).sort(), ['c', 'd']);
  const view = await (await open('w')).describe(signal);
  assert.equal(view.isOpaque, true);
  assert.deepEqual(
    view.columns.map((column) => column.equality),
    ['sqlite:NOCASE', undefined],
  );
});
