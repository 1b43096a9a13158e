import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { openFlow } from '../../sql/test-flow.ts';
import { connector } from '../connector.ts';
import { servers, TestDatabase } from '../test-harness.ts';

for (const [name, start] of servers) {
  describe(name, () => {
    let database: TestDatabase;
    let mysql: TestDatabase;
    before(async () => {
      database = await TestDatabase.create(start);
      mysql = await TestDatabase.create(servers[0]?.[1] ?? start);
    });
    after(async () => {
      await database?.stop();
      await mysql?.stop();
    });

    test('JSON of MySQL arrives with all digits of its doubles, in a created table and in an existing one', async () => {
      const rows = `(1, '{"lat": 45.46420000000001}'), (2, '{"pi": 3.141592653589793}'), (3, '[1.5e-300, 18446744073709551615]')`;
      await mysql.run(`CREATE TABLE place (id INT PRIMARY KEY, j JSON); INSERT INTO place VALUES ${rows}`);
      const ends = { connector, source: mysql.access, destination: database.access };
      for (const pass of [1, 2]) {
        const flow = await openFlow(ends, { from: 'place', to: 'place_to' });
        await flow.claim();
        await flow.pass({ mode: 'Snapshot', pass, key: null, isComplete: false });
        await flow.close();
        const json = (from: TestDatabase, table: string) => from.run(`SELECT j FROM ${table} ORDER BY id`);
        assert.deepEqual(await json(database, 'place_to'), await json(mysql, 'place'));
      }
    });
  });
}
