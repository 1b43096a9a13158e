import assert from 'node:assert/strict';
import fs from 'node:fs';
import { syncBuiltinESMExports } from 'node:module';
import { after, before, test } from 'node:test';
import { shapeOf } from '../../../core/relation-shape.ts';
import { removeFolder, tempFolder } from '../../../e2e/kit/temp.ts';
import { listTables } from '../describe.ts';
import { execute, inFile } from '../test-harness.ts';
import { SourceFile } from './source-file.ts';

let folder: string;
before(async () => {
  folder = await tempFolder('source-file');
});
after(() => removeFolder(folder));

test('a page asks once which file stands at the path', (t) => {
  const file = `${folder}/source.db`;
  execute(file, 'CREATE TABLE t (id INTEGER PRIMARY KEY); INSERT INTO t VALUES (1)');
  const source = new SourceFile({ file }, { table: 't' });
  const relation = source.describe();
  const page = {
    sql: 'SELECT id FROM t',
    columns: relation.columns,
    keys: [0],
    isStored: false,
    maxRows: 10,
    maxBytes: 1_000_000,
    shape: shapeOf(relation),
    identity: source.identity(),
  };
  source.readPart(page);
  const stat = t.mock.method(fs, 'statSync');
  syncBuiltinESMExports();
  try {
    assert.equal(source.readPart(page).rowCount, 1);
    assert.equal(stat.mock.callCount(), 1);
  } finally {
    stat.mock.restore();
    syncBuiltinESMExports();
    source.close();
  }
});

test('among very many tables those of a name come first, and no more are read than requested', () => {
  const file = `${folder}/many.db`;
  execute(file, 'CREATE TABLE abundant (id); CREATE TABLE "Wanted" (id)');
  const tables = inFile(file, (database) => listTables(database, { called: 'wanted', most: 1 }));
  assert.deepEqual(
    tables.map(({ name }) => name),
    ['Wanted'],
  );
});
