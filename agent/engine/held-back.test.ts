import assert from 'node:assert/strict';
import { join } from 'node:path';
import { afterEach, beforeEach, test } from 'node:test';
import { setTimeout as pause } from 'node:timers/promises';
import Database from 'better-sqlite3';
import { byId, TwoFiles, table } from '../../e2e/kit/engine-run.ts';
import { tempFolder } from '../../e2e/kit/temp.ts';
import { until } from '../../e2e/kit/wait.ts';

let files: TwoFiles;
let writer: Database.Database;

beforeEach(async () => {
  files = new TwoFiles(await tempFolder('engine'));
  files.execute('source', table);
  writer = new Database(join(files.folder, 'source.db'));
});
afterEach(async () => {
  writer.close();
  await files.close();
});

const byTime = {
  ...byId,
  mode: 'Timestamp',
  source: { dataSource: 'source', table: 't', timestampField: 'at' },
};
/** The rows of the newest second are not final while a transaction is open. */
const openTransaction = () =>
  writer.exec("BEGIN IMMEDIATE; INSERT INTO t (v, at) VALUES ('late', '2026-11-24 08:00:00')");

test('once is complete only when no row that existed at its start is held back', async () => {
  openTransaction();
  const run = files.start({ ...byTime, schedule: { once: true } });
  const held = await run.seen('Waiting', 'HeldBack');
  assert.equal(held.hasCaughtUp, false);
  assert.ok((held.lagSeconds ?? 0) > 0, `LAG ${held.lagSeconds}`);
  writer.exec('COMMIT');
  const completed = await run.seen('Completed');
  assert.deepEqual([completed.hasCaughtUp, completed.lagSeconds, completed.rows.read], [true, 0, 4]);
  assert.ok(!run.statuses.some(({ state, rows }) => state === 'Completed' && rows.written < 4));
});

test('with rows held back, --once reports neither CaughtUp nor Completed, and the next run continues', async () => {
  openTransaction();
  const spec = { ...byTime, schedule: { once: true } };
  const { end, status } = await files.once(spec);
  assert.deepEqual([end.outcome, status.state, status.reason], ['complete', 'Waiting', 'HeldBack']);
  writer.exec('COMMIT');
  assert.equal((await files.once(spec)).status.state, 'Completed');
  assert.equal(files.arrived().length, 4);
});

test('rows that arrive after a pass began do not prevent CaughtUp', async () => {
  openTransaction();
  const run = files.start({ ...byTime, schedule: { continuous: true } });
  assert.equal((await run.seen('Waiting', 'HeldBack')).hasCaughtUp, false);
  writer.exec("INSERT INTO t (v, at) VALUES ('newer', '2026-11-24 09:00:00'); COMMIT; BEGIN IMMEDIATE");
  const { hasCaughtUp, lagSeconds } = await run.seen('Waiting', 'CaughtUp');
  assert.equal(hasCaughtUp, true);
  assert.ok((lagSeconds ?? 0) > 0, 'a row waits');
  assert.equal(files.arrived().length, 4);
  writer.exec('ROLLBACK');
  await until(() => files.arrived().length === 5, { what: 'the newer row' });
});

test('by id: LAG is not zero while rows wait behind rows that are held back', async () => {
  const run = files.start({ ...byId, schedule: { every: '100ms' }, safetyLag: '2s' });
  await run.seen('Waiting', 'CaughtUp');
  files.execute('source', "INSERT INTO t (v) VALUES ('held')");
  await run.seen('Waiting', 'HeldBack');
  // Late enough to be held back itself when the previous one is read.
  await pause(1_000);
  files.execute('source', "INSERT INTO t (v) VALUES ('newer')");
  const from = run.statuses.length;
  await until(() => files.arrived().length === 5, { what: 'both rows' });
  await until(() => run.status?.reason === 'CaughtUp' && run.status.lagSeconds === 0, { what: 'no LAG' });
  const untrue = run.statuses
    .slice(from)
    .filter(({ reason, rows, lagSeconds }) => reason === 'CaughtUp' && rows.written < 5 && lagSeconds === 0);
  assert.deepEqual(untrue, []);
});

test('a run that takes over between two passes does not report CaughtUp', async () => {
  openTransaction();
  const first = files.start({ ...byTime, schedule: { every: '1h' } });
  await first.seen('Waiting', 'HeldBack');
  await first.stop();
  const second = files.start({ ...byTime, schedule: { every: '1h' } });
  const { hasCaughtUp, lagSeconds } = await second.seen('Waiting', 'WaitingForSchedule');
  assert.deepEqual([hasCaughtUp, lagSeconds], [false, undefined]);
});

test('rows dated in the future count as existing: the Sync is not CaughtUp, and once is not complete', async () => {
  files.execute('source', "INSERT INTO t (v, at) VALUES ('ahead', '2999-01-01 00:00:00')");
  const spec = { ...byTime, schedule: { once: true } };
  const { status } = await files.once(spec);
  assert.deepEqual([status.state, status.reason, status.hasCaughtUp], ['Waiting', 'HeldBack', false]);
  assert.equal(files.arrived().length, 3);
  files.execute('source', "UPDATE t SET at = '2026-11-24 10:00:00' WHERE v = 'ahead'");
  assert.equal((await files.once(spec)).status.state, 'Completed');
  assert.equal(files.arrived().length, 4);
});
