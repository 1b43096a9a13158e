import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { isFenced } from '../../sql/test-flow.ts';
import { openFlow, type TestDatabase, testDatabase } from '../test-harness.ts';

let database: TestDatabase;
before(async () => {
  database = await testDatabase();
});
after(() => database.stop());

async function equal(from: string, to: string): Promise<void> {
  const rows = (table: string) => database.run(`SELECT * FROM ${table} ORDER BY 1`);
  assert.deepEqual(await rows(to), await rows(from));
}

test('identity columns accept the values of the source', async () => {
  await database.run(`CREATE TABLE ident (id int GENERATED ALWAYS AS IDENTITY PRIMARY KEY, nr int, body text);
    INSERT INTO ident (nr, body) SELECT i, 'b' FROM generate_series(1, 5) i;
    CREATE TABLE ident_to (id int GENERATED ALWAYS AS IDENTITY PRIMARY KEY, nr int, body text)`);
  const flow = await openFlow(database, { from: 'ident', to: 'ident_to' });
  await flow.claim();
  await flow.pass();
  await database.run("UPDATE ident SET body = 'c'");
  await flow.pass({ mode: 'Snapshot', pass: 2, key: null, isComplete: false });
  await equal('ident', 'ident_to');
  await flow.close();
});

test('a session that its owner has abandoned commits nothing, even if it could not be ended', async () => {
  await database.run(
    'CREATE TABLE given_up (id bigint PRIMARY KEY); INSERT INTO given_up SELECT generate_series(1, 40)',
  );
  const options = { from: 'given_up', to: 'given_up_to', writeMode: 'Append', maxRows: 10 } as const;
  const old = await openFlow(database, options);
  await old.claim({ token: 5n });
  const [batch] = await old.batches();
  const next = await openFlow(database, options);
  await database.run('UPDATE _idra_commits SET session = NULL WHERE "table" = \'given_up_to\'');
  await next.claim({ token: 5n });
  await assert.rejects(old.write(batch), isFenced);
  await next.pass();
  await equal('given_up', 'given_up_to');
  await Promise.all([old.close(), next.close()]);
});
