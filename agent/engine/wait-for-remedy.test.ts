import assert from 'node:assert/strict';
import { test } from 'node:test';
import { manifests } from '../../connectors/catalog.ts';
import type { SecretReader } from '../../core/access.ts';
import { permanent, transient } from '../../core/errors.ts';
import { Secret } from '../../core/secret.ts';
import { TestClock } from '../../e2e/kit/test-clock.ts';
import type { RunState } from './run-state.ts';
import { waitForRemedy } from './wait-for-remedy.ts';

const passwordSecretRef = { name: 'shop-db', key: 'password' };
const dataSource = (more: object) =>
  manifests.readDataSource({
    uid: 'd',
    namespace: 'default',
    name: 'shop',
    generation: 1,
    spec: { postgres: { host: 'db', database: 'd', user: 'u', ...more } },
  });

/** Waits at most one minute; `read` returns the password. */
function waiting(read: () => string, more: object = { passwordSecretRef }) {
  const clock = new TestClock();
  const stop = new AbortController();
  const secrets: SecretReader = { read: async () => new Secret(read()) };
  const state = {
    context: { clock, secrets, source: dataSource(more), destination: dataSource(more) },
    wake: {
      interrupt: () => stop.signal,
      sleep: async (ms: number) => await clock.sleep(ms, stop.signal).catch(() => {}),
    },
  } as unknown as RunState;
  let endedMs: number | undefined;
  void waitForRemedy(state, 60_000).then(() => {
    endedMs = clock.monotonicMs();
  });
  return { clock, stop, endedMs: () => endedMs };
}

test('a corrected Secret ends the wait within seconds, also one that was missing', async () => {
  let password: string | undefined = 'wrong';
  const read = () => {
    if (password === undefined) throw permanent('SecretNotFound', 'there is none');
    return password;
  };
  const corrected = waiting(read);
  await corrected.clock.advance(12_000);
  assert.equal(corrected.endedMs(), undefined);
  password = 'right';
  await corrected.clock.advance(5_000);
  assert.equal(corrected.endedMs(), 15_000);

  password = undefined;
  const made = waiting(read);
  await made.clock.advance(7_000);
  password = 'right';
  await made.clock.advance(5_000);
  assert.equal(made.endedMs(), 10_000);
});

test('without a change the wait lasts its full time, even if the Secret cannot be read; a request ends it', async () => {
  let isUp = true;
  const flickering = waiting(() => {
    if (!isUp) throw transient('SecretUnavailable', 'no answer');
    return 'the same';
  });
  await flickering.clock.advance(20_000);
  isUp = false;
  await flickering.clock.advance(10_000);
  isUp = true;
  await flickering.clock.advance(29_000);
  assert.equal(flickering.endedMs(), undefined);
  await flickering.clock.advance(1_000);
  assert.equal(flickering.endedMs(), 60_000);

  const without = waiting(() => 'never read', {});
  await without.clock.advance(60_000);
  assert.equal(without.endedMs(), 60_000);

  const stopped = waiting(() => 'the same');
  await stopped.clock.advance(7_000);
  stopped.stop.abort();
  await stopped.clock.advance(1);
  assert.notEqual(stopped.endedMs(), undefined);
});
