import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { copyFile, rename } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, beforeEach, test } from 'node:test';
import Database from 'better-sqlite3';
import { definitionOf } from '../../connectors/catalog.ts';
import { type KnownEnds, noProgress, type SyncProgress } from '../../core/sync-store.ts';
import { byId, engineObjects, noSecrets, snapshot, TwoFiles, table } from '../../e2e/kit/engine-run.ts';
import { tempFolder } from '../../e2e/kit/temp.ts';
import { until } from '../../e2e/kit/wait.ts';
import { addressesOf, offsetFingerprint } from './offset-fingerprint.ts';
import { previewSync } from './preview.ts';
import { learned, systemChange } from './system-change.ts';

let files: TwoFiles;

beforeEach(async () => {
  files = new TwoFiles(await tempFolder('systems'));
  files.execute('source', table);
});
afterEach(() => files.close());

const newRow = () => files.execute('source', "INSERT INTO t (v) VALUES ('d')");
const pathOf = (name: string) => join(files.folder, `${name}.db`);
/** The same rows in another file, at the path of the first. */
const swapSource = async () => {
  await copyFile(pathOf('source'), pathOf('copy'));
  await rename(pathOf('copy'), pathOf('source'));
};
const forgetEnds = () => {
  const state = new Database(pathOf('state'));
  state.exec("UPDATE syncs SET memory = json_remove(memory, '$.ends')");
  state.close();
};
const failure = ({ status }: Awaited<ReturnType<TwoFiles['once']>>) => [status.state, status.reason];
const noLongerFits = ['Failed', 'OffsetNoLongerFits'];
const another =
  /answers at the address of source is a different system .*restart s --yes to .*keep-offset s to /;

test('another source at the same path stops the Sync; keep-offset continues there, and is required only once', async () => {
  await files.once(byId);
  await swapSource();
  newRow();
  const stopped = await files.once(byId);
  assert.deepEqual(failure(stopped), noLongerFits);
  assert.match(stopped.status.message, another);
  const run = files.start({ ...byId, schedule: { continuous: true } });
  await run.seen('Failed');
  run.post({ type: 'keep-offset', id: '1' });
  await run.answered('keep-offset', '1');
  await run.seen('Waiting', 'CaughtUp');
  await run.stop();
  const { end, read } = await files.once(byId);
  assert.deepEqual([end.outcome, read], ['complete', 0]);
  assert.deepEqual(files.arrived(), files.query('source', 'SELECT * FROM t'));
});

test('a source that is swapped during a run: no row of the new source is skipped', async () => {
  const run = files.start({ ...byId, schedule: { continuous: true } });
  await run.seen('Waiting', 'CaughtUp');
  const before = files.arrived();
  await swapSource();
  newRow();
  const { message } = await run.seen('Failed', 'OffsetNoLongerFits');
  assert.match(message, another);
  assert.deepEqual(files.arrived(), before);
});

test('a Snapshot reads all rows of another source', async () => {
  const whole = { ...snapshot, schedule: { every: '1h' } };
  await files.once(whole);
  await swapSource();
  newRow();
  const { end } = await files.once(whole);
  assert.equal(end.outcome, 'complete');
  assert.deepEqual(files.arrived(), files.query('source', 'SELECT * FROM t'));
});

test('a Snapshot that was stopped in the middle does not continue at another source', async () => {
  files.execute(
    'source',
    'WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 5000) INSERT INTO t (v) SELECT i FROM n',
  );
  const slow = { ...snapshot, schedule: { every: '1h' }, batch: { maxRows: 1 } };
  const run = files.start(slow);
  await until(() => run.status?.rows.written, { what: 'a row to be written' });
  await run.stop();
  const before = files.arrived();
  assert.ok(before.length < files.query('source', 'SELECT * FROM t').length);
  await swapSource();
  const stopped = await files.once(slow);
  assert.deepEqual(failure(stopped), noLongerFits);
  assert.match(stopped.status.message, another);
  assert.deepEqual(files.arrived(), before);
});

test('an offset without a stored identity continues, and the identities are recorded from then on', async () => {
  await files.once(byId);
  forgetEnds();
  await swapSource();
  newRow();
  assert.equal((await files.once(byId)).end.outcome, 'complete');
  await swapSource();
  assert.deepEqual(failure(await files.once(byId)), noLongerFits);
});

test('a destination that moved to another path continues, also in a plan', async () => {
  const { status } = await files.once(byId);
  await rename(pathOf('destination'), pathOf('moved'));
  newRow();
  const state = new Database(pathOf('state'));
  const progress = JSON.parse(
    state.prepare('SELECT memory FROM syncs').pluck().get() as string,
  ) as SyncProgress;
  state.close();
  const objects = engineObjects({ folder: files.folder, spec: byId, destination: 'moved' }, status.uid);
  const input = { ...objects, secrets: noSecrets, definitionOf };
  const codes = async (more: { readonly progress?: SyncProgress }) =>
    (await previewSync({ ...input, ...more }, AbortSignal.timeout(60_000))).findings.map(({ code }) => code);
  assert.deepEqual(await codes({}), ['OffsetNoLongerFits']);
  assert.deepEqual(await codes({ progress }), []);
  const { end, read } = await files.once(byId, { destination: 'moved' });
  assert.deepEqual([end.outcome, read], ['complete', 1]);
  const rows = files.query('moved', 'SELECT count(*), (SELECT "rows" FROM _idra_commits) FROM t');
  assert.deepEqual(rows, [[4, 4]]);
});

test('another destination at the same path: an offset without its row there is neither continued nor restarted silently', async () => {
  await files.once(byId);
  await rename(pathOf('destination'), pathOf('old'));
  new Database(pathOf('destination'))
    .exec(`CREATE TABLE other_${randomBytes(2).toString('hex')} (a)`)
    .close();
  const stopped = await files.once(byId);
  assert.deepEqual(failure(stopped), noLongerFits);
  assert.match(stopped.status.message, /wrote to another destination before/);
});

test('a completed Sync stays Completed when its source gets another path', async () => {
  const once = { ...byId, schedule: { once: true } };
  await files.once(once);
  await rename(pathOf('destination'), pathOf('moved'));
  newRow();
  const run = files.start(once, undefined, { destination: 'moved' });
  await run.seen('Completed');
  await run.stop();
  assert.deepEqual(files.query('moved', 'SELECT count(*) FROM t'), [[3]]);
});

test('conclusions from addresses and identities', () => {
  const { sync, source, destination } = engineObjects({ folder: '/f', spec: byId });
  const at = (name: string) => ['sqlite', null, null, null, name, null];
  const ends = (from: readonly [string, ...string[]], to: readonly [string, ...string[]]): KnownEnds => ({
    fingerprint: offsetFingerprint(sync, { source: at(from[0]), destination: at(to[0]) }),
    source: { address: at(from[0]), identity: from.slice(1) },
    destination: { address: at(to[0]), identity: to.slice(1) },
  });
  const addresses = addressesOf({ source, destination, definitionOf });
  assert.equal(ends(['/f/source.db'], ['/f/destination.db']).fingerprint, offsetFingerprint(sync, addresses));
  const after = (before: KnownEnds, now: KnownEnds) => {
    const progress = { ...noProgress, fingerprint: before.fingerprint, ends: before };
    const { formerFingerprints, ...is } = systemChange(sync, progress, now);
    return { fits: [now.fingerprint, ...formerFingerprints].includes(before.fingerprint), ...is };
  };
  const same = { fits: true, isOtherSource: false, isOtherDestination: false };
  const cases: [string, KnownEnds, KnownEnds, Partial<typeof same>][] = [
    ['nothing changed', ends(['a', '1'], ['b', '2']), ends(['a', '1'], ['b', '2']), {}],
    ['both renamed', ends(['a', '1'], ['b', '2']), ends(['c', '1'], ['d', '2']), {}],
    ['only one is known', ends(['a', '1'], ['b']), ends(['c', '1'], ['b']), {}],
    ['renamed, and not known', ends(['a'], ['b', '2']), ends(['c'], ['b', '2']), { fits: false }],
    ['known from now on', ends(['a'], ['b']), ends(['a', '1'], ['b', '2']), {}],
    ['it says nothing any more', ends(['a', '1'], ['b', '2']), ends(['a'], ['b']), {}],
    ['taken over', ends(['a', '1'], ['b', '2']), ends(['a', '3', '1'], ['b', '2']), {}],
    ['another source', ends(['a', '1'], ['b', '2']), ends(['a', '3'], ['b', '2']), { isOtherSource: true }],
    [
      'another source elsewhere',
      ends(['a', '1'], ['b', '2']),
      ends(['c', '3'], ['b', '2']),
      { fits: false, isOtherSource: true },
    ],
    [
      'another destination',
      ends(['a', '1'], ['b', '2']),
      ends(['a', '1'], ['b', '4']),
      { isOtherDestination: true },
    ],
  ];
  for (const [name, before, now, expected] of cases)
    assert.deepEqual(after(before, now), { ...same, ...expected }, name);
  // A version that knows no identities has claimed since.
  const stale = { ...noProgress, fingerprint: 'm', ends: ends(['a', '1'], ['b', '2']) };
  assert.equal(systemChange(sync, stale, ends(['a', '3'], ['b', '2'])).isOtherSource, false);
  const progress = { ...noProgress, fingerprint: stale.ends.fingerprint, ends: stale.ends };
  assert.deepEqual(learned(progress, ends(['a'], ['b', '5'])), ends(['a', '1'], ['b', '5']));
  assert.deepEqual(learned(progress, ends(['c'], ['b', '2'])), ends(['c'], ['b', '2']));
});
