import assert from 'node:assert/strict';
import { setTimeout as pause } from 'node:timers/promises';
import { TestClient } from '../../connectors/kafka/test-harness.ts';
import { AgentCluster } from '../kit/agents.ts';
import { onDatabase } from '../kit/ledger.ts';
import { type KafkaServer, kafka, type PostgresDatabase, postgres } from '../kit/servers.ts';
import { syncManifest } from '../kit/single-mode.ts';
import { dataSourceManifest, secretManifest } from '../kit/systems.ts';
import { until } from '../kit/wait.ts';

/** What is done to the processes while messages are on their way. */
export interface RoundTripOptions {
  readonly messages: number;
  readonly brokers: 1 | 3;
  readonly batchRows: number;
  /** SIGKILLs of agents. */
  readonly kills: number;
  /** Brokers that are killed and started again. */
  readonly brokerKills: number;
  /** Agents that are stopped for longer than their lease, and continue. */
  readonly pauses: number;
  readonly timeoutMs: number;
  readonly random: () => number;
  readonly say?: (line: string) => void;
}

const partitions = 6;
const keys = 500;
const leaseTtlMs = 2_000;
const fillRows = 5_000;

/**
 * A topic to PostgreSQL and from there to another topic, by agents that are killed and paused, over brokers that are killed. At the end a
 * consumer of committed messages sees each row once, and those of a key in their order.
 */
export async function roundTrip(options: RoundTripOptions): Promise<void> {
  const { messages, say = () => {} } = options;
  const brokers = await kafka({ brokers: options.brokers });
  const client = await new TestClient(brokers).open();
  const server = await postgres();
  const cluster = await AgentCluster.start({ leaseTtlMs });
  try {
    const database = await prepare(client, server);
    await cluster.put(manifests(brokers, database, options.batchRows));
    const filling = fill(client, messages);
    filling.catch(() => {});
    await disturb(cluster, brokers, options);
    await filling;
    say('all faults are over');
    await untilArrived(cluster, database, messages, options.timeoutMs);
    await prove(client, messages);
  } finally {
    await cluster.stop();
    await client.close();
    await brokers.stop();
    await server.stop();
  }
}

async function prepare(
  client: TestClient,
  server: Awaited<ReturnType<typeof postgres>>,
): Promise<PostgresDatabase> {
  const database = await server.createDatabase();
  await server.query(`GRANT pg_read_all_stats TO "${database.user}"`);
  // The numbers show the order in which rows were written, and a row that is written twice is there twice.
  await onDatabase(database.url, (pg) =>
    pg.query('CREATE TABLE events (seq bigserial PRIMARY KEY, id bigint NOT NULL, key int, body text)'),
  );
  await client.create('events', partitions);
  return database;
}

function manifests({ brokers }: KafkaServer, database: PostgresDatabase, maxRows: number): string {
  const column = (name: string, type: string) => ({ name, type });
  const shared = { schedule: { continuous: true }, batch: { maxRows }, writeMode: 'Append' };
  return [
    secretManifest('warehouse', database.password),
    dataSourceManifest('warehouse', 'postgres', database),
    `apiVersion: idra.dev/v1alpha1\nkind: DataSource\nmetadata: { name: events }\nspec: ${JSON.stringify({ kafka: { brokers, tls: { mode: 'Disable' } } })}\n---\n`,
    syncManifest('in', {
      source: {
        dataSource: 'events',
        topic: 'events',
        columns: [
          { ...column('id', 'int64'), nullable: false },
          column('key', 'int32'),
          column('body', 'text'),
        ],
      },
      destination: { dataSource: 'warehouse', table: 'public.events' },
      mode: 'Stream',
      ...shared,
    }),
    syncManifest('out', {
      source: { dataSource: 'warehouse', table: 'public.events', idField: 'seq' },
      destination: { dataSource: 'events', topic: 'copy', key: ['key'], partitions },
      mode: 'Id',
      ...shared,
    }),
  ].join('');
}

async function fill(client: TestClient, messages: number): Promise<void> {
  const producer = await client.producer();
  for (let from = 0; from < messages; from += fillRows) {
    const some = Array.from({ length: Math.min(fillRows, messages - from) }, (_, index) => {
      const id = from + index;
      return { key: String(id % keys), value: JSON.stringify({ id, key: id % keys, body: `event ${id}` }) };
    });
    await until(() => producer.send({ topic: 'events', acks: -1, messages: some }).then(() => true), {
      what: 'a broker to accept messages',
    });
  }
}

type Fault = 'kill' | 'broker' | 'pause';

async function disturb(
  cluster: AgentCluster,
  brokers: KafkaServer,
  options: RoundTripOptions,
): Promise<void> {
  const { kills, brokerKills, pauses, random, say = () => {} } = options;
  const faults: Fault[] = [
    ...new Array<Fault>(kills).fill('kill'),
    ...new Array<Fault>(brokerKills).fill('broker'),
    ...new Array<Fault>(pauses).fill('pause'),
  ];
  let started = 0;
  const start = async () => void (await cluster.agent(`agent-${++started}`));
  await start();
  await start();
  while (faults.length > 0) {
    const [fault] = faults.splice(Math.floor(random() * faults.length), 1);
    await pause(500 + random() * 2_000);
    say(`${fault}, ${faults.length} left`);
    if (fault === 'broker') {
      const broker = brokers.processes[Math.floor(random() * brokers.processes.length)];
      await broker?.kill();
      await pause(random() * 1_000);
      await broker?.restart();
      continue;
    }
    const running = [...cluster.agents.values()].filter((each) => each.isRunning);
    const holders = new Set((await cluster.holders()).values());
    const [owner] = [...cluster.agents].filter(([name, each]) => holders.has(name) && each.isRunning);
    const agent = owner?.[1] ?? running[0];
    if (fault === 'kill') {
      agent?.kill('SIGKILL');
      await start();
    } else {
      agent?.kill('SIGSTOP');
      await pause(leaseTtlMs * 2);
      agent?.kill('SIGCONT');
    }
  }
}

async function untilArrived(
  cluster: AgentCluster,
  database: PostgresDatabase,
  messages: number,
  timeoutMs: number,
): Promise<void> {
  const count = async () => {
    const { rows } = await onDatabase(database.url, (pg) =>
      pg.query('SELECT count(*)::int AS n, max(seq) AS last FROM events'),
    );
    return rows[0] as { readonly n: number; readonly last: string };
  };
  await until(async () => (await count()).n >= messages, {
    what: 'all rows to be in PostgreSQL',
    timeoutMs,
    everyMs: 500,
  });
  const { n, last } = await count();
  assert.equal(n, messages, 'rows in PostgreSQL');
  await cluster.untilStatus('out', 'done', ({ offset }) => JSON.parse(offset ?? '{}').id === last, timeoutMs);
}

async function prove(client: TestClient, messages: number): Promise<void> {
  const seen = await client.read('copy');
  const lasts = new Map<number, number>();
  const ids = new Set<number>();
  for (const { value } of seen) {
    const { id, key } = JSON.parse(value ?? '{}') as { readonly id: number; readonly key: number };
    assert.ok(!ids.has(id), `message ${id} was written twice`);
    assert.ok(id > (lasts.get(key) ?? -1), `message ${id} came before an earlier one of key ${key}`);
    ids.add(id);
    lasts.set(key, id);
  }
  assert.equal(ids.size, messages);
}
