import assert from 'node:assert/strict';
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import Database from 'better-sqlite3';
import { BSON, type Document } from 'mongodb';
import type { CrashPoint } from '../core/crash-points.ts';
import { killedAt } from './kit/kill-hook.ts';
import { randomFrom } from './kit/random.ts';
import { type MongodbServer, mongodb, mongodbMemory } from './kit/servers.ts';
import { SingleMode, syncManifest } from './kit/single-mode.ts';
import { removeFolder, tempFolder } from './kit/temp.ts';

/**
 * `bin/idra` follows change streams and is killed again and again, while documents are inserted, changed and deleted between the runs. At
 * the end each destination has exactly the documents, and each inserted document is once in a history that is only appended to.
 * The long proof: IDRA_TEST_CHANGES=100000 IDRA_TEST_KILLS=20.
 */
const changes = Number(process.env.IDRA_TEST_CHANGES ?? 4_000);
const kills = Number(process.env.IDRA_TEST_KILLS ?? 6);
const points: readonly CrashPoint[] = [
  'commit:before',
  'commit:after',
  'acknowledge:before',
  'claim:after',
  'mirror:before',
  'write:before',
];
const column = (name: string) => ({ name, path: name, type: 'int64', nullable: false });

type Orders = Document & { _id: number };

function dataSource(name: string, { port, user, password }: MongodbServer, database: string): string {
  const login = user === undefined ? {} : { user, passwordSecretRef: { name, key: 'password' } };
  const spec = { mongodb: { hosts: [`127.0.0.1:${port}`], database, tls: { mode: 'Disable' }, ...login } };
  return `apiVersion: v1
kind: Secret
metadata: { name: ${name} }
stringData: { password: "${password ?? ''}" }
---
apiVersion: idra.dev/v1alpha1
kind: DataSource
metadata: { name: ${name} }
spec: ${JSON.stringify(spec)}
---
`;
}

/** Changes of one round: transfers between two documents, so that the sum of all totals stays 0, and removals of both. */
function round(random: () => number, count: number): readonly Document[] {
  const integer = (to: number) => 1 + Math.floor(random() * to);
  return Array.from({ length: Math.ceil(count / 2) }, () => {
    const [one, amount] = [integer(300), integer(1_000)];
    if (integer(5) === 1) return [one, one + 1_000].map((_id) => ({ deleteOne: { filter: { _id } } }));
    return [
      { _id: one, total: amount },
      { _id: one + 1_000, total: -amount },
    ].map((document) => ({
      replaceOne: { filter: { _id: document._id }, replacement: document, upsert: true },
    }));
  }).flat();
}

interface Destination {
  readonly manifest: string;
  readonly field: 'table' | 'collection';
  read(name: string): Promise<readonly Document[]>;
}

function sqlite(folder: string): Destination {
  const path = join(folder, 'default', 'warehouse.db');
  new Database(path).close();
  const spec = { sqlite: { path } };
  return {
    manifest: `apiVersion: idra.dev/v1alpha1
kind: DataSource
metadata: { name: warehouse }
spec: ${JSON.stringify(spec)}
---
`,
    field: 'table',
    async read(name) {
      const database = new Database(path, { readonly: true });
      try {
        return database.prepare(`SELECT _id, total FROM ${name} ORDER BY _id`).all() as Document[];
      } finally {
        database.close();
      }
    },
  };
}

function withTransactions(server: MongodbServer): Destination {
  const database = server.createDatabase();
  return {
    manifest: dataSource('warehouse', server, database),
    field: 'collection',
    read: (name) =>
      server.client
        .db(database)
        .collection(name)
        .find({}, { sort: { _id: 1 } })
        .toArray(),
  };
}

async function follow(source: MongodbServer, destination: Destination, folder: string): Promise<void> {
  const name = source.createDatabase();
  const orders = source.client.db(name).collection<Orders>('orders');
  const events = source.client.db(name).collection<Orders>('events');
  const random = randomFrom(7);
  const single = new SingleMode(folder);
  const sync = (of: string, more: object, from: object = {}) =>
    syncManifest(of, {
      source: { dataSource: 'app', collection: of, columns: [column('_id'), column('total')], ...from },
      destination: { dataSource: 'warehouse', [destination.field]: of },
      mode: 'Stream',
      batch: { maxRows: 100 },
      schedule: { every: '1h' },
      ...more,
    });
  await single.write(
    dataSource('app', source, name) +
      destination.manifest +
      sync('orders', { deletes: 'Hard' }) +
      sync('events', { writeMode: 'Append' }, { startFrom: 'Now' }),
  );
  let count = 0;
  const work = async () => {
    const some = Math.ceil(changes / (kills + 2) / 2);
    await orders.bulkWrite(round(random, some) as never);
    if (count > 0 || isStarted)
      await events.insertMany(
        Array.from({ length: some }, () => ({ _id: ++count, total: new BSON.Int32(count % 100) })) as never,
      );
  };
  let isStarted = false;
  await source.client.db(name).command({ create: 'events' });
  await work();
  await single.runWell();
  isStarted = true;
  await work();
  for (let number = 0; number < kills; number++) {
    const at = points[number % points.length] ?? 'commit:before';
    const { signal } = await single.runKilled(killedAt({ at, count: 1 + Math.floor(random() * 2) }));
    assert.equal(signal, 'SIGKILL', `it ended before ${at}`);
    await work();
  }
  const { status } = await single.runWell();
  const { guarantee } = status.get('events') ?? {};
  assert.equal(guarantee, 'ExactlyOnce');
  const plain = (documents: readonly Document[]) =>
    documents.map(({ _id, total }) => [Number(_id), Number(total)]);
  const wanted = await orders.find({}, { sort: { _id: 1 } }).toArray();
  assert.deepEqual(plain(await destination.read('orders')), plain(wanted));
  assert.equal(
    wanted.reduce((sum, { total }) => sum + Number(total), 0),
    0,
  );
  const history = await destination.read('events');
  assert.deepEqual(
    plain(history),
    Array.from({ length: count }, (_, index) => [index + 1, (index + 1) % 100]),
  );
  const again = await single.runWell();
  assert.deepEqual(again.status.get('orders')?.rows, status.get('orders')?.rows);
}

describe('changes of MongoDB, under kills', () => {
  test('arrive at SQLite once', async (t) => {
    const folder = await tempFolder('mongodb-changes');
    t.after(() => removeFolder(folder));
    await mkdir(join(folder, 'default'));
    const source = await mongodbMemory({ own: true });
    t.after(() => source.stop());
    await follow(source, sqlite(folder), folder);
  });

  test('arrive at a MongoDB with transactions once', async (t) => {
    const folder = await tempFolder('mongodb-changes');
    t.after(() => removeFolder(folder));
    const warehouse = await mongodb();
    t.after(() => warehouse.stop());
    const source = await mongodbMemory({ own: true });
    t.after(() => source.stop());
    await follow(source, withTransactions(warehouse), folder);
  });
});
