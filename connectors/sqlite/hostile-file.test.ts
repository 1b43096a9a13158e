import assert from 'node:assert/strict';
import {
  existsSync,
  linkSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import Database from 'better-sqlite3';
import type { SystemAccess } from '../../core/connector.ts';
import { shapeOf } from '../../core/relation-shape.ts';
import { folderOf, openForReading, openForWriting, pathOf } from './connection/open.ts';
import { connector } from './connector.ts';
import { toIdraError } from './errors.ts';
import { SourceFile } from './source/source-file.ts';
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
} from './test-harness.ts';

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
  test(`${what} in the place of our commit rows is refused by a claim, a description and a deletion`, async () => {
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

test('tables of Idra are not listed', async () => {
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

/** Confined to a namespace's folder like in an agent: ROOT/NAMESPACE. */
function confined(path: string, root: string, namespace = 'team-a'): SystemAccess {
  return { ...access(path), dataSource: `${namespace}/file`, files: { root, namespace } };
}

const refusal = { code: 'PathNotAllowed', path: 'spec.sqlite.path', disposition: 'permanent' };

function assertRefused(of: SystemAccess): void {
  const file = pathOf(of);
  for (const open of [openForReading, openForWriting])
    assert.throws(() => open(file, folderOf(of)), refusal, file);
}

/** Tries everything that an agent does with a DataSource, each in its own thread. */
async function assertRefusedByAll(of: SystemAccess): Promise<void> {
  const source = await connector.openSource(of, { table: 't', timeZone: 'UTC' }, signal);
  const destination = await connector.openDestination(of, { table: 't', existingRows: 'Keep' }, signal);
  try {
    await assert.rejects(connector.check(of, signal), refusal);
    await assert.rejects(connector.discover(of, signal), refusal);
    await assert.rejects(source.describe(signal), refusal);
    await assert.rejects(destination.describe(signal), refusal);
  } finally {
    await Promise.all([source.close(), destination.close()]);
  }
}

test('in a cluster a file is below the folder of its namespace, whatever leads to another', async () => {
  const root = join(folder, 'root');
  for (const name of ['team-a', 'team-b', 'team-a2']) mkdirSync(join(root, name), { recursive: true });
  const other = join(root, 'team-b', 'b.db');
  for (const file of [
    other,
    join(root, 'team-a', 'a.db'),
    join(root, 'team-a2', 'c.db'),
    join(root, 'top.db'),
  ])
    execute(file, 'CREATE TABLE t (id INTEGER PRIMARY KEY, v TEXT)');
  const at = (name: string) => join(root, 'team-a', name);
  symlinkSync(other, at('link.db'));
  symlinkSync(join(root, 'team-b'), at('folder'));
  symlinkSync(join(root, 'team-b', 'new.db'), at('dangling.db'));
  execute(at('wal.db'), 'CREATE TABLE t (id INTEGER)');
  symlinkSync(other, at('wal.db-wal'));
  symlinkSync(join(root, 'team-b'), join(root, 'team-l'));
  for (const path of ['a.db', at('a.db'), './x/../a.db']) {
    const [found] = await connector.discover(confined(path, root), signal);
    assert.equal(found?.name, 't', path);
  }
  const refused = [
    other,
    '../team-b/b.db',
    '../team-a2/c.db',
    '../top.db',
    '..',
    '.',
    '/etc/passwd',
    at('../team-b/b.db'),
  ];
  for (const path of [
    ...refused,
    'link.db',
    'folder/b.db',
    'folder/new.db',
    'dangling.db',
    'wal.db',
    `${root}/team-a`,
  ])
    assertRefused(confined(path, root));
  assertRefused(confined('b.db', root, 'team-l'));
  await assertRefusedByAll(confined('link.db', root));
  await assert.rejects(
    connector.openSource({ ...access('a.db'), files: 'none' }, { table: 't', timeZone: 'UTC' }, signal),
    {
      ...refusal,
      fix: /IDRA_SQLITE_ROOT/,
    },
  );
  assert.equal(existsSync(join(root, 'team-b', 'new.db')), false);
});

test('outside of a namespace, missing files and folders get the same error as existing ones', () => {
  const root = join(folder, 'told');
  mkdirSync(join(root, 'team-a'), { recursive: true });
  for (const path of ['/etc/passwd', '/etc/passwd/x.db', '/no/such/folder/x.db', '../team-b/x.db']) {
    const of = confined(path, root);
    for (const open of [openForReading, openForWriting])
      assert.throws(() => open(pathOf(of), folderOf(of)), {
        ...refusal,
        message: /the files of namespace team-a are those below/,
      });
  }
});

test('a device is not a database file', () => {
  for (const open of [openForReading, openForWriting])
    assert.throws(() => open('/dev/null'), { code: 'FileNotOpened', path: 'spec.sqlite.path' });
});

/** A state file as coordination/single/tables.ts creates it, open as during a run. */
function stateOf(path: string): Database.Database {
  const database = new Database(path);
  database.pragma('locking_mode = EXCLUSIVE');
  database.pragma('journal_mode = WAL');
  database.exec(`CREATE TABLE syncs (uid TEXT PRIMARY KEY, namespace TEXT NOT NULL, name TEXT NOT NULL, created_at TEXT NOT NULL,
      offset TEXT, memory TEXT, status TEXT, UNIQUE (namespace, name)) STRICT;
    CREATE TABLE requests (number INTEGER PRIMARY KEY AUTOINCREMENT, uid TEXT NOT NULL, type TEXT NOT NULL, id TEXT NOT NULL,
      request TEXT NOT NULL, answer TEXT, UNIQUE (uid, type, id)) STRICT`);
  writeFileSync(`${path}.pid`, `${process.pid}\n`);
  return database;
}

test('a state file of a run is not accepted as a DataSource, nor the files beside it, nor a link to it', async () => {
  const place = join(folder, 'run');
  mkdirSync(place);
  const state = stateOf(join(place, 'state.db'));
  const names = ['state.db', 'state.db-wal', 'state.db.pid'];
  symlinkSync(join(place, 'state.db'), join(place, 'soft.db'));
  symlinkSync(place, join(folder, 'other'));
  try {
    for (const name of [...names, 'soft.db', '../other/state.db']) assertRefused(access(join(place, name)));
    await assertRefusedByAll(access(join(place, 'state.db')));
  } finally {
    state.close();
  }
  rmSync(join(place, 'state.db.pid'));
  linkSync(join(place, 'state.db'), join(place, 'hard.db'));
  for (const name of ['state.db', 'hard.db', 'soft.db']) assertRefused(access(join(place, name)));
});

test('a damaged or crafted file is an error with a code', async () => {
  const file = join(folder, 'damaged.db');
  execute(
    file,
    `CREATE TABLE t (id INTEGER PRIMARY KEY, v TEXT); INSERT INTO t WITH RECURSIVE n AS (SELECT 1 AS i UNION ALL SELECT i + 1 FROM n WHERE i < 3000)
    SELECT i, hex(randomblob(40)) FROM n; CREATE INDEX i ON t (v)`,
  );
  const whole = readFileSync(file);
  // The same pseudo-random numbers in each run.
  let seed = 7;
  const next = (below: number) => {
    seed = (seed * 48_271) % 2_147_483_647;
    return seed % below;
  };
  const known =
    /^(FileCorrupt|NotADatabase|QueryInvalid|ReadWriteFailed|TableNotFound|ValueNotKept|FileNotOpened|KeyNotOrdered|KeyNullable|SchemaChanged|RecordTooLarge)$/;
  for (let round = 0; round < 60; round++) {
    const bytes = Buffer.from(whole);
    for (let flips = 0; flips < 40; flips++)
      bytes[round % 2 === 0 ? next(4_096) : next(bytes.length)] = next(256);
    writeFileSync(file, bytes);
    const source = new SourceFile({ file }, { table: 't', timeZone: 'UTC' });
    try {
      const relation = source.describe();
      source.startScan({
        sql: `SELECT * FROM ${source.fromClause()}`,
        columns: relation.columns,
        keys: [],
        isStored: false,
        maxRows: 1_000_000,
        maxBytes: 8 << 20,
        identity: [],
        shape: shapeOf(relation),
      });
      while (!source.nextPart().isEnd);
    } catch (thrown) {
      assert.match(toIdraError(thrown, file).code, known);
    } finally {
      source.close();
    }
  }
});

test("a file's own schema is not written, and calls nothing that reaches beyond its rows", async () => {
  const file = join(folder, 'trusted.db');
  execute(
    file,
    'CREATE TABLE t (id INTEGER PRIMARY KEY); CREATE VIEW v AS SELECT * FROM pragma_database_list',
  );
  const source = await openSource(file, { table: 'v' });
  await assert.rejects(source.describe(signal), { code: 'QueryInvalid', message: /unsafe use of/ });
  await source.close();
  const database = openForWriting(file);
  database.pragma('writable_schema = ON');
  assert.throws(() => database.exec("UPDATE sqlite_schema SET sql = 'x'"), /may not be modified/);
  database.close();
});
