import assert from 'node:assert/strict';
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { after, before, beforeEach, test } from 'node:test';
import { setTimeout as pause } from 'node:timers/promises';
import { gzipSync } from 'node:zlib';
import Database from 'better-sqlite3';
import { connector } from '../connectors/s3/connector.ts';
import {
  batchOf,
  claimWith,
  lines,
  planFor,
  signal,
  TestBucket,
  targetOf,
  twoColumns,
} from '../connectors/s3/test-harness.ts';
import type { CrashPoint } from '../core/crash-points.ts';
import { killedAt } from './kit/kill-hook.ts';
import { randomFrom } from './kit/random.ts';
import { SingleMode } from './kit/single-mode.ts';
import { tempFolder } from './kit/temp.ts';
import { beginUpload, committedIds, requireEachOnce } from './s3/bucket-ends.ts';
import { bothWays, oneWay } from './s3/folder.ts';
import { putLargeObject, readWithKills } from './s3/large-object.ts';
import { readManyObjects } from './s3/many-objects.ts';

let bucket: TestBucket;
let folder: string;
before(async () => {
  bucket = await TestBucket.open();
});
beforeEach(async () => {
  folder = await tempFolder('s3-kills');
  await mkdir(join(folder, 'default'));
});
after(() => bucket?.stop());

const warehouse = () => join(folder, 'default', 'warehouse.db');

/** A row that is written twice is there twice. */
function createEvents(): void {
  const database = new Database(warehouse());
  database.exec(
    'CREATE TABLE events (seq INTEGER PRIMARY KEY AUTOINCREMENT, id INTEGER NOT NULL, body TEXT)',
  );
  database.close();
}

function arrived(): readonly number[] {
  const database = new Database(warehouse(), { readonly: true });
  try {
    return database.prepare('SELECT id FROM events').pluck().all() as number[];
  } finally {
    database.close();
  }
}

/** Each is reached for the nth time, over both Syncs. */
const points: readonly (readonly [CrashPoint, number])[] = [
  ['claim:before', 1],
  ['claim:after', 1],
  ['pass:before-begin', 2],
  ['write:before', 3],
  ['commit:before', 2],
  ['commit:after', 3],
  ['mirror:before', 3],
  ['mirror:after', 2],
  ['acknowledge:before', 2],
  ['acknowledge:after', 4],
  ['commit:before', 3],
  ['claim:before', 2],
  ['pass:before-end', 1],
  ['pass:after-end', 2],
];

test('killed at each point and at any moment, both ways: each row arrives once', async () => {
  const single = new SingleMode(folder);
  createEvents();
  await single.write(bothWays(bucket, folder, 30));
  const random = randomFrom(11);
  let rows = 0;
  const more = async () => {
    const name = `in/${Math.floor(random() * 1e6)}-${rows}.jsonl`;
    const content = lines(rows + 1, rows + 100);
    rows += 100;
    if (rows % 300 === 0) await bucket.put(`${name}.gz`, gzipSync(content));
    else await bucket.put(name, content);
  };
  const upload = await beginUpload(bucket, 'in/early.jsonl', lines(1, 50));
  rows = 50;
  for (const [at, count] of points) {
    await more();
    const { signal: ended } = await single.runKilled(killedAt({ at, count }));
    assert.equal(ended, 'SIGKILL', `it ended before ${at}`);
  }
  for (let kill = 0; kill < 3; kill++) {
    await more();
    const { process: running } = await single.start();
    await running.waitForLine('"progress"', 60_000);
    await pause(random() * 700);
    running.kill('SIGKILL');
    await running.waitForExit();
  }
  await upload();
  await more();
  for (let pass = 0; pass < 20 && (await committed()).length < rows; pass++) await single.runWell();
  requireEachOnce(arrived(), rows, 'the table');
  requireEachOnce(await committed(), rows, 'the manifest');
  // What crashes have left is deleted by the claims after them.
  assert.deepEqual((await committedIds(bucket, 'out/')).leftovers, []);
});

async function committed(): Promise<readonly number[]> {
  const keys = await bucket.keys('out/_idra/');
  return keys.some((key) => key.endsWith('.json')) ? (await committedIds(bucket, 'out/')).ids : [];
}

test('killed in the middle of a large object, the next run goes on there', async () => {
  const large = await TestBucket.open();
  try {
    const single = new SingleMode(folder);
    createEvents();
    await single.write(oneWay(large, folder, 500));
    const rows = await putLargeObject(large, 'in/large.jsonl', 2 << 20);
    await readWithKills(single, warehouse(), { rows, kills: 3, afterBatches: 4 });
  } finally {
    await large.stop();
  }
});

test('two owners that both write until they are refused: one manifest, each committed row once', async () => {
  const random = randomFrom(5);
  const written: number[] = [];
  let next = 0;
  /** Claims, and writes until another one has claimed. Each has a client of its own. */
  const own = async () => {
    for (let life = 0; life < 3; life++) {
      const destination = await connector.openDestination(bucket.access, targetOf('owners/'), signal);
      const existing = await destination.describe(signal);
      try {
        await claimWith(destination, planFor(twoColumns, existing));
        for (let batch = 0; batch < 12; batch++) {
          const ids = [++next, ++next];
          await destination.write(batchOf(ids, next), signal);
          written.push(...ids);
          await pause(random() * 5);
        }
      } catch (thrown) {
        const { code } = thrown as { readonly code?: string };
        assert.ok(code === 'Fenced' || code === 'OffsetMoved' || code === 'ConditionLost', String(thrown));
      } finally {
        await destination.close();
      }
    }
  };
  await Promise.all([own(), own()]);
  const { ids } = await committedIds(bucket, 'owners/');
  const byNumber = (one: number, other: number) => one - other;
  assert.deepEqual(ids.toSorted(byNumber), written.toSorted(byNumber));
  assert.ok(written.length > 0 && written.length < next, 'nobody was refused');
});

test('more small objects than an offset remembers are read once, and so is an upload that ends after them', async () => {
  const many = await TestBucket.open();
  try {
    await readManyObjects(many, 5_000);
  } finally {
    await many.stop();
  }
});
