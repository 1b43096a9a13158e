import assert from 'node:assert/strict';
import { beforeEach, test } from 'node:test';
import type { Share } from '../../core/budget.ts';
import type { IdraError } from '../../core/errors.ts';
import { TestClock } from '../../e2e/kit/test-clock.ts';
import { type BatchHolder, BatchMemory } from './batch-memory.ts';

const total = 40;
const batch = 10;

let clock: TestClock;
let memory: BatchMemory;
beforeEach(() => {
  clock = new TestClock();
  memory = new BatchMemory(clock, total);
});

/** A Sync that takes one batch in each pass. */
class Reader {
  readonly holder: BatchHolder;
  share: Share | undefined;
  error: IdraError | undefined;
  #pass = new AbortController();

  constructor(namespace: string) {
    this.holder = { namespace, isKnownSlow: false, isWaiting: false };
  }

  get signal(): AbortSignal {
    return this.#pass.signal;
  }

  /** Until it is admitted, or until the pass is ended. */
  async take(amount = batch): Promise<void> {
    this.#pass = new AbortController();
    const { holder, signal } = this;
    const end = (error: IdraError) => {
      this.error = error;
      this.#pass.abort(error);
      this.share?.release();
      this.share = undefined;
    };
    this.share = await memory.take(amount, { holder, signal, end });
  }

  /** The batch was read and written. */
  write(amount = batch): void {
    this.share?.resize(amount);
    this.share?.release();
    this.share = undefined;
  }

  stop(): void {
    this.#pass.abort(new Error('stopped'));
  }
}

async function readers(namespace: string, count: number, amount = batch): Promise<Reader[]> {
  const all = Array.from({ length: count }, () => new Reader(namespace));
  await Promise.all(all.map((reader) => reader.take(amount)));
  return all;
}

/** They are admitted because the earlier ones have become slow. */
async function readersAfterWait(namespace: string, count: number): Promise<readonly Reader[]> {
  const all = readers(namespace, count);
  await clock.advance(10_000);
  return await all;
}

const isAdmitted = ({ share }: Reader) => share !== undefined;
const ended = (all: readonly Reader[]) => all.flatMap(({ error }, at) => (error ? [at] : []));

/** Starts one that must wait. */
async function waiting(namespace: string, amount = batch): Promise<Reader> {
  const reader = new Reader(namespace);
  void reader.take(amount).catch(() => {});
  await clock.advance(0);
  assert.deepEqual([isAdmitted(reader), reader.holder.isWaiting], [false, true]);
  return reader;
}

test('a slow batch makes room for one that waits, and is not moved before', async () => {
  const slow = await readers('n', 4);
  const other = await waiting('n');
  await clock.advance(9_000);
  assert.equal(isAdmitted(other), false);
  await clock.advance(1_000);
  assert.deepEqual([isAdmitted(other), memory.used], [true, total + batch]);
  await Promise.all(Array.from({ length: 3 }, () => new Reader('n').take()));
  assert.deepEqual([memory.used, ended(slow)], [2 * total, []]);
  for (const reader of slow) reader.write();
  assert.equal(memory.used, total);
});

test('batches that were slow before anyone waited make room at once', async () => {
  await readers('n', 4);
  await clock.advance(60_000);
  await new Reader('n').take();
});

test('where both budgets are full, one slow pass is ended after the other: the oldest of the namespace with most', async () => {
  const honest = await readers('honest', 1);
  const first = await readers('many', 3);
  await clock.advance(10_000);
  const second = await readers('many', 4);
  const last = await waiting('other');
  const next = await waiting('other');
  await clock.advance(9_000);
  assert.deepEqual(ended([...first, ...second]), []);
  await clock.advance(1_000);
  assert.deepEqual([ended(honest), ended(first), ended(second)], [[], [0], []]);
  assert.deepEqual([isAdmitted(last), isAdmitted(next)], [true, false]);
  await clock.advance(4_000);
  assert.equal(isAdmitted(next), false);
  await clock.advance(1_000);
  assert.deepEqual([ended(honest), ended(first), isAdmitted(next)], [[], [0, 1], true]);
  const { code, disposition } = first[0]?.error ?? {};
  assert.deepEqual([code, disposition], ['SlowPassEnded', 'transient']);
});

test('while others are admitted, nobody is ended', async () => {
  const slow = await readers('n', 4);
  await clock.advance(10_000);
  const [busy, ...alsoSlow] = await readers('n', 4);
  let current = busy as Reader;
  for (let time = 0; time < 20; time++) {
    const next = await waiting('n');
    await clock.advance(4_000);
    current.write();
    await clock.advance(0);
    assert.ok(isAdmitted(next));
    current = next;
  }
  assert.deepEqual(ended([...slow, ...alsoSlow]), []);
});

test('a Sync that was ended waits for slow ones only, until it has been fast', async () => {
  const slow = await readers('n', 4);
  await clock.advance(10_000);
  await readers('n', 4);
  await waiting('n');
  await clock.advance(15_000);
  const [one, two] = slow as [Reader, Reader];
  assert.deepEqual(ended(slow), [0]);
  void one.take();
  await clock.advance(60_000);
  assert.deepEqual([isAdmitted(one), ended(slow)], [false, [0]], 'it makes no room for itself');
  two.write();
  await clock.advance(0);
  assert.deepEqual([isAdmitted(one), one.holder.isKnownSlow], [true, true]);
  one.stop();
  one.write();
  assert.equal(one.holder.isKnownSlow, true, 'it was stopped, not fast');
  await one.take();
  one.write(0);
  assert.equal(one.holder.isKnownSlow, true, 'there were no rows');
  await one.take();
  await clock.advance(20_000);
  one.write();
  assert.equal(one.holder.isKnownSlow, true, 'it was slow again');
  await one.take();
  await clock.advance(1_000);
  one.write();
  assert.equal(one.holder.isKnownSlow, false);
});

test('batches that never end keep a known slow Sync of another namespace out for some minutes only', async () => {
  const stalled = await readers('stalled', 4);
  const others = await readersAfterWait('stalled', 4);
  for (const reader of others) reader.write();
  const ofSame = new Reader('stalled');
  const slow = new Reader('honest');
  for (const reader of [ofSame, slow]) {
    reader.holder.isKnownSlow = true;
    void reader.take().catch(() => {});
  }
  await clock.advance(9 * 60_000);
  assert.deepEqual([ended(stalled), isAdmitted(slow)], [[], false]);
  await clock.advance(60_000);
  assert.deepEqual([ended(stalled), isAdmitted(slow), isAdmitted(ofSame)], [[0], true, false]);
  await clock.advance(60 * 60_000);
  assert.deepEqual([ended(stalled), slow.error], [[0], undefined]);
});

test('one that begins to wait waits its time, whoever waited before', async () => {
  const slow = await readers('n', 4);
  const fast = await readersAfterWait('n', 4);
  const known = new Reader('n');
  known.holder.isKnownSlow = true;
  void known.take().catch(() => {});
  await clock.advance(60_000);
  await waiting('n');
  await clock.advance(4_000);
  assert.deepEqual(ended([...slow, ...fast]), []);
  await clock.advance(2_000);
  assert.deepEqual(ended([...slow, ...fast]), [0]);
});

test('the namespace that holds least is admitted first', async () => {
  const many = await readers('many', 4);
  const again = await waiting('many');
  const other = await waiting('other');
  many[0]?.write();
  await clock.advance(0);
  assert.deepEqual([isAdmitted(again), isAdmitted(other)], [false, true]);
});

test('one that stops waiting, and one that is released twice, leave nothing behind', async () => {
  const [first, ...rest] = await readers('n', 4);
  const stopped = await waiting('n', 2 * total);
  const next = await waiting('n');
  stopped.stop();
  first?.share?.release();
  first?.write();
  await clock.advance(0);
  assert.deepEqual([isAdmitted(stopped), isAdmitted(next), memory.used], [false, true, total]);
  for (const reader of [...rest, next]) reader.write();
  assert.equal(memory.used, 0);
});

test('a row larger than both budgets is moved like others, and counts as one batch', async () => {
  const large = new Reader('large');
  await large.take(5 * total);
  const many = await Promise.all(Array.from({ length: 3 }, () => waiting('many')));
  await clock.advance(10_000);
  assert.deepEqual(many.map(isAdmitted), [true, true, true]);
  await readers('many', 1);
  await waiting('other');
  await clock.advance(30_000);
  assert.deepEqual([ended(many)[0], large.error], [0, undefined]);
});

test('batches that become slow one after the other do not keep a known slow Sync waiting for ever', async () => {
  const all = await readers('small', 8, 5);
  const known = new Reader('large');
  known.holder.isKnownSlow = true;
  await clock.advance(10_000);
  // All are in the second budget now, and each that is written makes room for one that has become slow.
  all.push(...(await readers('small', 8, 5)));
  void known.take(2 * batch).catch(() => {});
  for (let time = 0; time < 40 && !isAdmitted(known); time++) {
    await clock.advance(4_000);
    const next = waiting('small', 5);
    await clock.advance(0);
    all.shift()?.write(5);
    all.push(await next);
  }
  assert.ok(isAdmitted(known));
});

test('a slow batch is not ended if another namespace has more, in batches that are not slow yet', async () => {
  const slow = Array.from({ length: 4 }, () => new Reader('many'));
  for (const reader of slow) reader.holder.isKnownSlow = true;
  const [honest] = await readers('honest', 1);
  await clock.advance(4_000);
  await Promise.all(slow.map((reader) => reader.take()));
  const fast = await readers('many', 3);
  await waiting('many');
  await clock.advance(9_000);
  assert.deepEqual([honest?.error, ended([...slow, ...fast])], [undefined, []]);
  await clock.advance(2_000);
  assert.deepEqual([honest?.error, ended([...slow, ...fast])], [undefined, [0]]);
});
