import assert from 'node:assert/strict';
import { test } from 'node:test';
import { openFlow } from '../../sql/test-flow.ts';
import { connector } from '../connector.ts';
import { accessOf, testDatabase } from '../test-harness.ts';

test('an unknown name within a value does not count as a change of the table', async () => {
  const [here, there] = [await testDatabase(), await testDatabase()];
  try {
    await here.run(
      "CREATE TABLE here_only (); CREATE TABLE reg (id int PRIMARY KEY, c regclass); INSERT INTO reg VALUES (1, 'here_only')",
    );
    await there.run('CREATE TABLE reg (id int PRIMARY KEY, c regclass)');
    const ends = { connector, source: accessOf(here), destination: accessOf(there) };
    const flow = await openFlow(ends, { from: 'reg', to: 'reg' });
    await flow.claim();
    await assert.rejects(flow.pass(), (error: { code?: string; message: string }) => {
      assert.notEqual(error.code, 'SchemaChanged');
      assert.match(error.message, /here_only/);
      return true;
    });
    await flow.close();
  } finally {
    await Promise.all([here.stop(), there.stop()]);
  }
});
