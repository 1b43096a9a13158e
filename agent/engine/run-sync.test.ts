import assert from 'node:assert/strict';
import { afterEach, beforeEach, test } from 'node:test';
import { withBetween } from '../../e2e/kit/between-ends.ts';
import { byId, ManualClock, snapshot, TwoFiles, table, takeAllSlots } from '../../e2e/kit/engine-run.ts';
import { tempFolder } from '../../e2e/kit/temp.ts';
import { until } from '../../e2e/kit/wait.ts';
import { continuousIdleMs } from './schedule.ts';
import { EngineShared } from './shared.ts';

let files: TwoFiles;

beforeEach(async () => {
  files = new TwoFiles(await tempFolder('engine'));
});
afterEach(() => files.close());

test('one pass: rows, offset, status; the next run continues under a higher token', async () => {
  files.execute('source', table);
  const first = await files.once(byId);
  assert.deepEqual(first.end, { outcome: 'complete' });
  assert.deepEqual(
    [
      first.status.state,
      first.status.rows.written,
      first.status.offsetText,
      first.status.guarantee,
      first.status.lagSeconds,
    ],
    ['Waiting', 3, '3', 'ExactlyOnce', 0],
  );
  files.execute('source', "INSERT INTO t (v) VALUES ('d')");
  const second = await files.once(byId);
  assert.deepEqual(
    [second.read, second.status.rows.read, second.status.rows.written, second.status.fencingToken],
    [1, 4, 4, '0.2'],
  );
  assert.deepEqual(files.arrived(), files.query('source', 'SELECT * FROM t'));
});

test('an idle Sync reports its last rows and offset', async () => {
  files.execute('source', table);
  await files.once(byId);
  const run = files.start({ ...byId, suspend: true });
  const { rows, offsetText } = await run.seen('Suspended');
  assert.deepEqual([rows.written, offsetText], [3, '3']);
});

test('once: Completed is kept, also if only the commit row records it; run-now reads again', async () => {
  files.execute('source', table);
  const spec = { ...snapshot, writeMode: 'Append' };
  assert.equal((await files.once(spec)).status.state, 'Completed');
  const rest = await files.once(spec);
  assert.deepEqual([rest.status.state, rest.status.rows.written, rest.read], ['Completed', 3, 0]);
  // Simulates a kill after the commit of the last batch, before anything was recorded elsewhere.
  files.execute('state', 'UPDATE syncs SET memory = NULL, offset = NULL');
  const after = await files.once(spec);
  assert.deepEqual([after.status.state, after.status.rows.read], ['Completed', 0]);
  assert.equal(files.arrived().length, 3);

  const run = files.start(snapshot);
  await run.seen('Completed');
  run.post({ type: 'run-now', id: '1' });
  await until(() => run.status?.rows.read === 3 && run.status.state === 'Completed', {
    what: 'a second pass',
  });
  assert.equal(files.arrived().length, 3);
});

test('a Snapshot that stopped in the middle continues at the batch edge, with each row once', async () => {
  files.execute('source', table);
  files.execute(
    'source',
    `INSERT INTO t (v) WITH RECURSIVE n (i) AS (VALUES (1) UNION ALL SELECT i + 1 FROM n WHERE i < 3000) SELECT i FROM n`,
  );
  const spec = { ...snapshot, writeMode: 'Append', batch: { maxRows: 50 } };
  const run = files.start(spec);
  await until(() => (run.status?.rows.written ?? 0) > 200, { what: 'some batches', everyMs: 1 });
  await run.stop();
  const [offset, rows] = files.commitRow() ?? [];
  assert.ok(Number(rows) < 3_003, 'it was stopped too late to prove anything');
  assert.equal(JSON.parse(String(offset)).key[0], String(rows));
  assert.equal((await files.once(spec)).status.rows.written, 3_003);
  assert.equal(files.query('destination', 'SELECT count(*) FROM t')[0]?.[0], 3_003);
});

test('a pass in one transaction that fails has written no rows, and reports none', async () => {
  files.execute('source', "CREATE TABLE t (v TEXT); INSERT INTO t VALUES ('a'), ('b'), ('bad')");
  files.execute('destination', "CREATE TABLE t (v TEXT CHECK (v <> 'bad'))");
  const spec = { ...snapshot, writeMode: 'Append', batch: { maxRows: 1 } };
  const { status } = await files.once(spec);
  assert.deepEqual([status.state, status.rows.written], ['Failed', 0]);
  assert.deepEqual(files.query('destination', 'SELECT * FROM t'), []);
});

test('continuous: new rows arrive without a request', async () => {
  files.execute('source', table);
  const run = files.start({ ...byId, schedule: { continuous: true } });
  await run.seen('Waiting');
  files.execute('source', "INSERT INTO t (v) VALUES ('d')");
  await until(() => files.arrived().length === 4, { what: 'the new row' });
});

test('a Sync that waits for a slot does not report CaughtUp, and stops at once', async () => {
  files.execute('source', table);
  const clock = new ManualClock('2026-11-26T08:00:00Z');
  const spec = { ...byId, schedule: { continuous: true } };
  const run = files.start(spec, clock);
  const isResting = () => clock.sleepsFor(continuousIdleMs);
  await run.seen('Waiting', 'CaughtUp');
  const held = await takeAllSlots(run, spec);
  const isWaiting = () => held[0]?.hasWaiters() === true;
  await until(isResting, { what: 'the rest between two checks' });
  clock.advance(continuousIdleMs);
  await until(isResting, { what: 'the next rest' });
  assert.equal(isWaiting(), false);
  files.execute('source', "INSERT INTO t (v) VALUES ('d')");
  clock.advance(continuousIdleMs);
  await until(isWaiting, { what: 'the wait for a slot' });
  clock.advance(1_000);
  const waiting = await run.seen('Waiting', 'NoFreeSlot');
  assert.notEqual(waiting.lagSeconds, 0);
  await held[0]?.release();
  assert.equal((await run.seen('Waiting', 'CaughtUp')).lagSeconds, 0);
  assert.equal(files.arrived().length, 4);
  await until(isResting, { what: 'the rest after the pass' });
});

test('every: from start to start, also over a restart; missed passes are made up by one', async () => {
  files.execute('source', table);
  const clock = new ManualClock('2026-11-24T08:00:00Z');
  const first = files.start(byId, clock);
  await first.seen('Waiting');
  await first.stop();
  files.execute('source', "INSERT INTO t (v) VALUES ('d')");
  clock.advance(3_599_000);
  const second = files.start(byId, clock);
  const waiting = await second.seen('Waiting');
  assert.deepEqual([waiting.agent, waiting.nextPassTime], ['test', '2026-11-24T09:00:00.000Z']);
  await until(() => clock.sleepsFor(1_000), { what: 'the wait for the schedule' });
  assert.equal(files.arrived().length, 3);
  clock.advance(1_000);
  await until(() => files.arrived().length === 4, { what: 'the pass that is due' });
  await second.seen('Waiting', 'CaughtUp');
  await until(() => clock.sleepsFor(3_600_000), { what: 'the next wait' });
  files.execute('source', "INSERT INTO t (v) VALUES ('e')");
  clock.advance(10 * 3_600_000);
  await until(() => files.arrived().length === 5, { what: 'one pass for all' });
  await until(() => second.status?.lastPassTime === '2026-11-24T19:00:00.000Z', { what: 'its end' });
  await until(() => clock.sleepsFor(3_600_000), { what: 'the wait for the one of 20:00' });
});

test('cron: not before its time, and one pass for all missed runs', async () => {
  files.execute('source', table);
  const clock = new ManualClock('2026-11-24T08:01:00Z');
  const spec = { ...byId, schedule: { cron: '0 * * * *', timeZone: 'Europe/Rome' } };
  const first = files.start(spec, clock);
  assert.equal((await first.seen('Waiting', 'WaitingForSchedule')).nextPassTime, '2026-11-24T09:00:00.000Z');
  await until(() => clock.sleepsFor(59 * 60_000), { what: 'the wait for the schedule' });
  assert.throws(() => files.arrived());
  await first.stop();
  clock.advance(5 * 3_600_000);
  const second = files.start(spec, clock);
  await second.seen('Waiting', 'CaughtUp');
  assert.equal(files.arrived().length, 3);
  await until(() => clock.sleepsFor(59 * 60_000), { what: 'the wait for the next run' });
  files.execute('source', "INSERT INTO t (v) VALUES ('d')");
  clock.advance(58 * 60_000);
  assert.equal(files.arrived().length, 3);
  clock.advance(60_000);
  await until(() => files.arrived().length === 4, { what: 'the run of 14:00' });
});

test('after a system was fixed, a request continues the Sync without a restart', async () => {
  const run = files.start(byId);
  const failed = await run.seen('Failed', 'SourceFileNotFound');
  assert.equal(failed.lastError?.isTransient, false);
  files.execute('source', table);
  run.post({ type: 'run-now', id: '1' });
  const waiting = await run.seen('Waiting', 'CaughtUp');
  assert.equal(waiting.lastError, undefined);
  assert.equal(files.arrived().length, 3);
});

test('an error that is resolved is no longer reported, even if no row arrived since', async () => {
  files.execute('source', table);
  await files.once(byId);
  const clock = new ManualClock('2030-01-01T00:00:00Z');
  files.execute('source', 'ALTER TABLE t RENAME TO gone');
  const run = files.start(byId, clock);
  await run.seen('Failed', 'TableNotFound');
  files.execute('source', 'ALTER TABLE gone RENAME TO t');
  await until(() => clock.sleepsFor(60_000), { what: 'the wait after a permanent error' });
  clock.advance(60_000);
  const { lastError, rows } = await run.seen('Waiting', 'CaughtUp');
  assert.deepEqual([lastError, rows.read], [undefined, 3]);
});

test('Append onto a table with rows is refused, except with keep-offset', async () => {
  files.execute('source', table);
  files.execute('destination', `${table} UPDATE t SET id = id + 100`);
  const spec = { ...byId, writeMode: 'Append' };
  assert.equal((await files.once(spec)).status.reason, 'DestinationNotEmpty');
  const kept = { ...spec, destination: { dataSource: 'destination', table: 't', existingRows: 'Keep' } };
  assert.equal((await files.once(kept)).status.rows.written, 3);
  assert.equal(files.arrived().length, 6);
});

test('skipped rows are named in the status, also by the next run, until a restart', async () => {
  files.execute('source', table);
  files.execute('destination', "CREATE TABLE t (id INTEGER PRIMARY KEY, v TEXT CHECK (v <> 'b'), at TEXT)");
  const spec = { ...byId, onError: 'Skip' };
  const first = await files.once(spec);
  const [warning = ''] = first.status.warnings ?? [];
  assert.match(warning, /^1 row was skipped: row id 2: .*CHECK.* \(ConstraintViolated\)$/);
  assert.deepEqual([first.status.rows.written, first.status.rows.rejected], [2, 1]);
  const second = await files.once(spec);
  assert.deepEqual([second.status.rows.rejected, second.status.warnings], [1, [warning]]);
  files.execute('destination', 'DELETE FROM t');
  const run = files.start(spec);
  await run.seen('Waiting');
  files.execute('destination', 'DROP TABLE t; CREATE TABLE t (id INTEGER PRIMARY KEY, v TEXT, at TEXT)');
  run.post({ type: 'restart', id: '1' });
  await until(() => run.status?.rows.written === 3, { what: 'all rows after the restart' });
  const { rows, warnings } = await run.seen('Waiting');
  assert.deepEqual([rows.rejected, warnings], [0, undefined]);
});

test('a row that stops the Sync is named by its key, unless redactKeys hides it', async () => {
  files.execute('source', table);
  files.execute('destination', "CREATE TABLE t (id INTEGER PRIMARY KEY, v TEXT CHECK (v <> 'b'), at TEXT)");
  const shown = await files.once(byId);
  assert.match(shown.status.message, /refuses a row: row id 2: .*CHECK/);
  const hidden = await files.once({ ...byId, redactKeys: true });
  assert.match(hidden.status.message, /row id \(hidden by redactKeys\): .*CHECK/);
});

test('a Sync that was deleted while it waited for its lock is not claimed; a claim is recorded before it is made', async () => {
  files.execute('source', table);
  const gone = files.start(byId, undefined, { isOutdated: async () => true });
  await gone.seen('Waiting', 'Conflict');
  await gone.stop();
  const tables = "SELECT name FROM sqlite_master WHERE name = 't'";
  assert.deepEqual(files.query('destination', tables), []);
  assert.deepEqual(files.query('state', "SELECT 1 FROM syncs WHERE memory LIKE '%mayHaveRow%'"), []);

  const definitionOf = withBetween({
    before: () => {
      throw new Error('it goes no further');
    },
  });
  const claimed = files.start(byId, undefined, { definitionOf });
  await until(() => claimed.statuses.some(({ lastError }) => lastError), { what: 'the end of the pass' });
  await claimed.stop();
  assert.equal(files.query('state', "SELECT 1 FROM syncs WHERE memory LIKE '%mayHaveRow%'").length, 1);
});

test('read rows are counted over all runs, including killed ones, until a restart', async () => {
  files.execute('source', table);
  await files.once(byId);
  const newRow = () => files.execute('source', "INSERT INTO t (v) VALUES ('d')");
  newRow();
  assert.equal((await files.once(byId)).status.rows.read, 4);
  newRow();
  await files.once(byId);
  // The state before the last batch was committed.
  files.execute('state', "UPDATE syncs SET memory = json_set(memory, '$.rows', 4, '$.counts.read', 4)");
  newRow();
  assert.equal((await files.once(byId)).status.rows.read, 6);
  const run = files.start(byId);
  await run.seen('Waiting');
  run.post({ type: 'restart', id: '1' });
  await run.answered('restart', '1');
  await until(() => run.status?.state === 'Waiting' && run.status.rows.read === 6, { what: 'a whole pass' });
  assert.equal(run.status?.rows.written, 6);
});

test('a fenced run in single mode names another process with this state file, not etcd', async () => {
  files.execute('source', table);
  const definitionOf = withBetween({
    before: (call) => {
      if (call === 'write') files.execute('destination', 'UPDATE _idra_commits SET token = token + 1');
    },
  });
  const run = files.start(byId, undefined, { definitionOf });
  const { message, lastError } = await run.seen('Failed', 'Fenced');
  assert.equal(lastError?.code, 'Fenced');
  assert.match(message, /another process writes the same Sync.*copy of this state file/);
  assert.doesNotMatch(message, /etcd|epoch/);
  await run.stop();
});

test('a long pass makes way for a namespace that waits for connections, and continues after it', async () => {
  files.execute('source', table);
  const clock = new ManualClock('2026-11-26T08:00:00Z');
  const shared = new EngineShared(clock);
  const { sessions } = shared;
  const { signal } = new AbortController();
  const idle = { isLost: false, reset: async () => {}, close: async () => {} };
  const lend = (dataSource: string) =>
    sessions.lend({ server: 'db:5432', identity: 'reader', dataSource }, async () => idle, signal);
  await Promise.all(Array.from({ length: 16 }, () => lend('default/source')));
  const waiting = [lend('other/source'), lend('other/source')];
  const reads: number[] = [];
  const definitionOf = withBetween({
    beforeRead: () => void reads.push(files.arrived().length),
    before: (call) => {
      // Long enough for a pass to make way, and for one of the two that wait.
      if (call === 'write' && files.arrived().length === 0) clock.advance(31_000);
    },
  });
  const run = files.start({ ...byId, batch: { maxRows: 1 } }, clock, { definitionOf, shared });
  await run.seen('Waiting', 'CaughtUp');
  assert.deepEqual([...new Set(reads)], [0, 1]);
  clock.advance(10_000);
  await Promise.all(waiting);
});

test('a Sync that rests for maxRowsPerSecond keeps no memory of what it has written', async () => {
  files.execute('source', table);
  const clock = new ManualClock('2026-11-26T08:00:00Z');
  const shared = new EngineShared(clock);
  const run = files.start(byId, clock, { shared, maxRowsPerSecond: 1 });
  await until(() => clock.sleepsFor(250), { what: 'the rest after three rows' });
  assert.equal(files.arrived().length, 3);
  await until(() => shared.batches.used === 0, { what: 'the memory of the batch' });
  assert.equal(run.status?.state, 'Running');
});
