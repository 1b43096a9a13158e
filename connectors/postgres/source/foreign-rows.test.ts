import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { type FlowOptions, openFlow, type TestDatabase, testDatabase } from '../test-harness.ts';

/** If another server creates the rows, transactions of this server give no bound. */
const signal = new AbortController().signal;
let database: TestDatabase;
before(async () => {
  database = await testDatabase();
  await database.query(`CREATE EXTENSION file_fdw; CREATE SERVER files FOREIGN DATA WRAPPER file_fdw;
    CREATE TABLE here (id int PRIMARY KEY, at timestamptz DEFAULT now());
    CREATE TABLE parts (id int, at timestamptz) PARTITION BY RANGE (id);
    CREATE TABLE near PARTITION OF parts FOR VALUES FROM (0) TO (10);
    CREATE FOREIGN TABLE far PARTITION OF parts FOR VALUES FROM (10) TO (20) SERVER files OPTIONS (filename '/dev/null');
    CREATE VIEW over_far AS SELECT * FROM far; CREATE VIEW over_view AS SELECT id, at FROM over_far;
    CREATE TABLE fed (id int PRIMARY KEY, at timestamptz DEFAULT now()); INSERT INTO fed VALUES (1, '2020-01-01');
    GRANT ALL ON ALL TABLES IN SCHEMA public TO PUBLIC`);
});
after(() => database.stop());

/** For a pass: the kind of its bound, why it is not a better one, and whether `check` warns. */
async function boundOf(options: Partial<FlowOptions>): Promise<readonly unknown[]> {
  const order = options.mode === 'Id' ? { idField: 'id' } : { timestampField: 'at' };
  const given = {
    mode: 'Timestamp',
    from: 'here',
    sourceKey: ['id'],
    key: ['id'],
    ...order,
    ...options,
  } as const;
  const flow = await openFlow(database, { to: 'copy', writeMode: 'Append', safetyLagMs: 1, ...given });
  const findings = await flow.source.check(given.mode, signal);
  await flow.claim();
  const { end } = await flow.pass();
  await flow.close();
  await database.run('DROP TABLE copy');
  return [end.bound.kind, end.bound.because, findings.map((each) => each.code).join()];
}

const foreign = ['safetyLag', 'its rows are in a foreign table', 'LateRowsBySafetyLag'];

test('foreign tables: direct, as a partition, and in views and queries', async () => {
  assert.deepEqual(await boundOf({}), ['transactions', undefined, '']);
  for (const from of ['far', 'parts', 'over_view']) {
    for (const mode of ['Timestamp', 'Id'] as const)
      assert.deepEqual(await boundOf({ from, mode }), foreign, from);
  }
  assert.deepEqual(await boundOf({ query: 'SELECT id, at FROM here' }), ['transactions', undefined, '']);
  assert.deepEqual(await boundOf({ query: 'SELECT id, at FROM over_far' }), [
    'safetyLag',
    'the query reads rows of a foreign table',
    'LateRowsBySafetyLag',
  ]);
});

test('a table that a subscription fills', async () => {
  const fed = ['safetyLag', 'its rows come from a subscription', 'LateRowsBySafetyLag'];
  assert.deepEqual(await boundOf({ from: 'fed' }), ['transactions', undefined, '']);
  await database.query(`CREATE SUBSCRIPTION feed CONNECTION 'dbname=none' PUBLICATION p WITH (connect = false);
    SET allow_system_table_mods = on;
    INSERT INTO pg_subscription_rel SELECT oid, 'fed'::regclass, 'r', NULL FROM pg_subscription WHERE subname = 'feed'`);
  try {
    for (const mode of ['Timestamp', 'Id'] as const)
      assert.deepEqual(await boundOf({ from: 'fed', mode }), fed);
    assert.deepEqual(await boundOf({ query: 'SELECT id, at FROM fed' }), fed);
    assert.deepEqual(await boundOf({ from: 'here' }), ['transactions', undefined, '']);
  } finally {
    await database.query('ALTER SUBSCRIPTION feed SET (slot_name = NONE); DROP SUBSCRIPTION feed');
  }
});
