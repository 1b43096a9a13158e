import assert from 'node:assert/strict';
import { test } from 'node:test';
import { until } from '../../../e2e/kit/wait.ts';
import { onEachServer } from '../test-harness.ts';

const signal = new AbortController().signal;

onEachServer((database) => {
  const run = (sql: string) => database.run(sql);
  const fill = (table: string, rows: number) => database.fill(table, rows);

  test('the largest values are canonical', async () => {
    await run(`CREATE TABLE last_from (id BIGINT PRIMARY KEY, at TIMESTAMP(6) NOT NULL);
        INSERT INTO last_from VALUES (9007199254740993, '2026-11-24 08:00:00.123400'), (2, '2026-11-24 08:00:00.1234')`);
    const flow = await database.flow({
      from: 'last_from',
      to: 'last_to',
      mode: 'Timestamp',
      timestampField: 'at',
    });
    await flow.claim({ keepsOffset: false });
    await flow.pass();
    assert.deepEqual(await flow.destination.largest(['at', 'id'], signal), [
      '2026-11-24 08:00:00.1234Z',
      9007199254740993n,
    ]);
    await flow.close();
  });

  test('a session that the claim ended is rolled back, whatever it held', async () => {
    await fill('rolled_from', 3);
    const flow = await database.flow({ from: 'rolled_from', to: 'rolled_to' });
    await flow.claim({ token: 1n });
    const holders = () => run("SELECT session FROM _idra_commits WHERE `table` = 'rolled_to'");
    const [[first] = []] = await holders();
    const next = await database.flow({ from: 'rolled_from', to: 'rolled_to' });
    await next.claim({ token: 2n });
    assert.notEqual((await holders())[0]?.[0], first);
    await until(async () => (await run('SHOW PROCESSLIST')).every(([id]) => id !== first), {
      what: 'the first session to end',
    });
    await Promise.all([flow.close(), next.close()]);
  });
});
