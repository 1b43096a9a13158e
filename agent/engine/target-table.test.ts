import assert from 'node:assert/strict';
import { afterEach, beforeEach, test } from 'node:test';
import { definitionOf } from '../../connectors/catalog.ts';
import {
  byId,
  engineObjects,
  ManualClock,
  noSecrets,
  snapshot,
  TwoFiles,
  table,
} from '../../e2e/kit/engine-run.ts';
import { tempFolder } from '../../e2e/kit/temp.ts';
import { until } from '../../e2e/kit/wait.ts';
import { previewSync } from './preview.ts';

let files: TwoFiles;

beforeEach(async () => {
  files = new TwoFiles(await tempFolder('engine'));
  files.execute('source', table);
});
afterEach(() => files.close());

const gone = /offset belongs to is gone; run idra restart s --yes to .*, or idra keep-offset s to /;
const newRow = () => files.execute('source', "INSERT INTO t (v) VALUES ('d')");

test('the table of a stored offset was dropped: the Sync stops before creating it; restart reads everything', async () => {
  const before = await files.once(byId);
  files.execute('destination', 'DROP TABLE t');
  newRow();
  const { uid } = before.status;
  const { findings, offset } = await previewSync(
    { ...engineObjects({ folder: files.folder, spec: byId }, uid), secrets: noSecrets, definitionOf },
    AbortSignal.timeout(60_000),
  );
  assert.deepEqual([findings.map(({ code }) => code), offset], [['OffsetNoLongerFits'], undefined]);
  const { end, status } = await files.once(byId);
  assert.equal(end.outcome, 'failed');
  assert.deepEqual([status.state, status.reason], ['Failed', 'OffsetNoLongerFits']);
  assert.match(status.message, gone);
  assert.throws(() => files.arrived());
  const run = files.start({ ...byId, schedule: { continuous: true } });
  await run.seen('Failed');
  run.post({ type: 'restart', id: '1' });
  await run.seen('Waiting', 'CaughtUp');
  assert.deepEqual(files.arrived(), files.query('source', 'SELECT * FROM t'));
});

test('a plan reports which other Sync writes the table', async () => {
  const { uid } = (await files.once(byId)).status;
  files.execute(
    'destination',
    "CREATE TEMP TABLE copied AS SELECT * FROM _idra_commits; UPDATE copied SET uid = 'u2', name = 'default/other'; INSERT INTO _idra_commits SELECT * FROM copied",
  );
  const { findings } = await previewSync(
    { ...engineObjects({ folder: files.folder, spec: byId }, uid), secrets: noSecrets, definitionOf },
    AbortSignal.timeout(60_000),
  );
  const shared = findings.find(({ code }) => code === 'TableShared');
  assert.match(shared?.message ?? '', /also written by the Sync default\/other/);
});

test('of two Syncs on one table the earlier one reports it as well', async () => {
  const run = files.start({ ...byId, schedule: { continuous: true } });
  const { warnings } = await run.seen('Waiting', 'CaughtUp');
  assert.equal(warnings, undefined);
  files.execute(
    'destination',
    "CREATE TEMP TABLE copied AS SELECT * FROM _idra_commits; UPDATE copied SET uid = 'u2', name = 'default/other'; INSERT INTO _idra_commits SELECT * FROM copied",
  );
  newRow();
  await until(() => run.status?.warnings?.some((each) => /t is also written by default\/other/.test(each)), {
    what: 'the warning',
  });
});

test('another Sync that appends to the table under another spelling is reported', async () => {
  const destination = { dataSource: 'destination', table: 't', existingRows: 'Keep' };
  const spec = { ...byId, writeMode: 'Append', destination };
  await files.once(spec);
  files.execute(
    'destination',
    `CREATE TEMP TABLE copied AS SELECT * FROM _idra_commits; UPDATE copied SET uid = 'u2', name = 'default/other', "table" = 'main.T'; INSERT INTO _idra_commits SELECT * FROM copied`,
  );
  const { status } = await files.once(spec);
  assert.match(status.warnings?.join() ?? '', /t is also written by default\/other/);
  assert.equal(files.arrived().length, 3);
});

test('a recreated table is recognized because it is empty; keep-offset continues', async () => {
  await files.once(byId);
  files.execute('destination', 'DROP TABLE t; CREATE TABLE t (id INTEGER PRIMARY KEY, v TEXT, at DATETIME)');
  newRow();
  const run = files.start({ ...byId, schedule: { continuous: true } });
  const { hasCaughtUp, message } = await run.seen('Failed', 'OffsetNoLongerFits');
  assert.equal(hasCaughtUp, true);
  assert.match(message, /is empty, and 3 rows were written to it/);
  run.post({ type: 'keep-offset', id: '1' });
  await run.seen('Waiting', 'CaughtUp');
  assert.deepEqual(
    files.arrived().map(([id]) => id),
    [4],
  );
});

test('dropped while it runs: a pass without rows checks the table too', async () => {
  const clock = new ManualClock('2026-11-24T08:00:00Z');
  const run = files.start({ ...byId, schedule: { every: '10s' } }, clock);
  await run.seen('Waiting', 'CaughtUp');
  files.execute('destination', 'DROP TABLE t');
  await until(() => clock.sleepsFor(10_000), { what: 'the wait for the next pass' });
  clock.advance(10_000);
  assert.match((await run.seen('Failed', 'OffsetNoLongerFits')).message, gone);
});

test('its row of _idra_commits is gone while it runs: existing rows are not appended a second time', async () => {
  const clock = new ManualClock('2026-11-24T08:00:00Z');
  files.execute('destination', 'CREATE TABLE t (id INTEGER, v TEXT, at DATETIME)');
  const run = files.start({ ...byId, writeMode: 'Append', schedule: { every: '10s' } }, clock);
  await run.seen('Waiting', 'CaughtUp');
  files.execute('destination', 'DELETE FROM _idra_commits');
  newRow();
  await until(() => clock.sleepsFor(10_000), { what: 'the wait for the next pass' });
  clock.advance(10_000);
  await until(() => run.status?.state === 'Failed' || files.arrived().length > 3, {
    what: 'the pass that finds its row gone',
  });
  assert.equal(files.arrived().length, 3);
  assert.equal(run.status?.reason, 'DestinationNotEmpty');
});

test('a completed Snapshot begins a new pass if its table is gone, and is not CaughtUp before that', async () => {
  const spec = { ...snapshot, schedule: { every: '1h' } };
  await files.once(spec);
  files.execute('destination', 'DROP TABLE t');
  const run = files.start(spec, new ManualClock('2030-01-01T00:00:00Z'));
  await run.seen('Waiting', 'CaughtUp');
  const claimed = run.statuses.findIndex(({ fencingToken }) => fencingToken === '0.2');
  assert.equal(run.statuses[claimed]?.hasCaughtUp, false);
  assert.equal(files.arrived().length, 3);
  await run.stop();

  // The same with schedule `once`, where only the commit row records completion.
  files.execute('destination', 'DROP TABLE t');
  files.execute('state', 'UPDATE syncs SET memory = NULL, offset = NULL');
  assert.equal((await files.once(snapshot)).status.rows.read, 3);
  assert.equal(files.arrived().length, 3);
});

test('an unfinished Replace restarts when the write mode changes to or from Replace', async () => {
  const every = { ...snapshot, schedule: { every: '1h' }, batch: { maxRows: 1 } };
  const [into, replace] = [every, { ...every, writeMode: 'Replace' }];
  const stoppedAfterOne = async (spec: Record<string, unknown>) => {
    const run = files.start({ ...spec, schedule: { continuous: true } });
    const readBefore = () => run.statuses[0]?.rows.read ?? 0;
    await until(() => (run.status?.rows.read ?? 0) > readBefore(), { what: 'a row', everyMs: 1 });
    await run.stop();
    const [offset] = files.commitRow() ?? [];
    assert.equal(JSON.parse(String(offset)).isComplete, false, 'it was stopped too late to prove anything');
  };
  files.execute('source', manyRows);
  await stoppedAfterOne(replace);
  await files.once(into);
  assert.equal(differing(), 0);
  files.execute('source', 'DELETE FROM t WHERE id % 2 = 0');
  const again = { ...into, batch: { maxRows: 2 } };
  await stoppedAfterOne(again);
  await files.once({ ...replace, batch: { maxRows: 500 } });
  assert.equal(differing(), 0);
});

function differing(): number {
  const [there, here] = [files.arrived(), files.query('source', 'SELECT * FROM t')].map((rows) =>
    rows.map((row) => JSON.stringify(row)),
  );
  return [...new Set([...(there ?? []), ...(here ?? [])])].filter(
    (row) => !there?.includes(row) || !here?.includes(row),
  ).length;
}

const manyRows =
  'INSERT INTO t (v) WITH RECURSIVE n (i) AS (VALUES (1) UNION ALL SELECT i + 1 FROM n WHERE i < 1000) SELECT i FROM n';

for (const [what, spec, more] of [
  ['table', { destination: { dataSource: 'destination', table: 'u' } }, {}],
  ['file', {}, { destination: 'other' }],
] as const) {
  test(`keep-offset after the destination's ${what} has changed continues from the offset that was reached`, async () => {
    const append = { ...byId, writeMode: 'Append' };
    await files.once(append);
    newRow();
    const changed = { ...append, ...spec };
    const stopped = await files.once(changed, more);
    assert.equal(stopped.status.reason, 'OffsetNoLongerFits');
    const run = files.start(changed, undefined, more);
    await run.seen('Failed', 'OffsetNoLongerFits');
    run.post({ type: 'keep-offset', id: '1' });
    assert.match((await run.answered('keep-offset', '1')).message, /continues from 3/);
    const { rows } = await run.seen('Waiting', 'CaughtUp');
    assert.deepEqual([rows.read, rows.written], [4, 4]);
    const [file, name] = what === 'table' ? ['destination', 'u'] : ['other', 't'];
    assert.deepEqual(files.query(file, `SELECT id FROM ${name}`), [[4]]);
  });
}

test('keep-offset is refused for an offset of another mode', async () => {
  await files.once(byId);
  const spec = {
    ...byId,
    mode: 'Timestamp',
    source: { dataSource: 'source', table: 't', timestampField: 'at' },
  };
  const run = files.start(spec);
  await run.seen('Failed', 'OffsetNoLongerFits');
  run.post({ type: 'keep-offset', id: '1' });
  await until(() => /mode Id, and mode Timestamp/.test(run.status?.message ?? ''), { what: 'the reason' });
});
