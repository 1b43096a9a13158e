import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Session } from '../session.ts';
import { onServer } from '../test-harness.ts';
import type { ServerFacts } from './server-facts.ts';
import { askForKept, keptAnswer, readingBegins, readingEnds, settings, setUpText } from './settings.ts';

const signal = new AbortController().signal;

test('a setting that resets another comes before it, and a server is not asked twice for one that it does not know', () => {
  const names = settings.map(({ name }) => name);
  assert.deepEqual(names, [...new Set(names)]);
  for (const name of ['DATEFORMAT', 'DATEFIRST']) assert.ok(names.indexOf('LANGUAGE') < names.indexOf(name));
  const text = setUpText(5_000, new Set(['NOEXEC']));
  assert.match(text, /SET XACT_ABORT ON.*; SET LOCK_TIMEOUT 5000$/);
  assert.doesNotMatch(text, /NOEXEC/);
});

test('readers read a snapshot where READ COMMITTED would wait for writers, except memory-optimized tables', () => {
  const sessionWith = (allowsSnapshot: boolean, readsVersions: boolean) => ({
    facts: { allowsSnapshot, readsVersions } as ServerFacts,
  });
  const locking = sessionWith(true, false);
  assert.match(readingBegins(locking), /ISOLATION LEVEL SNAPSHOT; BEGIN TRANSACTION$/);
  assert.match(readingEnds(locking), /ROLLBACK TRANSACTION; SET TRANSACTION ISOLATION LEVEL READ COMMITTED$/);
  assert.equal(readingBegins(locking, { isMemoryOptimized: true }), 'BEGIN TRANSACTION');
  for (const other of [sessionWith(true, true), sessionWith(false, false)])
    assert.equal(readingBegins(other), 'BEGIN TRANSACTION');
});

onServer((database) => {
  test('what a use of a session has changed or left is gone for the next one', async () => {
    const session = await Session.open(database.access, 'reader', signal);
    try {
      const answer = async (sql: string) => (await session.query(sql))[0]?.map(Number);
      const state = `SELECT @@LOCK_TIMEOUT, @@DATEFIRST, @@TRANCOUNT, CASE WHEN OBJECT_ID('tempdb..#left') IS NULL THEN 0 ELSE 1 END`;
      assert.deepEqual(await answer(state), [60_000, 7, 0, 0]);
      await session.run(
        'SET XACT_ABORT OFF; SET QUOTED_IDENTIFIER OFF; SET LOCK_TIMEOUT 5; SET DATEFIRST 1; CREATE TABLE #left (id int); BEGIN TRANSACTION',
      );
      assert.notDeepEqual(await answer(askForKept), [keptAnswer]);
      await session.reset();
      assert.deepEqual(await answer(askForKept), [keptAnswer]);
      assert.deepEqual(await answer(state), [60_000, 7, 0, 0]);
    } finally {
      await session.close();
    }
  });

  test('the first error in a batch prevents the later statements, and rolls back', async () => {
    const session = await Session.open(database.access, 'writer', signal);
    try {
      await session.run('CREATE TABLE dbo.kept (id int PRIMARY KEY)');
      const batch =
        'BEGIN TRANSACTION; INSERT INTO dbo.kept VALUES (1); INSERT INTO dbo.kept VALUES (1); INSERT INTO dbo.kept VALUES (2); COMMIT TRANSACTION';
      await assert.rejects(session.run(batch), { number: 2_627 });
      assert.deepEqual(await session.query('SELECT COUNT(*), @@TRANCOUNT FROM dbo.kept'), [[0, 0]]);
    } finally {
      await session.close();
    }
  });
});
