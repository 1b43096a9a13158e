import assert from 'node:assert/strict';
import { test } from 'node:test';
import { isFenced } from '../../sql/test-flow.ts';
import { onServer } from '../test-harness.ts';

const signal = new AbortController().signal;

onServer((database) => {
  test('a session that its owner has abandoned writes nothing, although its token is the stored one', async () => {
    await database.fill('dbo.left_from', 3);
    const abandoned = await database.flow({ from: 'dbo.left_from', to: 'dbo.left_to' });
    await abandoned.claim({ token: 1n });
    const next = await database.flow({ from: 'dbo.left_from', to: 'dbo.left_to' });
    await next.claim({ token: 1n });
    await assert.rejects(abandoned.pass(), isFenced);
    assert.deepEqual(await database.run('SELECT COUNT(*) FROM dbo.left_to'), [['0']]);
    await next.pass();
    assert.deepEqual(await database.run('SELECT COUNT(*) FROM dbo.left_to'), [['3']]);
  });

  test('the largest values are canonical', async () => {
    await database.run(`CREATE TABLE dbo.last_from (id bigint PRIMARY KEY, at datetime2(6) NOT NULL);
      INSERT INTO dbo.last_from VALUES (9007199254740993, '2026-11-24 08:00:00.123456'), (2, '2026-11-24 08:00:00.123455')`);
    const flow = await database.flow({
      from: 'dbo.last_from',
      to: 'dbo.last_to',
      mode: 'Timestamp',
      timestampField: 'at',
      safetyLagMs: 0,
    });
    await flow.claim({ keepsOffset: false });
    await flow.pass();
    assert.deepEqual(await flow.destination.largest(['at', 'id'], signal), [
      '2026-11-24 08:00:00.123456',
      9007199254740993n,
    ]);
  });
});
