import assert from 'node:assert/strict';
import { renameSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, test } from 'node:test';
import type { Destination, WritePlan } from '../../../core/connector.ts';
import { removeFolder, tempFolder } from '../../../e2e/kit/temp.ts';
import {
  batchOf,
  claimOf,
  execute,
  idOffset,
  openDestination,
  type PlanChange,
  planFor,
  query,
  rows,
  signal,
  source,
} from '../test-harness.ts';

/** Each batch goes into the table and the file that were claimed, after the offset that this claim stored. */
const snapshot = { pass: 1, isResumed: false, isAtomic: false };

let folder: string;
let file: string;
const opened: Destination[] = [];

beforeEach(async () => {
  folder = await tempFolder('target');
  file = join(folder, 'd.db');
});
afterEach(async () => {
  await Promise.all(opened.splice(0).map((each) => each.close()));
  await removeFolder(folder);
});

async function claimed(
  change: PlanChange = {},
): Promise<{ readonly destination: Destination; readonly plan: WritePlan }> {
  const destination = await openDestination(file);
  opened.push(destination);
  const plan = await planFor(source, destination, change);
  await destination.claim(claimOf(plan), signal);
  return { destination, plan };
}

test('a file that is moved away or replaced is no longer written', async () => {
  const { destination } = await claimed();
  await destination.write(batchOf(rows(1), idOffset(1)), signal);
  renameSync(file, join(folder, 'moved.db'));
  await assert.rejects(destination.write(batchOf(rows(2), idOffset(2)), signal), { code: 'SchemaChanged' });
  assert.equal(await destination.describe(signal), null);
});

test('rows that the table would leave out by itself are refused', async () => {
  execute(file, 'CREATE TABLE t (id INTEGER PRIMARY KEY, v TEXT UNIQUE ON CONFLICT IGNORE)');
  const { destination } = await claimed({ writeMode: 'Append', hasUniqueKey: false });
  await destination.write(batchOf([[1n, 'a']], idOffset(1)), signal);
  await assert.rejects(destination.write(batchOf([[2n, 'a']], idOffset(2)), signal), {
    code: 'ConstraintViolated',
  });
  execute(file, 'CREATE TRIGGER no BEFORE INSERT ON t WHEN new.id = 3 BEGIN SELECT RAISE(IGNORE); END');
  await assert.rejects(destination.write(batchOf([[3n, 'c']], idOffset(3)), signal), {
    code: 'ConstraintViolated',
    message: /RAISE\(IGNORE\)/,
  });
  assert.deepEqual(query(file, 'SELECT * FROM t'), [[1n, 'a']]);
});

test('a row that the table would put in the place of another one is refused', async () => {
  execute(file, 'CREATE TABLE t (id INTEGER PRIMARY KEY, v TEXT UNIQUE ON CONFLICT REPLACE)');
  const { destination } = await claimed({ writeMode: 'Append', hasUniqueKey: false });
  await destination.write(batchOf([[1n, 'a']], idOffset(1)), signal);
  await assert.rejects(destination.write(batchOf([[2n, 'a']], idOffset(2)), signal), {
    code: 'ConstraintViolated',
  });
  assert.deepEqual(query(file, 'SELECT * FROM t'), [[1n, 'a']]);
});

for (const sql of ['CREATE TABLE t (id INTEGER PRIMARY KEY, v TEXT)', '']) {
  test(`a NULL is refused where SQLite would replace it with a number (${sql || 'a key that is created'})`, async () => {
    if (sql) execute(file, sql);
    const { destination } = await claimed({ onError: 'Skip' });
    await destination.beginPass(snapshot, signal);
    const result = await destination.write(batchOf([[null, 'x'], ...rows(7)], idOffset(1)), signal);
    assert.equal(result.rejected, 1);
    assert.deepEqual(query(file, 'SELECT id, v FROM t'), [[7n, 'v7']]);
  });
}
