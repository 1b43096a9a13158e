import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { openFlow, type TestDatabase, testDatabase } from '../test-harness.ts';

let database: TestDatabase;
before(async () => {
  database = await testDatabase();
});
after(() => database.stop());

test('Skip with very many bad rows leaves out exactly these; of a key that comes again the last good row wins', async () => {
  const [from, to] = ['crowd', 'crowd_to'];
  await database.run(`CREATE TABLE ${from} (n bigint PRIMARY KEY, id bigint NOT NULL, body text);
    INSERT INTO ${from} SELECT i, i % 901, CASE WHEN i * 7919 % 5 < 2 THEN 'bad' ELSE 'row ' || i END FROM generate_series(1, 2500) i;
    CREATE TABLE ${to} (n bigint, id bigint PRIMARY KEY, body text CHECK (body <> 'bad')); INSERT INTO ${to} VALUES (0, 2, 'old'), (0, 1000, 'kept')`);
  const options = { mode: 'Id', idField: 'n', key: ['id'], existingRows: 'Keep' } as const;
  const flow = await openFlow(database, { from, to, onError: 'Skip', maxRows: 3_000, ...options });
  await flow.claim();
  const { batches } = await flow.pass();
  assert.equal(batches.length, 1);
  const expected = `SELECT DISTINCT ON (id) n, id, body FROM ${from} WHERE body <> 'bad' ORDER BY id, n DESC`;
  assert.deepEqual(
    await database.run(`SELECT n, id, body FROM ${to} WHERE id < 1000 ORDER BY id`),
    await database.run(expected),
  );
  await flow.close();
});
