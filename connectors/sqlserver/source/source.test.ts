import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { TestDatabase } from '../test-harness.ts';

describe('reading SQL Server', () => {
  let database: TestDatabase;
  before(async () => {
    database = await TestDatabase.create();
  });
  after(() => database?.stop());

  test('an error of the server that the object did not cause is reported as what it is', async () => {
    await database.run('CREATE TABLE dbo.divided (id bigint NOT NULL PRIMARY KEY, by_what int NOT NULL)');
    await database.run('INSERT INTO dbo.divided VALUES (1, 1), (2, 0)');
    await database.run('CREATE TABLE dbo.divided_to (id bigint NOT NULL PRIMARY KEY, part int)');
    const query = 'SELECT id, 10 / by_what AS part FROM dbo.divided';
    const flow = await database.flow({ from: 'dbo.divided', query, key: ['id'], to: 'dbo.divided_to' });
    await flow.claim();
    await assert.rejects(flow.pass(null), { code: 'ValueNotKept', message: /divides by zero/ });
  });
});
