import assert from 'node:assert/strict';
import { test } from 'node:test';
import { TestClock } from '../../e2e/kit/test-clock.ts';
import { type ChangeKind, StatusRateLimiter } from './status-rate-limiter.ts';

/** Uses StatusRateLimiter as the status controllers do: a key that may write does so, one that may not asks again. */
class Writers {
  readonly clock = new TestClock();
  readonly rateLimiter = new StatusRateLimiter(this.clock, { perObjectAMinute: 12, perSecond: 50 });
  readonly writes: { readonly key: string; readonly atMs: number }[] = [];
  readonly #kinds = new Map<string, ChangeKind>();

  constructor() {
    this.rateLimiter.onTurn = (key) => this.#attempt(key);
  }

  /** Something of this key has changed; changes that are already pending are combined in one write. */
  change(key: string, kind: ChangeKind): void {
    this.#kinds.set(key, this.#kinds.get(key) === 'news' ? 'news' : kind);
    this.#attempt(key);
  }

  of(key: string): readonly number[] {
    return this.writes.filter((each) => each.key === key).map(({ atMs }) => atMs);
  }

  #attempt(key: string): void {
    const kind = this.#kinds.get(key);
    if (kind === undefined) return;
    const turn = this.rateLimiter.ask(key, kind);
    if (turn.mayWrite) {
      this.#kinds.delete(key);
      this.writes.push({ key, atMs: this.clock.monotonicMs() });
      this.rateLimiter.written(key);
    } else if (turn.againInMs !== undefined)
      void this.clock.sleep(turn.againInMs).then(() => this.#attempt(key));
  }
}

function mostWithin(times: readonly number[], ms: number): number {
  return Math.max(...times.map((from) => times.filter((at) => at >= from && at < from + ms).length));
}

test('one object is written at most 12 times per minute', async () => {
  for (const kind of ['news', 'progress'] as const) {
    const writers = new Writers();
    for (let second = 0; second < 180; second++) {
      writers.change('a', kind);
      await writers.clock.advance(1_000);
    }
    assert.equal(mostWithin(writers.of('a'), 60_000) <= 12, true);
    assert.equal(writers.of('a').length >= 20, true);
  }
});

test('progress leaves turns for changes of state, which are written at once', async () => {
  const writers = new Writers();
  for (let second = 0; second < 60; second++) {
    writers.change('a', 'progress');
    await writers.clock.advance(1_000);
  }
  const before = writers.of('a').length;
  writers.change('a', 'news');
  assert.equal(writers.of('a').length, before + 1);
});

test('500 busy objects are written at most 50 times per second, each in its turn', async () => {
  const writers = new Writers();
  const keys = Array.from({ length: 500 }, (_, index) => `s${index}`);
  for (let second = 0; second < 30; second++) {
    for (const key of keys) writers.change(key, 'progress');
    await writers.clock.advance(1_000);
  }
  const times = writers.writes.map(({ atMs }) => atMs);
  assert.equal(mostWithin(times, 1_000) <= 50, true);
  for (const key of keys) assert.notEqual(writers.of(key).length, 0, key);

  const from = writers.writes.length;
  writers.change('news', 'news');
  await writers.clock.advance(100);
  const later = writers.writes.slice(from).map(({ key }) => key);
  assert.equal(
    later.indexOf('news') >= 0 && later.indexOf('news') <= 1,
    true,
    'news wait for nobody but news',
  );
});

test('changes of state have the same limit, and count together with writes without a turn', async () => {
  const writers = new Writers();
  for (let index = 0; index < 300; index++) writers.change(`s${index}`, 'news');
  for (let index = 0; index < 10; index++) writers.rateLimiter.written(`other${index}`);
  await writers.clock.advance(10_000);
  const times = writers.writes.map(({ atMs }) => atMs);
  assert.equal(times.length, 300);
  assert.equal(mostWithin(times, 1_000) <= 50, true);
});

test('an unused turn delays nobody, and expires', async () => {
  const writers = new Writers();
  const { rateLimiter, clock } = writers;
  rateLimiter.onTurn = () => {};
  for (let index = 0; index < 40; index++) rateLimiter.ask(`s${index}`, 'progress');
  await clock.advance(5_000);
  for (let index = 0; index < 20; index++) rateLimiter.ask(`t${index}`, 'news');
  assert.deepEqual(rateLimiter.ask('s39', 'news'), { mayWrite: false, againInMs: undefined });
});
