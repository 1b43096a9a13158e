import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { TestClock } from '../../e2e/kit/test-clock.ts';
import { WorkQueue } from './work-queue.ts';

const forever = new AbortController().signal;

async function nextNow(queue: WorkQueue): Promise<string | undefined> {
  const stop = new AbortController();
  const taken = queue.next(stop.signal);
  stop.abort();
  return await taken;
}

test('a key added many times is handed out once', async () => {
  const queue = new WorkQueue({ clock: new TestClock() });
  for (const key of ['a', 'b', 'a', 'a']) queue.add(key);
  assert.equal(queue.depth, 2);
  assert.deepEqual([await nextNow(queue), await nextNow(queue), await nextNow(queue)], ['a', 'b', undefined]);
});

test('a key added while it is processed is handed out after done, not before', async () => {
  const queue = new WorkQueue({ clock: new TestClock() });
  queue.add('a');
  assert.equal(await nextNow(queue), 'a');
  queue.add('a');
  assert.equal(await nextNow(queue), undefined);
  queue.done('a');
  assert.equal(await nextNow(queue), 'a');
  queue.done('a');
  assert.equal(await nextNow(queue), undefined);
});

test('a waiter gets a key as soon as it is added, in order of arrival', async () => {
  const queue = new WorkQueue({ clock: new TestClock() });
  const got = Promise.all([queue.next(forever), queue.next(forever)]);
  queue.add('a');
  queue.add('b');
  assert.deepEqual(await got, ['a', 'b']);
});

test('a failing key waits longer each time, and the others do not wait', async () => {
  const clock = new TestClock();
  const queue = new WorkQueue({ clock, random: () => 0 });
  const limits = { baseMs: 1_000, maxMs: 4_000 };
  const waits: number[] = [];
  for (let failure = 0; failure < 5; failure++) {
    queue.add('bad');
    assert.equal(await nextNow(queue), 'bad');
    queue.retry('bad', limits);
    queue.done('bad');
    queue.add('good');
    assert.equal(await nextNow(queue), 'good');
    queue.done('good');
    let waitedMs = 0;
    for (; (await nextNow(queue)) === undefined; waitedMs += 100) await clock.advance(100);
    waits.push(waitedMs);
    queue.done('bad');
  }
  assert.deepEqual(waits, [500, 1_000, 2_000, 2_000, 2_000]);
  queue.forget('bad');
  assert.equal(queue.retry('bad', limits), 1);
});

test('of two delays the earlier one applies, and handing out the key ends it', async () => {
  const clock = new TestClock();
  const queue = new WorkQueue({ clock });
  queue.addAfter('a', 5_000);
  queue.addAfter('a', 1_000);
  queue.addAfter('a', 9_000);
  const got = queue.next(forever);
  await clock.advance(1_000);
  assert.equal(await got, 'a');
  queue.addAfter('a', 3_000);
  queue.done('a');
  queue.add('a');
  assert.equal(await nextNow(queue), 'a');
  queue.done('a');
  await clock.advance(60_000);
  assert.equal(await nextNow(queue), undefined);
});

test('a waiter that is aborted takes no key', async () => {
  const clock = new TestClock();
  const queue = new WorkQueue({ clock });
  const stop = new AbortController();
  const given = queue.next(stop.signal);
  stop.abort();
  assert.equal(await given, undefined);
  const waiting = queue.next(forever);
  queue.add('a');
  assert.equal(await waiting, 'a');
});

type Step =
  | { readonly do: 'add' | 'finish' | 'fail'; readonly key: string }
  | { readonly do: 'addAfter'; readonly key: string; readonly ms: number }
  | { readonly do: 'take' }
  | { readonly do: 'advance'; readonly ms: number };

const key = fc.constantFrom('a', 'b', 'c', 'd');
const step: fc.Arbitrary<Step> = fc.oneof(
  fc.record({ do: fc.constantFrom('add', 'finish', 'fail'), key }) as fc.Arbitrary<Step>,
  fc.record({ do: fc.constant('addAfter' as const), key, ms: fc.integer({ min: 1, max: 5_000 }) }),
  fc.record({ do: fc.constant('take' as const) }),
  fc.record({ do: fc.constant('advance' as const), ms: fc.integer({ min: 1, max: 3_000 }) }),
);

test('property: no key is handed out twice, lost or invented', async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(step, { maxLength: 60 }), async (steps) => {
      const clock = new TestClock();
      const queue = new WorkQueue({ clock });
      const inHand = new Set<string>();
      /** Requested since it was last handed out. */
      const owed = new Set<string>();
      const giveBack = (each: string, hasFailed: boolean) => {
        if (!inHand.delete(each)) return;
        if (hasFailed) queue.retry(each, { baseMs: 100, maxMs: 1_000 });
        if (hasFailed) owed.add(each);
        queue.done(each);
      };
      const receive = (each: string) => {
        assert.ok(!inHand.has(each), `${each} is in two hands`);
        assert.ok(owed.delete(each), `${each} was not asked for`);
        inHand.add(each);
      };
      for (const each of steps) {
        if (each.do === 'add') queue.add(each.key);
        if (each.do === 'addAfter') queue.addAfter(each.key, each.ms);
        if (each.do === 'add' || each.do === 'addAfter') owed.add(each.key);
        if (each.do === 'finish' || each.do === 'fail') giveBack(each.key, each.do === 'fail');
        if (each.do === 'advance') await clock.advance(each.ms);
        if (each.do !== 'take') continue;
        const taken = await nextNow(queue);
        if (taken !== undefined) receive(taken);
      }
      for (const each of [...inHand]) giveBack(each, false);
      await clock.advance(60_000);
      for (let taken = await nextNow(queue); taken !== undefined; taken = await nextNow(queue))
        receive(taken);
      assert.deepEqual([...owed], []);
    }),
    { numRuns: 300 },
  );
});

test('property: first come, first served', async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(fc.boolean(), { maxLength: 80 }), async (steps) => {
      const queue = new WorkQueue({ clock: new TestClock() });
      const line: string[] = [];
      for (const [index, isAdd] of steps.entries()) {
        if (isAdd) {
          queue.add(`${index}`);
          line.push(`${index}`);
        } else assert.equal(await nextNow(queue), line.shift());
      }
      assert.equal(queue.depth, line.length);
    }),
  );
});

test('property: waiters get delayed keys in the order of their due times', async () => {
  const delays = fc.uniqueArray(fc.integer({ min: 1, max: 100_000 }), { maxLength: 40 });
  await fc.assert(
    fc.asyncProperty(delays, async (times) => {
      const clock = new TestClock();
      const queue = new WorkQueue({ clock });
      for (const ms of times) queue.addAfter(`${ms}`, ms);
      const got: number[] = [];
      const stop = new AbortController();
      const loop = (async () => {
        for (
          let taken = await queue.next(stop.signal);
          taken !== undefined;
          taken = await queue.next(stop.signal)
        ) {
          got.push(Number(taken));
          assert.ok(clock.monotonicMs() >= Number(taken), 'too early');
          queue.done(taken);
        }
      })();
      await clock.advance(100_000);
      stop.abort();
      await loop;
      assert.deepEqual(
        got,
        times.toSorted((a, b) => a - b),
      );
    }),
    { numRuns: 100 },
  );
});
