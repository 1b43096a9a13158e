import assert from 'node:assert/strict';
import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { connector } from './connector.ts';
import {
  access,
  claimOf,
  execute,
  openDestination,
  openSource,
  planFor,
  query,
  readAll,
  source as relationOfRows,
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

const plantings: Readonly<Record<string, string>> = {
  'a view': `CREATE VIEW _idra_commits AS SELECT 'u1' AS uid, 't' AS "table", 'n' AS name, 'm' AS meaning, 9 AS token, NULL AS offset,
    0 AS rows, NULL AS session, 0 AS closed, 1 AS layout, '' AS time;
    CREATE TRIGGER takes INSTEAD OF INSERT ON _idra_commits BEGIN SELECT 1; END`,
  'a table with a trigger': `CREATE TRIGGER takes AFTER INSERT ON _idra_commits BEGIN UPDATE _idra_commits SET token = 0; END`,
  'a table by another case with a trigger': `ALTER TABLE _idra_commits RENAME TO x; ALTER TABLE x RENAME TO _IDRA_commits;
    CREATE TRIGGER takes AFTER UPDATE ON _IDRA_commits BEGIN SELECT RAISE(IGNORE); END`,
  'a virtual table': 'CREATE VIRTUAL TABLE _idra_commits USING fts5(uid, name)',
  'a table of other columns': 'CREATE TABLE _idra_commits (uid TEXT PRIMARY KEY, token INTEGER)',
  'a table with a computed column': `ALTER TABLE _idra_commits ADD COLUMN more TEXT AS (uid)`,
  'a table with an index': 'CREATE UNIQUE INDEX one ON _idra_commits (abs(token))',
};

for (const [what, sql] of Object.entries(plantings)) {
  test(`${what} in the place of our commit rows is refused by a claim, a look and a deletion`, async () => {
    const file = join(folder, `${what}.db`);
    execute(file, 'CREATE TABLE t (id INTEGER PRIMARY KEY, v TEXT)');
    const destination = await openDestination(file);
    const plan = await planFor(relationOfRows, destination);
    if (!/^CREATE (VIEW|VIRTUAL|TABLE)/.test(sql)) await destination.claim(claimOf(plan), signal);
    execute(file, sql);
    const unsafe = { code: 'OwnTableUnsafe', path: 'spec.destination.table' };
    await assert.rejects(destination.claim(claimOf(plan), signal), unsafe);
    await assert.rejects(destination.commitRows('u1', signal), unsafe);
    await assert.rejects(destination.closeRows('u1', 99n, signal), unsafe);
    await destination.close();
  });
}

test('our tables are not listed', async () => {
  const file = join(folder, 'listed.db');
  execute(
    file,
    'CREATE TABLE t (id INTEGER); CREATE TABLE _IDRA_Commits (id INTEGER); CREATE VIEW _idra_v AS SELECT 1',
  );
  const found = await connector.discover(access(file), signal);
  assert.deepEqual(
    found.map(({ name }) => name),
    ['t'],
  );
});
