import assert from 'node:assert/strict';
import { renameSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, test } from 'node:test';
import type { Destination, WritePlan } from '../../../core/connector.ts';
import { encodeOffset } from '../../../core/offset.ts';
import type { Relation } from '../../../core/values.ts';
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

/** Each batch goes into the table and the file that were claimed, behind the offset that this claim has stored. */
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

const changes: Record<string, string> = {
  'a column is added': 'ALTER TABLE t ADD COLUMN n INT',
  'two names are swapped':
    'ALTER TABLE t RENAME COLUMN v TO x; ALTER TABLE t RENAME COLUMN id TO v; ALTER TABLE t RENAME COLUMN x TO id',
  'the table is made anew with another type':
    'DROP TABLE t; CREATE TABLE t (id INTEGER NOT NULL, v REAL, PRIMARY KEY (id))',
  'the key is gone': 'DROP TABLE t; CREATE TABLE t (id INTEGER NOT NULL, v TEXT)',
  'the table is dropped': 'DROP TABLE t',
};

for (const [name, sql] of Object.entries(changes)) {
  for (const writeMode of ['Upsert', 'Replace'] as const) {
    test(`${name} between two batches: nothing is committed (${writeMode})`, async () => {
      const { destination } = await claimed({ writeMode });
      await destination.beginPass(snapshot, signal);
      await destination.write(batchOf(rows(1), idOffset(1)), signal);
      execute(file, sql);
      await assert.rejects(destination.write(batchOf(rows(2), idOffset(2)), signal), {
        code: 'SchemaChanged',
      });
      await assert.rejects(destination.endPass(idOffset(9), signal), { code: 'SchemaChanged' });
      const [row] = await destination.commitRows('u1', signal);
      assert.deepEqual([row?.offset, row?.rows], [encodeOffset(idOffset(1)), 1]);
    });
  }
}

test('a table that changes between plan and claim is not claimed', async () => {
  execute(file, 'CREATE TABLE t (id INTEGER PRIMARY KEY, v TEXT)');
  const destination = await openDestination(file);
  opened.push(destination);
  const plan = await planFor(source, destination);
  execute(file, 'ALTER TABLE t ADD COLUMN n INT');
  await assert.rejects(destination.claim(claimOf(plan), signal), { code: 'SchemaChanged' });
});

test('other changes of the schema do not stop the writing', async () => {
  const { destination } = await claimed();
  execute(file, 'CREATE TABLE other (a); CREATE INDEX i ON t (v)');
  await destination.write(batchOf(rows(1), idOffset(1)), signal);
  assert.deepEqual(query(file, 'SELECT * FROM t'), rows(1));
});

test('an offset that somebody else has moved is not written over', async () => {
  const { destination } = await claimed();
  await destination.write(batchOf(rows(1, 2), idOffset(2)), signal);
  execute(file, `UPDATE _idra_commits SET "offset" = '${encodeOffset(idOffset(7))}'`);
  await assert.rejects(destination.write(batchOf(rows(3), idOffset(3)), signal), { code: 'OffsetMoved' });
  assert.deepEqual(query(file, 'SELECT * FROM t'), rows(1, 2));
});

test('a file that is moved away or replaced is not written any more', async () => {
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

test('an owner of before does not take away the shadow of the newer one', async () => {
  const old = await claimed({ writeMode: 'Replace' });
  const newer = await claimed({ writeMode: 'Replace' });
  await newer.destination.beginPass(snapshot, signal);
  await newer.destination.write(batchOf(rows(1, 2), idOffset(2)), signal);
  await assert.rejects(old.destination.beginPass(snapshot, signal), { code: 'Fenced' });
  await newer.destination.endPass(idOffset(9), signal);
  assert.deepEqual(query(file, 'SELECT * FROM t'), rows(1, 2));
});

test('a deleted Sync leaves no shadow behind', async () => {
  const { destination } = await claimed({ writeMode: 'Replace' });
  await destination.beginPass(snapshot, signal);
  await destination.write(batchOf(rows(1), idOffset(1)), signal);
  const shadows = () => query(file, "SELECT name FROM sqlite_schema WHERE name LIKE '_idra_new_%'");
  assert.equal(shadows().length, 1);
  await destination.closeRows('u1', 9n, signal);
  assert.deepEqual(shadows(), []);
  await assert.rejects(destination.write(batchOf(rows(2), idOffset(2)), signal));
});

test('who takes over the row of another uid keeps that one out, and takes over no closed one', async () => {
  const old = await claimed();
  await old.destination.write(batchOf(rows(1), idOffset(1)), signal);
  const other = await openDestination(file);
  opened.push(other);
  const plan = { ...(await planFor(source, other)), uid: 'u2' };
  const taken = await other.claim(claimOf(plan, { adoptFrom: 'u1', token: 50n }), signal);
  assert.deepEqual([taken.offset, taken.rows], [encodeOffset(idOffset(1)), 1]);
  const stored = () => query(file, 'SELECT uid, token, closed FROM _idra_commits ORDER BY uid');
  assert.deepEqual(stored(), [
    ['u1', 50n, 1n],
    ['u2', 50n, 0n],
  ]);
  const third = await openDestination(file);
  opened.push(third);
  const again = { ...(await planFor(source, third)), uid: 'u3' };
  const fresh = await third.claim(claimOf(again, { adoptFrom: 'u1', token: 60n }), signal);
  assert.deepEqual([fresh.offset, fresh.rows], [null, 0]);
});

test('a key of which only the case has changed arrives as it is', async () => {
  execute(file, 'CREATE TABLE t (k TEXT COLLATE NOCASE PRIMARY KEY NOT NULL, v TEXT)');
  const destination = await openDestination(file);
  opened.push(destination);
  const [id, v] = source.columns;
  const columns = [id, v].flatMap((each) => each ?? []);
  const keyed: Relation = {
    name: 't',
    columns: columns.map((each) =>
      each.name === 'id' ? { ...each, name: 'k', type: { kind: 'text' } } : each,
    ),
    keys: [{ name: 'PRIMARY KEY', columns: ['k'], isPrimary: true }],
  };
  await destination.claim(claimOf(await planFor(keyed, destination)), signal);
  await destination.beginPass(snapshot, signal);
  await destination.write(batchOf([['abc', 'old']], idOffset(1)), signal);
  await destination.write(batchOf([['ABC', 'new']], idOffset(2)), signal);
  assert.deepEqual(query(file, 'SELECT k, v FROM t'), [['ABC', 'new']]);
});

for (const sql of ['CREATE TABLE t (id INTEGER PRIMARY KEY, v TEXT)', '']) {
  test(`a NULL is refused where SQLite would make a number of it (${sql || 'a key that is created'})`, async () => {
    if (sql) execute(file, sql);
    const { destination } = await claimed({ onError: 'Skip' });
    await destination.beginPass(snapshot, signal);
    const result = await destination.write(batchOf([[null, 'x'], ...rows(7)], idOffset(1)), signal);
    assert.equal(result.rejected, 1);
    assert.deepEqual(query(file, 'SELECT id, v FROM t'), [[7n, 'v7']]);
  });
}
