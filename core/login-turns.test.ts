import assert from 'node:assert/strict';
import { test } from 'node:test';
import { setImmediate } from 'node:timers/promises';
import { TestClock } from '../e2e/kit/test-clock.ts';
import { LoginTurns } from './login-turns.ts';

const never = new AbortController().signal;

test('logins that a server does not answer keep no other namespace from it, and later ones follow by turns', async () => {
  const clock = new TestClock();
  const turns = new LoginTurns(clock);
  const begun: string[] = [];
  const login = (namespace: string) =>
    void turns.use(namespace, never, async () => {
      begun.push(namespace);
      await Promise.withResolvers().promise;
    });
  for (let count = 0; count < 10; count++) login('stuck');
  login('other');
  await clock.advance(4_000);
  assert.deepEqual(begun, ['stuck', 'stuck', 'stuck']);
  await clock.advance(1_000);
  assert.deepEqual(begun.slice(3), ['stuck', 'stuck', 'other']);
  await clock.advance(5_000);
  assert.equal(begun.length, 9);
});

test('a login gives its turn back once, whether it ends early, late, or by an error', async () => {
  const clock = new TestClock();
  const turns = new LoginTurns(clock);
  let running = 0;
  const login = (ms: number) =>
    turns
      .use('n', never, async () => {
        running += 1;
        await clock.sleep(ms);
        running -= 1;
        if (ms % 2_000 === 0) throw new Error('refused');
      })
      .catch(() => {});
  await Promise.all([...[1_000, 2_000, 7_000, 8_000].map(login), clock.advance(20_000)]);
  for (let count = 0; count < 5; count++) void login(3_000);
  await clock.advance(0);
  assert.equal(running, 3);
  await clock.advance(3_000);
  assert.equal(running, 2);
});

test('a caller that stops waiting leaves nothing behind', async () => {
  const clock = new TestClock();
  const turns = new LoginTurns(clock);
  const ends = [1, 2, 3].map(() => Promise.withResolvers<void>());
  const all = ends.map(({ promise }) => turns.use('n', never, () => promise));
  const stop = new AbortController();
  const stopped = turns.use('n', stop.signal, async () => assert.fail('it began'));
  let hasBegun = false;
  const next = turns.use('n', never, async () => {
    hasBegun = true;
  });
  stop.abort(new Error('stopped'));
  await assert.rejects(stopped, /stopped/);
  assert.equal(hasBegun, false);
  for (const end of ends) end.resolve();
  await Promise.all([...all, next]);
  await setImmediate();
  assert.equal(hasBegun, true);
});
