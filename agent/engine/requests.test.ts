import assert from 'node:assert/strict';
import { join } from 'node:path';
import { afterEach, beforeEach, test } from 'node:test';
import { byId, snapshot, TwoFiles, table } from '../../e2e/kit/engine-run.ts';
import { removeFolder, tempFolder } from '../../e2e/kit/temp.ts';
import { until } from '../../e2e/kit/wait.ts';

let files: TwoFiles;

beforeEach(async () => {
  files = new TwoFiles(await tempFolder('engine'));
});
afterEach(() => files.close());

test('run-now starts a pass at once, and only once for its id', async () => {
  files.execute('source', table);
  const run = files.start(byId);
  await run.seen('Waiting');
  files.execute('source', "INSERT INTO t (v) VALUES ('d')");
  assert.equal(run.post({ type: 'run-now', id: '1' }), true);
  await until(() => files.arrived().length === 4, { what: 'the new row' });
  assert.equal((await run.answered('run-now', '1')).state, 'Done');
  assert.equal(run.post({ type: 'run-now', id: '1' }), false);
});

test('suspended: nothing is read or written, and run-now is refused', async () => {
  files.execute('source', table);
  const run = files.start({ ...byId, suspend: true });
  await run.seen('Suspended');
  run.post({ type: 'run-now', id: '1' });
  assert.equal((await run.answered('run-now', '1')).state, 'Refused');
  assert.throws(() => files.arrived());
});

test('restart reads from the beginning and deletes nothing; the history records the previous offset', async () => {
  files.execute('source', table);
  await files.once(byId);
  files.execute('source', 'DELETE FROM t WHERE id = 1');
  const run = files.start(byId);
  await run.seen('Waiting');
  run.post({ type: 'restart', id: '1', by: 'me' });
  await run.answered('restart', '1');
  const { rows } = await until(
    () => run.status?.state === 'Waiting' && run.status.rows.read === 2 && run.status,
    { what: 'a whole pass' },
  );
  assert.equal(rows.written, 2);
  assert.equal(files.arrived().length, 3);
  const [entry] = run.state.history(run.uid);
  assert.deepEqual(
    [entry?.action, entry?.by, entry?.from, entry?.to],
    ['restart', 'me', JSON.stringify({ mode: 'Id', id: '3', by: ['id number'] }), null],
  );
});

const moved: Record<string, unknown> = {
  ...byId,
  source: { dataSource: 'source', table: 'u', idField: 'id' },
};

test('a changed fingerprint stops the Sync, and both remedies work: keep-offset', async () => {
  files.execute('source', table.replaceAll(' t ', ' u ').concat(table.split(';')[1] ?? ''));
  files.execute('source', "INSERT INTO t (v) VALUES ('x')");
  await files.once(byId);
  const stopped = await files.once(moved);
  assert.deepEqual(
    [stopped.end.outcome, stopped.status.state, stopped.status.reason],
    ['failed', 'Failed', 'OffsetNoLongerFits'],
  );
  assert.match(
    stopped.status.message,
    /^spec\.source\.table: .*: spec\.source\.table changed since .*idra restart s --yes .*keep-offset s .*add one with another name/,
  );
  const run = files.start(moved);
  await run.seen('Failed', 'OffsetNoLongerFits');
  run.post({ type: 'keep-offset', id: '1' });
  const answer = await run.answered('keep-offset', '1');
  assert.deepEqual([answer.state, answer.message], ['Done', 'continues from 1']);
  await until(() => files.arrived().length === 3, { what: 'rows 2 and 3 of the other table' });
  assert.deepEqual(
    files.arrived().map((row) => row[1]),
    ['x', 'b', 'c'],
  );
});

test('a changed fingerprint stops the Sync, and both remedies work: restart', async () => {
  files.execute('source', table.replaceAll(' t ', ' u ').concat(table.split(';')[1] ?? ''));
  files.execute('source', "INSERT INTO t (v) VALUES ('x')");
  await files.once(byId);
  const run = files.start(moved);
  await run.seen('Failed', 'OffsetNoLongerFits');
  run.post({ type: 'restart', id: '1' });
  await until(() => files.arrived().length === 3, { what: 'all rows of the other table' });
  assert.deepEqual(
    files.arrived().map((row) => row[1]),
    ['a', 'b', 'c'],
  );
});

test('a lost state file: an open row of the same name stops the Sync, and keep-offset adopts it', async () => {
  files.execute('source', table);
  const spec = { ...byId, writeMode: 'Append', destination: { dataSource: 'destination', table: 't' } };
  await files.once(spec);
  for (const end of ['', '-wal', '-shm']) await removeFolder(join(files.folder, `state.db${end}`));
  files.execute('source', "INSERT INTO t (v) VALUES ('d')");
  const run = files.start(spec);
  await run.seen('Failed', 'OffsetNoLongerFits');
  run.post({ type: 'keep-offset', id: '1' });
  await until(() => files.arrived().length === 4, { what: 'the new row' });
  assert.deepEqual(files.query('destination', 'SELECT rows, closed FROM _idra_commits ORDER BY rows'), [
    [3, 1],
    [4, 0],
  ]);
});

test('an offset is set only while suspended, only if the expected offset matches, and only with the right type; undo restores it', async () => {
  files.execute('source', table);
  await files.once(byId);
  const busy = files.start(byId);
  await busy.seen('Waiting');
  busy.post({ type: 'offset', id: '1', offset: { value: '1', expect: '3' } });
  const refused = await busy.answered('offset', '1');
  assert.equal(refused.state, 'Refused');
  assert.match(refused.message, /only while the Sync is suspended; run idra suspend s \(/);
  await busy.stop();
  assert.equal(files.commitRow()?.[0], JSON.stringify({ mode: 'Id', id: '3', by: ['id number'] }));

  const run = files.start({ ...byId, suspend: true });
  const cases: [id: string, value: string, expect: string, state: string, message: RegExp][] = [
    ['2', '1', '2', 'Refused', /the stored offset is 3, not 2/],
    ['3', 'one', '3', 'Refused', /not a value of type int/],
    ['4', '1', '3', 'Done', /the offset is 1/],
  ];
  for (const [id, value, expect, state, message] of cases) {
    run.post({ type: 'offset', id, offset: { value, expect }, by: 'me' });
    const answer = await run.answered('offset', id);
    assert.equal(answer.state, state);
    assert.match(answer.message, message);
  }
  assert.equal((await run.seen('Suspended')).offsetText, '1');
  run.post({ type: 'undo-offset', id: '4a', offset: { value: '2', expect: '1' } });
  const another = await run.answered('undo-offset', '4a');
  assert.equal(another.state, 'Refused');
  assert.match(another.message, /the last manual change is 3 to 1, and not the one to undo/);
  run.post({ type: 'undo-offset', id: '5', offset: { value: '3', expect: '1' } });
  assert.equal((await run.answered('undo-offset', '5')).message, 'the offset is 3');
  run.post({ type: 'undo-offset', id: '5-again', offset: { value: '3', expect: '1' } });
  assert.equal(
    (await run.answered('undo-offset', '5-again')).state,
    'Refused',
    'a second click redoes nothing',
  );
  run.post({ type: 'undo-offset', id: '5a' });
  assert.equal(
    (await run.answered('undo-offset', '5a')).message,
    'the last manual change was an undo, which is undone: the offset is 1',
  );
  run.post({ type: 'undo-offset', id: '5b' });
  await run.answered('undo-offset', '5b');
  run.post({ type: 'offset', id: '6', offset: { value: '1', expect: '3' } });
  assert.equal((await run.answered('offset', '6')).state, 'Done');
  assert.deepEqual(
    run.state.history(run.uid).map((each) => each.action),
    ['set', 'undo', 'undo', 'undo', 'set'],
  );
  // Simulates a request whose first attempt died between its commit and its answer.
  run.post({ type: 'offset', id: '7', offset: { value: '1', expect: '3' } });
  assert.equal((await run.answered('offset', '7')).message, 'the offset is 1');
  await run.stop();
  assert.equal((await files.once(byId)).read, 2);
});

test('a long offset is expected by the short text that the status has', async () => {
  const long = (letter: string) => letter.repeat(600);
  files.execute(
    'source',
    `CREATE TABLE t (id text PRIMARY KEY, v text); INSERT INTO t VALUES ('${long('a')}', 'a')`,
  );
  await files.once(byId);
  const run = files.start({ ...byId, suspend: true });
  const { offsetText: shown = '' } = await run.seen('Suspended');
  assert.match(shown, /^a{120}\.\.\. \(600 characters, sha256 [0-9a-f]{12}\)$/);
  for (const [id, value, expect, state] of [
    ['1', 'a', shown.replace(/[0-9a-f]{12}\)$/, '000000000000)'), 'Refused'],
    ['2', 'a', shown, 'Done'],
    ['3', 'a', shown, 'Done'],
    ['4', long('b'), 'a', 'Done'],
  ] as const) {
    run.post({ type: 'offset', id, offset: { value, expect } });
    assert.equal((await run.answered('offset', id)).state, state, id);
  }
  await run.stop();
});

test('a completed Snapshot whose offset is set back continues from there', async () => {
  files.execute('source', table);
  await files.once(snapshot);
  const run = files.start({ ...snapshot, suspend: true });
  run.post({ type: 'offset', id: '1', offset: { value: 'pass 1 at ["2"]', expect: 'pass 1 complete' } });
  assert.equal((await run.answered('offset', '1')).message, 'the offset is pass 1 at ["2"]');
  await run.stop();
  assert.equal((await files.once(snapshot)).read, 1);
});

test('requests that this version does not know are refused', async () => {
  files.execute('source', table);
  const run = files.start(byId);
  run.post({ type: 'verify', id: '1' });
  const answer = await until(() => run.answer({ type: 'verify', id: '1' }), { what: 'an answer' });
  assert.equal(answer.state, 'Refused');
});
