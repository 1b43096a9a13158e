import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { openFlow, type TestDatabase, testDatabase } from './test-ends.ts';

let database: TestDatabase;
before(async () => {
  database = await testDatabase();
});
after(() => database.stop());

describe('from table to table', () => {
  for (const wire of ['best', 'values'] as const) {
    test(`a snapshot with Upsert, wire ${wire}, in many batches`, async () => {
      await database.run(`CREATE TABLE a_${wire} (id bigint PRIMARY KEY, body text);
        INSERT INTO a_${wire} SELECT i * 7 % 1009, 'row ' || i FROM generate_series(1, 1000) i`);
      const flow = await openFlow(database, { from: `a_${wire}`, to: `b_${wire}`, wire, maxRows: 90 });
      assert.equal(flow.wire.format, wire === 'best' ? 'pgcopy-binary' : 'values');
      await flow.claim();
      const { batches } = await flow.pass();
      assert.ok(batches.length > 10);
      assert.deepEqual(
        await database.run(`SELECT * FROM b_${wire} ORDER BY id`),
        await database.run(`SELECT * FROM a_${wire} ORDER BY id`),
      );
      await flow.close();
    });
  }
});
