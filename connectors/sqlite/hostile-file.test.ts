import assert from 'node:assert/strict';
import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import {
  claimOf,
  execute,
  openDestination,
  openSource,
  planFor,
  query,
  readAll,
  requestFor,
  signal,
} from './test-ends.ts';

let folder: string;
before(() => {
  folder = mkdtempSync(join(tmpdir(), 'idra-hostile-file-'));
});
after(() => rmSync(folder, { recursive: true }));

test('a declared type that is SQL stays a type at the destination', async () => {
  const [from, to, victim] = ['from.db', 'to.db', 'victim.db'].map((name) => join(folder, name));
  assert.ok(from && to && victim);
  const type = `TEXT); ATTACH DATABASE '${victim}' AS x; CREATE TABLE x.pwned (a); --`;
  execute(from, `CREATE TABLE t (id INTEGER PRIMARY KEY, v "${type}"); INSERT INTO t VALUES (1, 'a')`);
  const source = await openSource(from, { table: 't' });
  const destination = await openDestination(to);
  const relation = await source.describe(signal);
  const plan = await planFor(relation, destination, { writeMode: 'Replace' });
  await destination.claim(claimOf(plan), signal);
  await destination.beginPass({ pass: 1, isResumed: false, isAtomic: false }, signal);
  for (const batch of (await readAll(source, requestFor(relation))).batches)
    await destination.write(batch, signal);
  await destination.endPass({ mode: 'Snapshot', pass: 1, key: null, isComplete: true }, signal);
  await Promise.all([source.close(), destination.close()]);
  assert.equal(existsSync(victim), false);
  assert.deepEqual(query(to, `SELECT type FROM pragma_table_info('t') WHERE name = 'v'`), [[type]]);
  assert.deepEqual(query(to, 'SELECT id, v FROM t'), [[1n, 'a']]);
});
