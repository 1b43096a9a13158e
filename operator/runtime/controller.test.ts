import assert from 'node:assert/strict';
import { test } from 'node:test';
import { permanent, transient } from '../../core/errors.ts';
import { TestClock } from '../../e2e/kit/test-clock.ts';
import { until } from '../../e2e/kit/wait.ts';
import { Controller, type ControllerOptions } from './controller.ts';
import { TestLog } from './test-cluster.ts';

const ready = { whenSynced: async () => {} };

function make(options: Partial<ControllerOptions> & Pick<ControllerOptions, 'reconcile'>): Controller {
  return new Controller({ name: 'test', keys: () => [], sources: [ready], log: new TestLog(), ...options });
}

test('starts with all keys, once its sources are complete', async () => {
  const gate = Promise.withResolvers<void>();
  const seen: string[] = [];
  const stop = new AbortController();
  const controller = make({
    reconcile: async (key) => void seen.push(key),
    keys: () => ['a', 'b', 'c'],
    sources: [{ whenSynced: () => gate.promise }],
  });
  const running = controller.run(stop.signal);
  controller.enqueue('early');
  assert.deepEqual(seen, []);
  gate.resolve();
  await until(() => seen.length === 4, { what: 'four reconciles' });
  assert.deepEqual(seen, ['early', 'a', 'b', 'c']);
  stop.abort();
  await running;
});

test('keys that fail or hang do not delay others', async () => {
  const clock = new TestClock();
  const stop = new AbortController();
  const done = new Map<string, number>();
  const outcomes: string[] = [];
  const log = new TestLog();
  const controller = make({
    clock,
    log,
    concurrency: 2,
    keys: () => ['hangs', 'broken', 'refused', ...Array.from({ length: 500 }, (_, index) => `good-${index}`)],
    metrics: { onReconcile: (_, outcome) => void outcomes.push(outcome), onQueue: () => {} },
    reconcile: async (key, signal) => {
      done.set(key, (done.get(key) ?? 0) + 1);
      if (key === 'hangs')
        await new Promise((_, reject) => signal.addEventListener('abort', () => reject(signal.reason)));
      if (key === 'broken') throw new TypeError('a mistake');
      if (key === 'refused') throw permanent('KubernetesInvalid', 'no');
    },
    timeoutMs: 50,
  });
  const running = controller.run(stop.signal);
  await until(() => [...done.keys()].length === 503 && outcomes.includes('transient'), {
    what: 'all keys to have had their turn',
  });
  assert.ok(outcomes.includes('bug') && outcomes.includes('permanent'));
  assert.ok(log.lines.includes('error reconcile failed'));
  await clock.advance(10_000);
  assert.equal(done.get('good-0'), 1);
  // A permanent error waits longer than a transient one.
  assert.equal(done.get('refused'), 1);
  stop.abort();
  await running;
});

test('a key that fails is retried until it succeeds, and requeueAfterMs is kept', async () => {
  const clock = new TestClock();
  const stop = new AbortController();
  let calls = 0;
  const controller = make({
    clock,
    keys: () => ['a'],
    reconcile: async () => {
      calls++;
      if (calls < 4) throw transient('KubernetesTimeout', 'not yet');
      return { requeueAfterMs: 30_000 };
    },
  });
  const running = controller.run(stop.signal);
  await clock.advance(10_000);
  assert.equal(calls, 4);
  await clock.advance(15_000);
  assert.equal(calls, 4);
  await clock.advance(15_000);
  assert.equal(calls, 5);
  stop.abort();
  await running;
});

test('after a period without events every key is reconciled, spread over time', async () => {
  const clock = new TestClock();
  const stop = new AbortController();
  const times = new Map<string, number[]>();
  const keys = Array.from({ length: 200 }, (_, index) => `k${index}`);
  const controller = make({
    clock,
    keys: () => keys,
    resyncMs: 600_000,
    reconcile: async (key) => void times.set(key, [...(times.get(key) ?? []), clock.monotonicMs()]),
  });
  const running = controller.run(stop.signal);
  await clock.advance(599_999);
  assert.ok(keys.every((key) => times.get(key)?.length === 1));
  await clock.advance(600_001);
  assert.ok(keys.every((key) => times.get(key)?.length === 2));
  assert.ok(new Set([...times.values()].map((each) => each[1])).size > 100);
  stop.abort();
  await running;
});

test('when run again it completes the interrupted work', async () => {
  const first = new AbortController();
  let calls = 0;
  const controller = make({
    keys: () => ['a'],
    reconcile: async (_, signal) => {
      calls++;
      if (calls === 1)
        await new Promise((_resolve, reject) =>
          signal.addEventListener('abort', () => reject(signal.reason)),
        );
    },
  });
  const running = controller.run(first.signal);
  await until(() => calls === 1, { what: 'the first call' });
  first.abort();
  await running;
  const second = new AbortController();
  const again = controller.run(second.signal);
  await until(() => calls === 2, { what: 'the second call' });
  second.abort();
  await again;
});

test('a controller that does not run does not queue changes', async () => {
  const depths: number[] = [];
  const seen: string[] = [];
  const controller = make({
    keys: () => ['known'],
    metrics: { onReconcile: () => {}, onQueue: (_name, depth, delayed) => void depths.push(depth + delayed) },
    reconcile: async (key) => {
      seen.push(key);
      return { requeueAfterMs: 3_600_000 };
    },
  });
  for (let index = 0; index < 100; index++) controller.enqueue(`k${index}`);
  controller.enqueueAfter('later', 1_000);
  assert.deepEqual(depths, []);
  const stop = new AbortController();
  const running = controller.run(stop.signal);
  await until(() => seen.length === 1, { what: 'the key that there is' });
  stop.abort();
  await running;
  assert.deepEqual(seen, ['known']);
  assert.equal(depths.at(-1), 0, 'what waited for its time is not kept for another term');
});
