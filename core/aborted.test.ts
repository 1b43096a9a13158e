import assert from 'node:assert/strict';
import { test } from 'node:test';
import { firstAborted, orAborted } from './aborted.ts';
import { Stopped } from './errors.ts';

const stopped = new Stopped('shutdown');

test('the result, or the reason of the signal, whichever comes first', async () => {
  const end = new AbortController();
  assert.equal(await orAborted(Promise.resolve(1), end.signal), 1);
  const waiting = orAborted(new Promise(() => {}), end.signal);
  end.abort(stopped);
  await assert.rejects(waiting, stopped);
});

test('a failure after the signal has fired is not reported', async () => {
  const { promise, reject } = Promise.withResolvers<void>();
  await assert.rejects(orAborted(promise, AbortSignal.abort(stopped)), stopped);
  reject(new Error('late'));
  await new Promise(setImmediate);
});

test('the signal that fired first', async () => {
  const [one, other] = [new AbortController(), new AbortController()];
  const first = firstAborted(one.signal, other.signal);
  other.abort(stopped);
  assert.equal(await first, other.signal);
  assert.equal(await firstAborted(one.signal, other.signal), other.signal);
});
