import assert from 'node:assert/strict';
import { join } from 'node:path';
import { afterEach, beforeEach, test } from 'node:test';
import type { Destination } from '../../../core/connector.ts';
import { encodeOffset, type Offset } from '../../../core/offset.ts';
import { removeFolder, tempFolder } from '../../../e2e/kit/temp.ts';
import {
  batchOf,
  claimOf,
  execute,
  openDestination,
  planFor,
  query,
  rows,
  signal,
  source,
} from '../test-harness.ts';

const at = (id: number): Offset => ({ mode: 'Snapshot', pass: 1, key: [String(id)], isComplete: false });
const complete: Offset = { mode: 'Snapshot', pass: 1, key: null, isComplete: true };
const start = { pass: 1, isResumed: false, isAtomic: false };

let folder: string;
let file: string;
let destination: Destination;

beforeEach(async () => {
  folder = await tempFolder('replace');
  file = join(folder, 'd.db');
  destination = await openDestination(file);
});
afterEach(async () => {
  await destination.close();
  await removeFolder(folder);
});

async function claim(): Promise<void> {
  await destination.claim(claimOf(await planFor(source, destination, { writeMode: 'Replace' })), signal);
}
const target = () => query(file, 'SELECT id, v FROM t ORDER BY id');
const shadows = () =>
  query(file, "SELECT name FROM sqlite_schema WHERE name LIKE '\\_idra\\_new%' ESCAPE '\\'").flat();

const dressed = `
  CREATE TABLE "t" (id INTEGER PRIMARY KEY AUTOINCREMENT, v TEXT DEFAULT 'none' COLLATE NOCASE, note TEXT DEFAULT 'kept', up TEXT GENERATED ALWAYS AS (upper(v)));
  CREATE INDEX "t by v" ON t (v);
  CREATE UNIQUE INDEX t_once ON t (v, id) WHERE v IS NOT NULL;
  CREATE TABLE log (what TEXT);
  CREATE TABLE child (t_id REFERENCES t (id) ON DELETE CASCADE);
  CREATE VIEW seen AS SELECT id, v FROM t WHERE id > 0;
  CREATE TRIGGER written AFTER INSERT ON t BEGIN INSERT INTO log VALUES ('inserted'); END;
  CREATE TRIGGER on_child AFTER INSERT ON child BEGIN UPDATE t SET note = 'child' WHERE id = new.t_id; END;
  INSERT INTO t (id, v) VALUES (7, 'old'), (500, 'gone'); DELETE FROM t WHERE id = 500;
  INSERT INTO child VALUES (7); DELETE FROM log;`;

test('readers see the old rows until the swap; all that belongs to the table stays', async () => {
  execute(file, dressed);
  const schema = () =>
    query(
      file,
      "SELECT type, name, tbl_name, sql FROM sqlite_schema WHERE name NOT LIKE '\\_idra%' ESCAPE '\\' AND name NOT LIKE 'sqlite%' ORDER BY name",
    );
  const before = schema();
  const codes = (await destination.check('Replace', signal)).map((each) => each.code);
  assert.deepEqual(codes, ['TriggersNotFired', 'ReferencesNotChecked']);
  await claim();
  await destination.beginPass(start, signal);
  await destination.write(batchOf(rows(1, 2), at(2)), signal);
  assert.deepEqual(target(), [[7n, 'old']]);
  await destination.write(batchOf(rows(3), at(3)), signal);
  assert.equal((await destination.endPass(complete, signal)).totalRows, 3);
  assert.deepEqual(target(), rows(1, 2, 3));
  assert.deepEqual(schema(), before);
  assert.deepEqual(query(file, "SELECT * FROM seen WHERE v = 'V2'"), rows(2));
  assert.deepEqual(query(file, 'SELECT * FROM log'), []);
  assert.deepEqual(query(file, 'SELECT * FROM child'), [[7n]]);
  assert.deepEqual(shadows(), []);
  // Indexes and triggers work, and ids continue.
  execute(file, "INSERT INTO t (v) VALUES ('next')");
  assert.deepEqual(query(file, "SELECT id, note, up FROM t WHERE v = 'next'"), [[501n, 'kept', 'NEXT']]);
  assert.deepEqual(query(file, 'SELECT * FROM log'), [['inserted']]);
  assert.equal((await destination.commitRows('u1', signal))[0]?.offset, encodeOffset(complete));
});

test('a shadow that vanished restarts the pass', async () => {
  await claim();
  await destination.beginPass(start, signal);
  await destination.write(batchOf(rows(1, 2), at(2)), signal);
  execute(file, `DROP TABLE "${String(shadows()[0])}"`);
  const resumed = destination.beginPass({ ...start, isResumed: true }, signal);
  await assert.rejects(resumed, { code: 'ShadowMissing', disposition: 'transient' });
  assert.deepEqual(target(), []);
  assert.equal((await destination.commitRows('u1', signal))[0]?.offset, null);
});
