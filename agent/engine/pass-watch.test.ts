import assert from 'node:assert/strict';
import { afterEach, beforeEach, test } from 'node:test';
import { setImmediate } from 'node:timers/promises';
import type { SyncStatus } from '../../core/status.ts';
import { conditionsOf } from '../../core/sync-conditions.ts';
import { withBetween } from '../../e2e/kit/between-ends.ts';
import { byId, ManualClock, snapshot, TwoFiles, table, takeAllSlots } from '../../e2e/kit/engine-run.ts';
import { tempFolder } from '../../e2e/kit/temp.ts';
import { until } from '../../e2e/kit/wait.ts';
import { PassWatch } from './pass-watch.ts';

let files: TwoFiles;
let clock: ManualClock;

beforeEach(async () => {
  files = new TwoFiles(await tempFolder('overdue'));
  files.execute('source', table);
  clock = new ManualClock('2026-11-26T08:00:00Z');
});
afterEach(() => files.close());

const overdueMs = 90_000;

function readyOf(status: SyncStatus) {
  return conditionsOf(status).find(({ type }) => type === 'Ready')?.status;
}

/** Blocks everything that passes through it while closed. */
class Gate {
  #opened = Promise.withResolvers<void>();
  isClosed = false;
  waiting = 0;

  async pass(): Promise<void> {
    if (!this.isClosed) return;
    this.waiting += 1;
    await this.#opened.promise;
  }

  open(): void {
    this.isClosed = false;
    this.#opened.resolve();
  }
}

test('a pass that neither reads nor writes is reported until it continues; a rest does not count', async () => {
  const reported: string[] = [];
  const watch = new PassWatch(clock, {
    overdue: (sinceMs, doing) => reported.push(`${new Date(sinceMs).toISOString()} ${doing}`),
    onTime: () => reported.push('on time'),
  });
  const pass = async (ms: number) => {
    clock.advance(ms);
    await setImmediate();
  };
  watch.start();
  await pass(overdueMs - 1);
  watch.progressed();
  watch.doing('writing');
  await pass(overdueMs - 1);
  assert.deepEqual(reported, []);
  await pass(1);
  await watch.rest(() => pass(10 * overdueMs));
  watch.progressed();
  await pass(overdueMs - 1);
  watch.stop();
  await pass(10 * overdueMs);
  assert.deepEqual(reported, ['2026-11-26T08:01:29.999Z writing', 'on time']);
});

test('a source that hangs: the status reports that nothing is known, and since when', async () => {
  const gate = new Gate();
  const spec = { ...byId, schedule: { every: '10s' } };
  const run = files.start(spec, clock, { definitionOf: withBetween({ beforeRead: () => gate.pass() }) });
  const before = await run.seen('Waiting', 'CaughtUp');
  assert.deepEqual([readyOf(before), before.lagSeconds], ['True', 0]);
  await until(() => clock.sleepsFor(10_000), { what: 'the wait for the next pass' });
  gate.isClosed = true;
  clock.advance(10_000);
  await until(() => gate.waiting > 0, { what: 'a check that hangs' });
  clock.advance(overdueMs);
  const overdue = await run.seen('Waiting', 'PassOverdue');
  assert.deepEqual(
    [readyOf(overdue), overdue.lagSeconds, overdue.overdueSince],
    ['Unknown', undefined, '2026-11-26T08:00:10.000Z'],
  );
  assert.match(overdue.message, /no progress since .*: checking the source for new rows/);
  gate.open();
  const after = await run.seen('Waiting', 'CaughtUp');
  assert.deepEqual([readyOf(after), after.lagSeconds, after.overdueSince], ['True', 0, undefined]);
});

test('a destination that hangs in the middle of a pass', async () => {
  const gate = new Gate();
  gate.isClosed = true;
  const definitionOf = withBetween({ before: (call) => (call === 'write' ? gate.pass() : undefined) });
  const run = files.start(byId, clock, { definitionOf });
  await until(() => gate.waiting > 0, { what: 'a write that hangs' });
  clock.advance(overdueMs);
  const overdue = await run.seen('Waiting', 'PassOverdue');
  assert.match(overdue.message, /writing rows to the destination/);
  assert.ok((overdue.lagSeconds ?? 0) >= 90);
  gate.open();
  assert.equal((await run.seen('Waiting', 'CaughtUp')).overdueSince, undefined);
});

test('a pass without a slot is overdue, and its Sync reports who holds the slots', async () => {
  const spec = { ...snapshot, schedule: { every: '10s' } };
  const run = files.start(spec, clock);
  await run.seen('Waiting', 'CaughtUp');
  await until(() => clock.sleepsFor(10_000), { what: 'the wait for the next pass' });
  const held = await takeAllSlots(run, spec);
  clock.advance(10_000);
  await until(() => held[0]?.hasWaiters() === true, { what: 'the wait for a slot' });
  clock.advance(overdueMs);
  const overdue = await run.seen('Waiting', 'PassOverdue');
  assert.match(overdue.message, /slots of DataSource default\/source .* held by default\/s/);
  assert.deepEqual([readyOf(overdue), overdue.lagSeconds], ['Unknown', undefined]);
  await held[0]?.release();
  assert.equal(readyOf(await run.seen('Waiting', 'CaughtUp')), 'True');
});
