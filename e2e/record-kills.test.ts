import assert from 'node:assert/strict';
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, beforeEach, test } from 'node:test';
import Database from 'better-sqlite3';
import type { CrashPoint } from '../core/crash-points.ts';
import { killedAt } from './kit/kill-hook.ts';
import { projectFolder } from './kit/processes.ts';
import { randomFrom } from './kit/random.ts';
import { SingleMode } from './kit/single-mode.ts';
import { removeFolder, tempFolder } from './kit/temp.ts';
import { Collection } from './record-system/collection.ts';

/**
 * `bin/idra` follows a log of documents and is killed again and again, while documents are inserted, changed and deleted between the runs.
 * The destination has exactly the documents at the end, and each intermediate state is one of the source.
 */
const install = `--import=${projectFolder}/e2e/record-system/install.ts`;
let folder: string;
let documents: Collection;

beforeEach(async () => {
  folder = await tempFolder('record-kills');
  await mkdir(join(folder, 'default'));
  new Database(target()).close();
  documents = new Collection(join(folder, 'records'), 'orders');
  documents.create();
});
afterEach(() => removeFolder(folder));

const target = () => join(folder, 'default', 'warehouse.db');

const manifests = (deletes: string) => `
kind: DataSource
apiVersion: idra.dev/v1alpha1
metadata: { name: app }
spec: { records: { folder: "${join(folder, 'records')}" } }
---
kind: DataSource
apiVersion: idra.dev/v1alpha1
metadata: { name: warehouse }
spec: { sqlite: { path: "${target()}" } }
---
kind: Sync
apiVersion: idra.dev/v1alpha1
metadata: { name: orders }
spec:
  source: { dataSource: app, collection: orders }
  destination: { dataSource: warehouse, table: orders }
  mode: Stream
  deletes: ${deletes}
  schemaChanges: AddColumns
  batch: { maxRows: 7 }
  schedule: { every: 1h }`;

/** Each transaction changes the totals of two documents so that their sum stays 0; some documents come and go. */
function work(random: () => number, transactions: number): void {
  const integer = (from: number, to: number) => from + Math.floor(random() * (to - from + 1));
  for (let count = 0; count < transactions; count++) {
    const [one, amount] = [integer(1, 60), integer(-500, 500)];
    const transfer = [
      { id: one, document: JSON.stringify({ _id: one, total: amount }) },
      { id: one + 100, document: JSON.stringify({ _id: one + 100, total: -amount, note: `n${count}` }) },
    ];
    const removal = [one, one + 100].map((id) => ({ id, document: null }));
    documents.apply(integer(0, 3) === 0 ? removal : transfer);
  }
}

function arrived(where = 'true'): unknown[][] {
  const database = new Database(target(), { readonly: true });
  try {
    const isMade = database.prepare("SELECT 1 FROM sqlite_schema WHERE name = 'orders'").get();
    return isMade
      ? (database
          .prepare(`SELECT _id, total FROM orders WHERE ${where} ORDER BY _id`)
          .raw()
          .all() as unknown[][])
      : [];
  } finally {
    database.close();
  }
}

const expected = () =>
  documents
    .documents()
    .map(({ id, document }) => [id, (JSON.parse(document ?? '') as { total: number }).total]);

const kills: readonly (readonly [CrashPoint, number])[] = [
  ['commit:before', 3],
  ['commit:after', 2],
  ['commit:before', 1],
  ['acknowledge:before', 4],
  ['claim:after', 1],
  ['mirror:before', 2],
  ['write:before', 5],
];

async function runWithKills(deletes: string): Promise<SingleMode> {
  const random = randomFrom(7);
  const single = new SingleMode(folder);
  await single.write(manifests(deletes));
  work(random, 80);
  for (const [at, count] of kills) {
    const env = killedAt({ at, count });
    const { signal } = await single.runKilled({ ...env, NODE_OPTIONS: `${env.NODE_OPTIONS} ${install}` });
    assert.equal(signal, 'SIGKILL', `it ended before ${at}`);
    work(random, 40);
  }
  return single;
}

test('Hard: killed at every step, the destination has the documents of the source, each once', async () => {
  const single = await runWithKills('Hard');
  const { status } = await single.runWell({ env: { NODE_OPTIONS: install } });
  assert.deepEqual(arrived(), expected());
  const { guarantee, rows, lagSeconds } = status.get('orders') ?? {};
  assert.deepEqual([guarantee, lagSeconds], ['ExactlyOnce', 0]);
  assert.ok((rows?.deleted ?? 0) > 0);
  const again = await single.runWell({ env: { NODE_OPTIONS: install } });
  assert.deepEqual(again.status.get('orders')?.rows, rows);
});

test('Soft: deleted documents stay with the time of their deletion, and those that came back have none', async () => {
  const single = await runWithKills('Soft');
  await single.runWell({ env: { NODE_OPTIONS: install } });
  assert.deepEqual(arrived('_deleted_at IS NULL'), expected());
  assert.ok(arrived('_deleted_at IS NOT NULL').length > 0);
});
