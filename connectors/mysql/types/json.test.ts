import assert from 'node:assert/strict';
import { test } from 'node:test';
import { mysql as startMysql } from '../../../e2e/kit/servers.ts';
import { openFlow } from '../../sql/test-flow.ts';
import { connector } from '../connector.ts';
import { onEachServer, TestDatabase } from '../test-harness.ts';

onEachServer((database) => {
  test('JSON of MySQL arrives with all digits of its doubles, in a created table and in an existing one', async () => {
    const mysql = await TestDatabase.create(startMysql);
    try {
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
    } finally {
      await mysql.stop();
    }
  });
});
