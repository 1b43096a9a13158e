import assert from 'node:assert/strict';
import { before, test } from 'node:test';
import { installCrashHook } from '../../../core/crash-points.ts';
import { until } from '../../../e2e/kit/wait.ts';
import { onEachServer } from '../test-harness.ts';

onEachServer((database) => {
  before(async () => {
    await database.fill('swap_from', 5);
  });

  const run = (sql: string) => database.run(sql);
  const open = async (to: string) => {
    await run(
      `CREATE TABLE ${to} (id BIGINT PRIMARY KEY, body VARCHAR(40) NOT NULL); INSERT INTO ${to} VALUES (9, 'old')`,
    );
    const flow = await database.flow({ from: 'swap_from', to, writeMode: 'Replace', uid: to });
    await flow.claim();
    return flow;
  };

  test('nobody claims between the check of the token and the swap', async () => {
    const flow = await open('held_to');
    const other = await database.client();
    await other.query('SET SESSION innodb_lock_wait_timeout = 1');
    const seen: unknown[] = [];
    let commits = 0;
    installCrashHook(async (point) => {
      if (point !== 'commit:before' || ++commits < 2) return;
      const locking = "SELECT 1 FROM _idra_commits WHERE `table` = 'held_to' FOR UPDATE";
      seen.push(
        await other.query(locking).then(
          () => 'taken',
          (error: { errno?: number }) => error.errno,
        ),
      );
    });
    try {
      await flow.pass();
    } finally {
      installCrashHook(undefined);
    }
    assert.deepEqual(seen, [1205]);
    await flow.close();
  });

  test('a swap that waits for an open reader lets others read, and comes after it', async () => {
    const flow = await open('read_to');
    const reader = await database.client();
    await reader.query('START TRANSACTION; SELECT * FROM read_to');
    const passing = flow.pass();
    await until(
      async () =>
        (await database.server.query('SHOW FULL PROCESSLIST')).some((row) =>
          /metadata lock/.test(String(row.State)),
        ),
      { what: 'the swap to wait' },
    );
    const others = await database.client();
    const answered = await others.query('SELECT id FROM read_to');
    assert.deepEqual(
      (answered[0] as unknown[][]).map(([id]) => String(id)),
      ['9'],
    );
    await reader.query('COMMIT');
    await passing;
    assert.deepEqual(await run('SELECT COUNT(*) FROM read_to'), [['5']]);
    await flow.close();
  });
});
