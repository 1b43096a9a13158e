import assert from 'node:assert/strict';
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import Database from 'better-sqlite3';
import { BSON, type Db } from 'mongodb';
import { type MongodbServer, mongodbMemory } from './kit/servers.ts';
import { type RunningSingleMode, SingleMode, syncManifest } from './kit/single-mode.ts';
import { removeFolder, tempFolder } from './kit/temp.ts';
import { until } from './kit/wait.ts';
import { mongodbManifest } from './mongodb-changes/destinations.ts';

/**
 * Ids and times of documents are made by clients, so that one may appear when others with larger values have long been visible. Within
 * safetyLag each arrives; without it the same documents are lost.
 */
let folder: string;
let source: MongodbServer;

before(async () => {
  folder = await tempFolder('mongodb-late-rows');
  source = await mongodbMemory();
});
after(async () => {
  await source?.stop();
  await removeFolder(folder);
});

let runs = 0;

interface Late {
  readonly mode: 'Id' | 'Timestamp';
  readonly type: string;
  /** Of the number of a document, in their order. */
  readonly value: (nr: number, baseMs: number) => unknown;
}

const cases: readonly Late[] = [
  { mode: 'Id', type: 'int64', value: (nr) => new BSON.Int32(nr) },
  { mode: 'Timestamp', type: 'timestamp(3) with time zone', value: (nr, baseMs) => new Date(baseMs + nr) },
];

interface Seen {
  readonly arrived: readonly number[];
  /** Documents with larger values were held back when the late one came. */
  readonly isHeld: boolean;
}

/** Document 2 comes when 3 and 4 are there, and 5 after it. */
async function run({ mode, value, type }: Late, lagSeconds: number): Promise<Seen> {
  const here = join(folder, String(++runs));
  await mkdir(join(here, 'default'), { recursive: true });
  const path = join(here, 'default', 'warehouse.db');
  new Database(path).close();
  const name = source.createDatabase();
  const database = source.client.db(name);
  const field = { [mode === 'Id' ? 'idField' : 'timestampField']: 'field' };
  const single = new SingleMode(here);
  await single.write(
    `${mongodbManifest('app', source, name)}apiVersion: idra.dev/v1alpha1
kind: DataSource
metadata: { name: warehouse }
spec: ${JSON.stringify({ sqlite: { path } })}
---
${syncManifest('late', {
  source: {
    ...{ dataSource: 'app', collection: 'late', ...field },
    columns: [
      { name: '_id', path: '_id', type: 'int64', nullable: false },
      { name: 'field', path: 'field', type, nullable: true },
    ],
  },
  destination: { dataSource: 'warehouse', table: 'late' },
  mode,
  safetyLag: `${lagSeconds}s`,
  schedule: { continuous: true },
})}`,
  );
  let baseMs = Date.now();
  const insert = (...numbers: readonly number[]) => insertInto(database, numbers, (nr) => value(nr, baseMs));
  await insert(1);
  const running = await single.start();
  const untilTrue = (what: string, isTrue: () => boolean) => untilOf(running, what, isTrue);
  const isHeldBack = () => running.latest('late')?.reason === 'HeldBack';
  try {
    await untilTrue('the first document', () => arrived(path).includes(1) && !isHeldBack());
    baseMs = Date.now();
    await insert(3, 4);
    await untilTrue('newer documents', () => isHeldBack() || arrived(path).includes(4));
    await insert(2);
    const isHeld = !arrived(path).includes(3);
    await insert(5);
    await untilTrue('the last document', () => arrived(path).includes(5));
    return { arrived: arrived(path), isHeld };
  } finally {
    await running.process.stop();
  }
}

async function insertInto(
  database: Db,
  numbers: readonly number[],
  value: (nr: number) => unknown,
): Promise<void> {
  const documents = numbers.map((nr) => ({ _id: nr as never, field: value(nr) }));
  await database.collection('late').insertMany(documents);
}

async function untilOf(running: RunningSingleMode, what: string, isTrue: () => boolean): Promise<void> {
  await until(() => isTrue() || running.process.exit, { what }).catch((error: Error) => {
    throw new Error(`${error.message}\n${running.process.tail()}`);
  });
  if (running.process.exit) throw new Error(running.process.describeEnd());
}

function arrived(path: string): readonly number[] {
  const database = new Database(path, { readonly: true });
  try {
    return database.prepare('SELECT _id FROM late ORDER BY _id').pluck().all() as number[];
  } catch (error) {
    if (/no such table/.test((error as Error).message)) return [];
    throw error;
  } finally {
    database.close();
  }
}

/** On a slow machine the late document may come when its time is over: then again with more time. */
async function runInTime(late: Late): Promise<Seen> {
  for (let lagSeconds = 3; ; lagSeconds *= 3) {
    const seen = await run(late, lagSeconds);
    if (seen.isHeld || lagSeconds > 20) return seen;
  }
}

for (const late of cases) {
  test(`${late.mode}: a document that appears late arrives`, async () => {
    assert.deepEqual(await runInTime(late), { arrived: [1, 2, 3, 4, 5], isHeld: true });
  });

  test(`${late.mode}: without safetyLag it is lost`, async () => {
    assert.deepEqual(await run(late, 0), { arrived: [1, 3, 4, 5], isHeld: false });
  });
}
