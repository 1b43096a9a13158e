import assert from 'node:assert/strict';
import { setTimeout as pause } from 'node:timers/promises';
import type { CrashPoint } from '../../core/crash-points.ts';
import { killedAt } from '../kit/kill-hook.ts';
import { mongodbMemory } from '../kit/servers.ts';
import { SingleMode, syncManifest } from '../kit/single-mode.ts';
import { removeFolder, tempFolder } from '../kit/temp.ts';
import { until } from '../kit/wait.ts';
import { type Destination, lineOf, mongodbManifest } from './destinations.ts';
import { Work } from './work.ts';

export interface FollowOptions {
  readonly changes: number;
  /** SIGKILLs: each second one at a random moment, the others at the steps of a commit. */
  readonly kills: number;
  readonly maxRows: number;
  readonly random: () => number;
  readonly say?: (line: string) => void;
}

const points: readonly CrashPoint[] = [
  'commit:before',
  'commit:after',
  'acknowledge:before',
  'claim:after',
  'mirror:before',
  'write:before',
];

/**
 * `bin/idra` follows the change streams of two collections and is killed again and again, while documents change. At the end the
 * destination has exactly the documents, and each change of a document of `events` has made exactly one row of its history.
 */
export async function follow(open: () => Promise<Destination>, options: FollowOptions): Promise<void> {
  const { changes, kills, random, say = () => {} } = options;
  const folder = await tempFolder('mongodb-changes');
  const destination = await open();
  const source = await mongodbMemory({ own: true });
  try {
    const database = source.createDatabase();
    const work = new Work(source.client.db(database), random);
    await work.begin();
    const single = new SingleMode(folder);
    await single.write(
      mongodbManifest('app', source, database) + destination.manifest + syncs(destination, options.maxRows),
    );
    await single.runWell();
    await destination.begin();
    const share = Math.ceil(changes / (kills + 1));
    for (let kill = 0; kill < kills; kill++) {
      await work.change(share / 2);
      const changing = work.change(share / 2);
      if (kill % 2 === 0)
        await killAtStep(single, points[(kill / 2) % points.length] ?? 'commit:before', random);
      else await killAnywhere(single, random);
      await changing;
      assert.equal(await destination.sumOfBalances(), 0, 'a transaction has arrived in part');
      say(`${work.done} changes, ${kill + 1} kills`);
    }
    await work.change(changes - work.done);
    await prove(single, work, destination, say);
  } finally {
    await source.stop();
    await destination.stop();
    await removeFolder(folder);
  }
}

function syncs(destination: Destination, maxRows: number): string {
  const column = (name: string, path: string, type: string, nullable = true) => ({
    name,
    path,
    type,
    nullable,
  });
  const others = [
    column('balance', 'balance', 'int64'),
    column('gross', 'totals.gross', 'int64'),
    column('city', 'customer.address.city', 'text'),
  ];
  const sync = (name: string, id: string, more: object, from: object = {}) =>
    syncManifest(name, {
      source: {
        dataSource: 'app',
        collection: name,
        columns: [column(id, '_id', 'int64', false), ...others],
        ...from,
      },
      destination: { dataSource: 'warehouse', ...destination.object(name) },
      mode: 'Stream',
      batch: { maxRows },
      schedule: { continuous: true },
      ...more,
    });
  return (
    sync('orders', '_id', { deletes: 'Hard' }) +
    sync('events', 'no', { writeMode: 'Append' }, { startFrom: 'Now' })
  );
}

async function killAtStep(single: SingleMode, at: CrashPoint, random: () => number): Promise<void> {
  const { signal } = await single.runKilled(killedAt({ at, count: 1 + Math.floor(random() * 2) }));
  assert.equal(signal, 'SIGKILL', `it ended before ${at}`);
}

/** After it has moved rows. */
async function killAnywhere(single: SingleMode, random: () => number): Promise<void> {
  const running = await single.start();
  await until(() => running.statuses('orders').some(({ state }) => state === 'Running'), {
    what: 'a running Sync',
  }).catch((error: Error) => {
    throw new Error(`${error.message}\n${running.process.tail()}`);
  });
  await pause(random() * 1_000);
  running.process.kill('SIGKILL');
  await running.process.waitForExit();
}

async function prove(
  single: SingleMode,
  work: Work,
  destination: Destination,
  say: (line: string) => void,
): Promise<void> {
  const { status } = await single.runWell();
  for (const name of ['orders', 'events']) assert.equal(status.get(name)?.guarantee, 'ExactlyOnce', name);
  const wanted = await work.orders.find({}, { sort: { _id: 1 } }).toArray();
  assert.deepEqual(
    await destination.orders(),
    wanted.map(({ _id, balance, totals, customer }) =>
      lineOf([_id, balance, totals.gross, customer.address.city]),
    ),
  );
  const history = await destination.events();
  const wrong = [...work.changesOfEvents].filter(([id, count]) => history.get(id) !== count);
  assert.deepEqual(
    [wrong, history.size],
    [[], work.changesOfEvents.size],
    'changes that have not one row each',
  );
  const commits = await destination.proveCommits();
  if (commits !== undefined) say(`${commits} commits, each ahead of the one before it`);
  const again = await single.runWell();
  assert.deepEqual(again.status.get('orders')?.rows, status.get('orders')?.rows);
}
