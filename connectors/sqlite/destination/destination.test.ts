import assert from 'node:assert/strict';
import { existsSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, test } from 'node:test';
import Database from 'better-sqlite3';
import type { Destination, WritePlan } from '../../../core/connector.ts';
import { installCrashHook } from '../../../core/crash-points.ts';
import type { Relation } from '../../../core/values.ts';
import { removeFolder, tempFolder } from '../../../e2e/kit/temp.ts';
import { until } from '../../../e2e/kit/wait.ts';
import {
  batchOf,
  claimOf,
  execute,
  idOffset,
  openDestination,
  type PlanChange,
  planFor,
  query,
  rows,
  signal,
  source,
} from '../test-harness.ts';

let folder: string;
let file: string;
const opened: Destination[] = [];

beforeEach(async () => {
  folder = await tempFolder('sqlite');
  file = join(folder, 'd.db');
});
afterEach(async () => {
  installCrashHook(undefined);
  await Promise.all(opened.splice(0).map((each) => each.close()));
  await removeFolder(folder);
});

async function open(): Promise<Destination> {
  const destination = await openDestination(file);
  opened.push(destination);
  return destination;
}

async function claimed(change: PlanChange = {}): Promise<{ destination: Destination; plan: WritePlan }> {
  const destination = await open();
  const plan = await planFor(source, destination, change);
  await destination.claim(claimOf(plan), signal);
  return { destination, plan };
}

const code = (expected: string) => (error: { code?: string }) => error.code === expected;
const target = () => query(file, 'SELECT * FROM t ORDER BY id');

test('describing a missing file does not create it', async () => {
  const destination = await open();
  assert.equal(await destination.describe(signal), null);
  assert.equal(await destination.hasRows(signal), false);
  assert.deepEqual(await destination.commitRows('u1', signal), []);
  assert.deepEqual(await destination.check('Replace', signal), []);
  await destination.closeRows('u1', 5n, signal);
  assert.equal(existsSync(file), false);
});

test('a claim runs the statements of the plan', async () => {
  const destination = await open();
  const plan = await planFor(source, destination);
  const statements = destination.statements(plan);
  await destination.claim(claimOf(plan), signal);
  const made = query(
    file,
    "SELECT sql FROM sqlite_schema WHERE name IN ('t', '_idra_commits') ORDER BY name",
  ).flat();
  assert.deepEqual(
    made,
    statements.map((each) => each.replace('TABLE IF NOT EXISTS', 'TABLE')),
  );
  assert.deepEqual(destination.statements(await planFor(source, destination)), []);
});

test('Skip leaves out rows that cannot be kept, counts them and reports why without the value', async () => {
  execute(file, "CREATE TABLE t (id INTEGER PRIMARY KEY, v TEXT CHECK (v <> 'v2'))");
  const { destination } = await claimed({ onError: 'Skip' });
  const result = await destination.write(
    batchOf([...rows(1, 2, 3), [2n ** 63n, 'secret']], idOffset(3)),
    signal,
  );
  assert.deepEqual([result.written, result.rejected, result.totalRows], [2, 2, 2]);
  assert.deepEqual(
    result.rejections.map((each) => [each.row, each.column]),
    [
      ['id 2', undefined],
      ['id 9223372036854775808', 'id'],
    ],
  );
  assert.doesNotMatch(JSON.stringify(result.rejections), /secret/);
  assert.deepEqual(target(), rows(1, 3));
});

test('a trigger that rolls everything back is not skipped over', async () => {
  const { destination } = await claimed({ onError: 'Skip' });
  execute(
    file,
    "CREATE TRIGGER no BEFORE INSERT ON t WHEN new.id = 2 BEGIN SELECT RAISE(ROLLBACK, 'all or nothing'); END",
  );
  await assert.rejects(
    destination.write(batchOf(rows(1, 2, 3), idOffset(3)), signal),
    code('RaisedByTrigger'),
  );
  assert.deepEqual(target(), []);
});

test('the largest time is the latest one, whatever the digits of its fraction', async () => {
  const timed: Relation = {
    ...source,
    columns: [
      { name: 'id', type: { kind: 'int', bits: 64 }, nativeType: 'bigint', isNullable: false },
      {
        name: 'at',
        type: { kind: 'timestamp', precision: 6, hasZone: true },
        nativeType: 'timestamptz',
        isNullable: false,
      },
    ],
  };
  const destination = await open();
  const plan = await planFor(timed, destination, { isSameSystem: false });
  await destination.claim(claimOf(plan, { keepsOffset: false }), signal);
  const at = [
    '2026-11-24 08:00:00Z',
    '2026-11-24 08:00:00.5Z',
    '2026-11-24 08:00:00.25Z',
    '2026-11-23 23:59:59Z',
  ];
  await destination.write(
    batchOf(
      at.map((text, id) => [BigInt(id), text]),
      idOffset(0),
    ),
    signal,
  );
  assert.deepEqual(await destination.largest(['at', 'id'], signal), ['2026-11-24 08:00:00.5Z', 1n]);
});

test('numbers that are stored as text have no largest value', async () => {
  const money: Relation = {
    ...source,
    columns: [
      {
        name: 'id',
        type: { kind: 'decimal', precision: 38, scale: 0 },
        nativeType: 'numeric(38,0)',
        isNullable: false,
      },
    ],
  };
  const destination = await open();
  await destination.claim(claimOf(await planFor(money, destination, { isSameSystem: false })), signal);
  await destination.write(batchOf([['9'], ['10']], idOffset(10)), signal);
  await assert.rejects(destination.largest(['id'], signal), code('FieldNotOrdered'));
});

test('a write that is aborted is rolled back, and its lock is gone', async () => {
  const { destination } = await claimed({ writeMode: 'Append', hasUniqueKey: false });
  const many = Array.from({ length: 60_000 }, (_, index) => [BigInt(index), `v${index}`]);
  const stop = new AbortController();
  const writing = destination.write(batchOf(many, idOffset(1)), stop.signal);
  await until(
    () => {
      try {
        execute(file, 'BEGIN IMMEDIATE; ROLLBACK');
        return false;
      } catch (error) {
        return (error as { code?: string }).code === 'SQLITE_BUSY';
      }
    },
    { what: 'the writer to hold its lock', everyMs: 1 },
  );
  stop.abort(new Error('stopped here'));
  await assert.rejects(writing, /stopped here/);
  await until(
    () => {
      execute(file, 'BEGIN IMMEDIATE; ROLLBACK');
      return true;
    },
    { what: 'the lock to be free' },
  );
  assert.deepEqual(target(), []);
  await assert.rejects(destination.write(batchOf(rows(1), idOffset(1)), signal), {
    disposition: 'transient',
  });
});

test('a file that another process is writing to is retried', async () => {
  const { destination } = await claimed();
  const writer = new Database(file);
  writer.exec('BEGIN IMMEDIATE');
  try {
    await assert.rejects(destination.write(batchOf(rows(1), idOffset(1)), signal), {
      disposition: 'transient',
      code: 'FileBusy',
    });
  } finally {
    writer.close();
  }
  assert.equal((await destination.write(batchOf(rows(1), idOffset(1)), signal)).totalRows, 1);
});

test('paths that cannot be written to are reported, with a remedy', async () => {
  const cases: [path: string, code: string][] = [
    [join(folder, 'missing', 'd.db'), 'FolderNotFound'],
    [folder, 'FileNotOpened'],
    ['/proc/d.db', 'FileNotOpened'],
  ];
  for (const [path, expected] of cases) {
    const destination = await openDestination(path);
    opened.push(destination);
    const plan = await planFor(source, await open());
    await assert.rejects(destination.claim(claimOf(plan), signal), {
      code: expected,
      disposition: 'permanent',
      path: 'spec.sqlite.path',
    });
  }
  const text = join(folder, 'text.db');
  writeFileSync(text, 'this is no database, and long enough for SQLite to look at its head twice');
  const destination = await openDestination(text);
  opened.push(destination);
  await assert.rejects(destination.describe(signal), code('NotADatabase'));
});

test('a pass in one transaction that an earlier owner begins leaves no lock behind', async () => {
  const { destination: old } = await claimed({ writeMode: 'Append', key: [], hasUniqueKey: false });
  const newer = await open();
  const plan = await planFor(source, newer, { writeMode: 'Append', key: [], hasUniqueKey: false });
  await newer.claim(claimOf(plan), signal);
  const start = { pass: 1, isResumed: false, isAtomic: true };
  await assert.rejects(old.beginPass(start, signal), { disposition: 'fenced' });
  assert.equal((await newer.write(batchOf(rows(1), idOffset(1)), signal)).totalRows, 1);
});
