import assert from 'node:assert/strict';
import { setTimeout as pause } from 'node:timers/promises';
import { lines, TestBucket } from '../../connectors/s3/test-harness.ts';
import { AgentCluster } from '../kit/agents.ts';
import { onDatabase } from '../kit/ledger.ts';
import { postgres } from '../kit/servers.ts';
import { syncManifest } from '../kit/single-mode.ts';
import { dataSourceManifest, secretManifest } from '../kit/systems.ts';
import { until } from '../kit/wait.ts';
import { beginUpload, bucketManifests, committedIds, eventColumns, requireEachOnce } from './bucket-ends.ts';

/** What is done to the processes while objects are moved. */
export interface RoundTripOptions {
  readonly objects: number;
  readonly rowsPerObject: number;
  readonly batchRows: number;
  /** SIGKILLs of the agent that runs a Sync, at any moment. */
  readonly kills: number;
  /** The server of the bucket is killed and started again. */
  readonly serverKills: number;
  /** Agents that are stopped for longer than their lease: when they continue, two of them take a Sync for theirs. */
  readonly pauses: number;
  readonly timeoutMs: number;
  readonly random: () => number;
  readonly say?: (line: string) => void;
}

const leaseTtlMs = 2_000;
/** Each one of so many objects is an upload that ends after all others. */
const uploadEvery = 10;

/**
 * Objects to PostgreSQL, and from there to Parquet below another prefix, by agents that are killed and paused, over a server that is killed.
 * At the end PostgreSQL and the manifest have each row once.
 */
export async function roundTrip(options: RoundTripOptions): Promise<void> {
  const { objects, rowsPerObject, timeoutMs, say = () => {} } = options;
  const rows = objects * rowsPerObject;
  const bucket = await TestBucket.open();
  const server = await postgres();
  const cluster = await AgentCluster.start({ leaseTtlMs });
  try {
    const database = await server.createDatabase();
    await server.query(`GRANT pg_read_all_stats TO "${database.user}"`);
    const query = async (sql: string) =>
      (await onDatabase(database.url, (pg) => pg.query(sql))).rows as Record<string, string>[];
    await query('CREATE TABLE events (seq bigserial PRIMARY KEY, id bigint NOT NULL, body text)');
    await cluster.put(
      secretManifest('warehouse', database.password) +
        dataSourceManifest('warehouse', 'postgres', database) +
        bucketManifests('lake', bucket) +
        syncManifests(options.batchRows),
    );
    const filling = fill(bucket, options);
    filling.catch(() => {});
    await disturb(cluster, bucket, options);
    await filling;
    say('all faults are over');
    const count = async () => Number((await query('SELECT count(*) AS n FROM events'))[0]?.n);
    await until(async () => (await count()) >= rows, {
      what: 'all rows to be in PostgreSQL',
      timeoutMs,
      everyMs: 500,
    });
    const ids = await query('SELECT id FROM events');
    requireEachOnce(
      ids.map(({ id }) => Number(id)),
      rows,
      'PostgreSQL',
    );
    const [last] = await query('SELECT max(seq) AS seq FROM events');
    await cluster.untilStatus(
      'out',
      'done',
      ({ offset }) => JSON.parse(offset ?? '{}').id === last?.seq,
      timeoutMs,
    );
    requireEachOnce((await committedIds(bucket, 'out/')).ids, rows, 'the manifest');
  } finally {
    await cluster.stop();
    await bucket.stop();
    await server.stop();
  }
}

function syncManifests(maxRows: number): string {
  const shared = { schedule: { continuous: true }, batch: { maxRows }, writeMode: 'Append' };
  return [
    syncManifest('in', {
      source: { dataSource: 'lake', prefix: 'in/', columns: eventColumns },
      destination: { dataSource: 'warehouse', table: 'public.events' },
      mode: 'Stream',
      ...shared,
    }),
    syncManifest('out', {
      source: { dataSource: 'warehouse', table: 'public.events', idField: 'seq' },
      destination: { dataSource: 'lake', prefix: 'out/', format: 'Parquet' },
      mode: 'Id',
      ...shared,
    }),
  ].join('');
}

/** A server that is killed answers nothing: the same content is written again, and must be read once. */
async function fill(bucket: TestBucket, { objects, rowsPerObject, kills }: RoundTripOptions): Promise<void> {
  const sure = <T>(what: string, body: () => Promise<T>) =>
    until(async () => ({ result: await body() }), { what, timeoutMs: 120_000 });
  const uploads: (() => Promise<void>)[] = [];
  for (let object = 0; object < objects; object++) {
    const content = lines(object * rowsPerObject + 1, (object + 1) * rowsPerObject);
    // Keys are in no order.
    const key = `in/${(object * 7_919) % 10_007}-${object}.jsonl`;
    if (object % uploadEvery === 0) {
      const { result } = await sure('an upload to begin', () => beginUpload(bucket, key, content));
      uploads.push(result);
    } else await sure('an object to be written', () => bucket.put(key, content));
    if (object % Math.ceil(objects / (kills + 1)) === 0) await pause(1_000);
  }
  // An upload that has ended is gone: its answer may have been lost.
  for (const [index, end] of uploads.entries()) {
    const done = await end().then(
      () => true,
      () => false,
    );
    const object = index * uploadEvery;
    const key = `in/${(object * 7_919) % 10_007}-${object}.jsonl`;
    if (!done)
      await sure('an upload to end', async () => {
        if ((await bucket.allKeys(key)).length === 0) await end();
      });
  }
}

type Fault = 'kill' | 'server' | 'pause';

async function disturb(cluster: AgentCluster, bucket: TestBucket, options: RoundTripOptions): Promise<void> {
  const { random, say = () => {} } = options;
  const faults = [
    ...Array.from({ length: options.kills }, (): Fault => 'kill'),
    ...Array.from({ length: options.serverKills }, (): Fault => 'server'),
    ...Array.from({ length: options.pauses }, (): Fault => 'pause'),
  ].toSorted(() => random() - 0.5);
  let started = 0;
  const start = () => cluster.agent(`agent-${++started}`);
  await Promise.all([start(), start()]);
  await until(async () => (await cluster.holders()).size > 0, { what: 'a Sync to have an owner' });
  for (const [index, fault] of faults.entries()) {
    await pause(300 + random() * 2_000);
    say(`${fault}, ${faults.length - index - 1} left`);
    if (fault === 'server') await bucket.server.process?.restart();
    else {
      const holders = [...(await cluster.holders()).values()];
      const name = holders[Math.floor(random() * holders.length)] ?? [...cluster.agents.keys()].at(-1) ?? '';
      const agent = cluster.agents.get(name);
      assert.ok(agent, `there is no agent ${name}`);
      if (fault === 'kill') {
        agent.kill('SIGKILL');
        await start();
      } else {
        agent.kill('SIGSTOP');
        await pause(leaseTtlMs * 2);
        agent.kill('SIGCONT');
      }
    }
  }
}
