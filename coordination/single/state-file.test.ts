import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { pathToFileURL } from 'node:url';
import { systemClock } from '../../core/clock.ts';
import { IdraError, Stopped } from '../../core/errors.ts';
import type { SyncStatus } from '../../core/status.ts';
import type { DataSource } from '../../core/sync-spec.ts';
import type { SlotWait } from '../../core/sync-store.ts';
import { runCommand } from '../../e2e/kit/processes.ts';
import { dataSourceOf, statusOf, syncOf } from '../test-objects.ts';
import { LocalLock } from './local-lock.ts';
import { openStateFile } from './state-file.ts';
import { openTables } from './tables.ts';

const opens = (path: string) => () => openStateFile(path).close();
const withCode = (code: string) => (error: unknown) => error instanceof IdraError && error.code === code;

describe('state file', () => {
  let folder: string;
  let number = 0;
  before(async () => {
    folder = await mkdtemp(join(tmpdir(), 'idra-state-'));
  });
  after(() => rm(folder, { recursive: true }));
  const newPath = () => join(folder, `${number++}`, 'state.db');

  test('gives a Sync one permanent uid, and deletes it on request', async () => {
    const path = newPath();
    const first = openStateFile(path);
    const { uid } = first.identify('default', 'orders');
    assert.notEqual(first.identify('other', 'orders').uid, uid);
    first.close();
    const second = openStateFile(path);
    assert.equal(second.identify('default', 'orders').uid, uid);
    assert.equal(second.find('default', 'none'), undefined);
    assert.deepEqual(
      second.list().map(({ namespace, name }) => `${namespace}/${name}`),
      ['default/orders', 'other/orders'],
    );
    second.forget(uid);
    assert.notEqual(second.identify('default', 'orders').uid, uid);
    second.close();
  });

  test('keeps offset, progress, status, requests and history', async () => {
    const path = newPath();
    const first = openStateFile(path);
    const { uid } = first.identify('default', 'orders');
    const lock = await first.store.acquire(syncOf(uid));
    assert.ok(lock);
    assert.equal(lock.token, 'next');
    assert.equal(await lock.offsets.read(), null);
    assert.deepEqual(await lock.readProgress(), { hasCaughtUp: false, isCompleted: false });
    await lock.offsets.write('{"mode":"Id","id":"7"}');
    await lock.writeProgress({ hasCaughtUp: true, isCompleted: false, fingerprint: 'm' });
    lock.report(statusOf(uid, 'Running', 1));
    lock.report(statusOf(uid, 'Running', 2));
    const time = '2026-01-01T00:00:00.000Z';
    for (let index = 0; index < 25; index++) {
      await lock.appendHistory({ time, by: 'me', action: 'set', from: `${index}`, to: `${index + 1}` });
    }
    await lock.release();
    first.close();

    const second = openStateFile(path);
    const again = await second.store.acquire(syncOf(uid));
    assert.ok(again);
    assert.equal(await again.offsets.read(), '{"mode":"Id","id":"7"}');
    assert.equal(second.readOffset(uid), '{"mode":"Id","id":"7"}');
    assert.equal((await again.readProgress()).fingerprint, 'm');
    assert.equal(second.readStatus(uid)?.rows.written, 2);
    const history = await again.readHistory();
    assert.deepEqual([history.length, history[0]?.from, history.at(-1)?.to], [20, '5', '25']);
    second.close();
  });

  test('a status that cannot be written stops nobody, and this process still reports it', async () => {
    const path = newPath();
    const file = openStateFile(path);
    const { uid } = file.identify('default', 'orders');
    const lock = await file.store.acquire(syncOf(uid));
    lock?.report(statusOf(uid, 'Running', 1));
    // Too soon after the first to be written.
    lock?.report(statusOf(uid, 'Running', 2));
    assert.equal(file.readStatus(uid)?.rows.written, 2);
    file.close();

    const tables = openTables(path);
    // Like a full disk, it allows reads but no writes.
    tables.pragma('query_only = 1');
    const nothing = () => {};
    const still = new LocalLock({
      uid,
      tables,
      clock: systemClock,
      pendingRequests: () => [],
      history: () => [],
      onReport: nothing,
      onRelease: nothing,
    });
    still.report(statusOf(uid, 'Waiting', 3));
    await assert.rejects(still.writeProgress({ hasCaughtUp: true, isCompleted: false }), (error: unknown) => {
      const { code, disposition } = error as IdraError;
      return code === 'StateNotWritten' && disposition === 'transient';
    });
    await still.release();
    tables.close();
  });

  test('one lock per sync; a released lock writes nothing more; closing ends it', async () => {
    const file = openStateFile(newPath());
    const { uid } = file.identify('default', 'orders');
    const lock = await file.store.acquire(syncOf(uid));
    assert.ok(lock);
    assert.equal(await file.store.acquire(syncOf(uid)), undefined);
    await lock.release();
    await assert.rejects(
      lock.offsets.write('late'),
      (error) => error instanceof IdraError && error.disposition === 'fenced',
    );
    const next = await file.store.acquire(syncOf(uid));
    assert.equal(await next?.offsets.read(), null);
    file.close();
    assert.ok(next?.signal.reason instanceof Stopped);
    assert.equal(lock.signal.aborted, false);
    const other = openStateFile(newPath());
    await assert.rejects(other.store.acquire(syncOf(uid)), withCode('Bug'));
    other.close();
  });

  test('a request waits, wakes, is executed once, and is answered', async () => {
    const path = newPath();
    const first = openStateFile(path);
    const { uid } = first.identify('default', 'orders');
    assert.equal(first.post(uid, { type: 'restart', id: 'a' }), true);
    assert.equal(first.post(uid, { type: 'restart', id: 'a' }), false);
    first.close();
    const file = openStateFile(path);
    const lock = await file.store.acquire(syncOf(uid));
    assert.ok(lock);
    let woken = 0;
    const unsubscribe = lock.onRequest(() => {
      woken += 1;
    });
    assert.equal(file.post(uid, { type: 'run-now', id: 'b' }), true);
    assert.equal(woken, 1);
    unsubscribe();
    file.post(uid, { type: 'run-now', id: 'c' });
    assert.equal(woken, 1);
    assert.deepEqual(
      (await lock.pendingRequests()).map(({ type, id }) => `${type} ${id}`),
      ['restart a', 'run-now b', 'run-now c'],
    );
    const answer = (type: 'restart' | 'run-now', id: string) =>
      ({ type, id, state: 'Done', message: id, time: '2026-01-01T00:00:00.000Z' }) as const;
    await lock.finishRequest(answer('restart', 'a'));
    await lock.finishRequest(answer('run-now', 'b'));
    await lock.finishRequest(answer('run-now', 'c'));
    assert.deepEqual(await lock.pendingRequests(), []);
    assert.equal(file.post(uid, { type: 'run-now', id: 'b' }), false);
    assert.deepEqual(
      file.answers(uid).map(({ type, id }) => `${type} ${id}`),
      ['restart a', 'run-now c'],
    );
    file.close();
  });

  test('reports reach listeners at once, the file only on a change of state', async () => {
    let nowMs = 0;
    const clock = {
      now: () => nowMs,
      monotonicMs: () => nowMs,
      sleep: () => Promise.reject(new Error('unused')),
    };
    const path = newPath();
    const made = openStateFile(path);
    const { uid } = made.identify('default', 'orders');
    made.close();
    const tables = openTables(path);
    const seen: SyncStatus[] = [];
    const lock = new LocalLock({
      uid,
      tables,
      clock,
      pendingRequests: () => [],
      history: () => [],
      onReport: (status) => seen.push(status),
      onRelease: () => {},
    });
    const stored = () => {
      const { state, rows } = JSON.parse(String(tables.prepare('SELECT status FROM syncs').pluck().get()));
      return [state, rows.written];
    };
    lock.report(statusOf(uid, 'Running', 1));
    assert.deepEqual(stored(), ['Running', 1]);
    lock.report(statusOf(uid, 'Running', 2));
    assert.deepEqual(stored(), ['Running', 1]);
    lock.report(statusOf(uid, 'Waiting', 3));
    assert.deepEqual(stored(), ['Waiting', 3]);
    nowMs += 10_000;
    lock.report(statusOf(uid, 'Waiting', 4));
    assert.deepEqual(stored(), ['Waiting', 4]);
    assert.equal(seen.length, 4);
    tables.close();
  });

  test('slots are bounded, fair in order of arrival, and released by a stopped holder', async () => {
    const file = openStateFile(newPath());
    const [one, two] = ['a', 'b'].map((name) => dataSourceOf(name, 1)) as [DataSource, DataSource];
    const never = new AbortController().signal;
    const order: string[] = [];
    const waits = new Map<string, SlotWait>();
    const take = async (name: string, dataSources: DataSource[], signal = never) => {
      const slots = await file.store.acquireSlots(syncOf(name, { name }), dataSources, signal, (wait) =>
        waits.set(name, wait),
      );
      order.push(name);
      return slots;
    };
    const first = await take('first', [two, one]);
    assert.equal(first.hasWaiters(), false);
    const stop = new AbortController();
    const second = take('second', [one, two], stop.signal);
    const third = take('third', [two, one]);
    const fourth = take('fourth', [dataSourceOf('free', undefined), one]);
    assert.equal(first.hasWaiters(), true);
    assert.deepEqual(waits.get('third'), { dataSource: 'default/a', limit: 1, holders: ['default/first'] });
    stop.abort(new Stopped('shutdown'));
    await assert.rejects(second, Stopped);
    await first.release();
    await first.release();
    const held = await third;
    assert.deepEqual(waits.get('fourth')?.holders, ['default/third']);
    await held.release();
    await (await fourth).release();
    assert.deepEqual(order, ['first', 'third', 'fourth']);
    file.close();
  });

  test('belongs to one process, which the error names, until that is killed', async () => {
    const path = newPath();
    const module = pathToFileURL(join(import.meta.dirname, 'state-file.ts')).href;
    // The interval keeps the file from being garbage collected, which would close it.
    const script = `const { openStateFile } = await import('${module}');
      const file = openStateFile('${path}');
      console.log(file.identify('default', 'orders').uid);
      setInterval(() => file.path, 1000);`;
    const child = spawn(process.execPath, ['--input-type=module', '-e', script], {
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    const exit = once(child, 'exit');
    let uid = '';
    try {
      const [line] = (await once(child.stdout, 'data')) as [Buffer];
      uid = line.toString().trim();
      assert.throws(
        opens(path),
        (error) => withCode('StateLocked')(error) && String(error).includes(`process ${child.pid}`),
      );
    } finally {
      child.kill('SIGKILL');
      await exit;
    }
    const file = openStateFile(path);
    assert.equal(file.identify('default', 'orders').uid, uid);
    assert.throws(opens(path), withCode('StateLocked'));
    file.close();
    opens(path)();
  });

  test('stays locked for other processes after a second opening in this one was refused', async () => {
    const path = newPath();
    const file = openStateFile(path);
    assert.throws(opens(path), withCode('StateLocked'));
    const module = pathToFileURL(join(import.meta.dirname, 'state-file.ts')).href;
    const script = `const { openStateFile } = await import('${module}');
      try { openStateFile('${path}'); console.log('opened'); } catch (error) { console.log(error.code); }`;
    const { stdout } = await runCommand(process.execPath, ['--input-type=module', '-e', script]);
    assert.equal(stdout.trim(), 'StateLocked');
    file.close();
  });

  test('refuses a file of a newer version and one that is not a state file', async () => {
    const path = newPath();
    opens(path)();
    const { default: Database } = await import('better-sqlite3');
    const raw = new Database(path);
    raw.pragma('user_version = 99');
    raw.close();
    assert.throws(opens(path), withCode('StateFromNewerVersion'));
    const text = join(folder, 'text');
    await writeFile(text, 'no database, but long enough to be looked at'.repeat(100));
    assert.throws(opens(text), withCode('StateUnreadable'));
  });
});
