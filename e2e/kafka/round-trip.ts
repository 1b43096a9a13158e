import assert from 'node:assert/strict';
import { setTimeout as pause } from 'node:timers/promises';
import { TestClient } from '../../connectors/kafka/test-harness.ts';
import { AgentCluster } from '../kit/agents.ts';
import { onDatabase } from '../kit/ledger.ts';
import { type KafkaServer, kafka, type PostgresDatabase, postgres } from '../kit/servers.ts';
import { anyDataSource, syncManifest } from '../kit/single-mode.ts';
import { dataSourceManifest, secretManifest } from '../kit/systems.ts';
import { until } from '../kit/wait.ts';
import { TransactionLog, type TransactionStart } from './transaction-log.ts';

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
  /** Fails unless an agent was stopped within a transaction. */
  readonly needsZombie?: true;
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
 * consumer of committed messages sees each message once, and those of a key in their order. Transactions of paused agents were aborted.
 */
export async function roundTrip(options: RoundTripOptions): Promise<void> {
  const { say = () => {} } = options;
  const brokers = await kafka({ brokers: options.brokers });
  const client = await new TestClient(brokers).open();
  const server = await postgres();
  const cluster = await AgentCluster.start({ leaseTtlMs });
  const transactions = await TransactionLog.open(brokers, 'copy');
  try {
    const database = await prepare(client, server);
    await cluster.put(manifests(brokers, database, options.batchRows));
    const filling = fill(client, options.messages);
    filling.catch(() => {});
    const faults = new Faults(cluster, brokers, transactions, options);
    await faults.all();
    await filling;
    say('all faults are over');
    const total = await messagesOf(client, 'events');
    assert.ok(total >= options.messages);
    await untilArrived(cluster, database, total, options.timeoutMs);
    await prove(client, total);
    say('each message is there once, in order per key');
    const ends = await Promise.all(faults.zombies.map((zombie) => transactions.endOf(zombie)));
    assert.ok(!ends.includes('unfinished'), 'a transaction of a stopped agent is still open');
    const aborted = ends.filter((end) => end === 'aborted').length;
    say(`${aborted} partitions have an aborted transaction of an agent that was stopped in it`);
    // Slow brokers may still be committing what an agent had asked for before it was stopped.
    say(`${ends.length - aborted} have a committed one`);
    if (options.needsZombie) assert.ok(aborted > 0, 'no transaction of a stopped agent was aborted');
  } finally {
    await cluster.stop();
    await transactions.close();
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
  const columns = 'id bigint NOT NULL, key int, body text, _partition int, _offset bigint';
  await onDatabase(database.url, (pg) =>
    pg.query(`CREATE TABLE events (seq bigserial PRIMARY KEY, ${columns})`),
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
    anyDataSource('events', { kafka: { brokers, tls: { mode: 'Disable' } } }),
    syncManifest('in', {
      source: {
        dataSource: 'events',
        topic: 'events',
        columns: [
          { ...column('id', 'int64'), nullable: false },
          column('key', 'int32'),
          column('body', 'text'),
        ],
        metadata: ['partition', 'offset'],
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

/** A chunk that is sent again after a broker was killed may be there twice: as other messages, with offsets of their own. */
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

/** Without transactions and compaction each offset is a message. */
async function messagesOf(client: TestClient, topic: string): Promise<number> {
  const ends = await client.admin.fetchTopicOffsets(topic);
  return ends.reduce((sum, { high, low }) => sum + Number(high) - Number(low), 0);
}

type Fault = 'kill' | 'broker' | 'pause';

/** How long is waited for a moment in which a transaction is open. */
const awaitTransactionMs = 3_000;
/** After it nothing that the stopped agent has sent is under way. */
const inFlightMs = 300;

/** Kills and pauses in random order. */
class Faults {
  readonly #cluster: AgentCluster;
  readonly #brokers: KafkaServer;
  readonly #transactions: TransactionLog;
  readonly #options: RoundTripOptions;
  /** Transactions that were open while their agent was stopped. */
  readonly zombies: TransactionStart[] = [];
  #started = 0;

  constructor(
    cluster: AgentCluster,
    brokers: KafkaServer,
    transactions: TransactionLog,
    options: RoundTripOptions,
  ) {
    this.#cluster = cluster;
    this.#brokers = brokers;
    this.#transactions = transactions;
    this.#options = options;
  }

  async all(): Promise<void> {
    const { kills, brokerKills, pauses, random, say = () => {} } = this.#options;
    const faults: Fault[] = [
      ...new Array<Fault>(kills).fill('kill'),
      ...new Array<Fault>(brokerKills).fill('broker'),
      ...new Array<Fault>(pauses).fill('pause'),
    ];
    await this.#startAgent();
    await this.#startAgent();
    while (faults.length > 0) {
      const [fault] = faults.splice(Math.floor(random() * faults.length), 1);
      await pause(500 + random() * 2_000);
      say(`${fault}, ${faults.length} left`);
      if (fault === 'broker') await this.#killBroker();
      else if (fault === 'kill') await this.#killAgent();
      else await this.#pauseAgent();
    }
  }

  /** An agent that loses its lease while it joins ends, and another one is started, as Kubernetes does. */
  async #startAgent(): Promise<void> {
    for (let left = 5; ; left--) {
      const agent = await this.#cluster.startAgent(`agent-${++this.#started}`);
      try {
        await agent.waitForLine('joined the cluster');
        return;
      } catch (error) {
        if (agent.isRunning || left === 0) throw error;
        this.#options.say?.('an agent has ended before it joined');
      }
    }
  }

  async #killBroker(): Promise<void> {
    const { random } = this.#options;
    const broker = this.#brokers.processes[Math.floor(random() * this.#brokers.processes.length)];
    await broker?.kill();
    await pause(random() * 1_000);
    await broker?.restart();
  }

  async #killAgent(): Promise<void> {
    const owner = await this.#owner();
    const any = [...this.#cluster.agents.values()].find((each) => each.isRunning);
    (owner ?? any)?.kill('SIGKILL');
    await this.#startAgent();
  }

  /** The agent that writes messages, if it is running. */
  async #owner() {
    const name = (await this.#cluster.holders()).get('out');
    const agent = name === undefined ? undefined : this.#cluster.agents.get(name);
    return agent?.isRunning ? agent : undefined;
  }

  /** For longer than its lease, within a transaction if there is one. */
  async #pauseAgent(): Promise<void> {
    const untilMs = performance.now() + awaitTransactionMs;
    while (performance.now() < untilMs && (await this.#transactions.unfinished()).length === 0)
      await pause(5);
    const agent = await this.#owner();
    if (!agent) return;
    agent.kill('SIGSTOP');
    await pause(inFlightMs);
    const open = await this.#transactions.unfinished();
    if ((await this.#owner()) === agent) this.zombies.push(...open);
    await pause(this.#cluster.leaseTtlMs * 2);
    agent.kill('SIGCONT');
  }
}

async function untilArrived(
  cluster: AgentCluster,
  database: PostgresDatabase,
  total: number,
  timeoutMs: number,
): Promise<void> {
  const counted = 'count(*)::int AS n, count(DISTINCT (_partition, _offset))::int AS different';
  const ask = async (sql: string) => {
    const { rows } = await onDatabase(database.url, (pg) => pg.query(sql));
    return rows[0] as { readonly n: number; readonly different: number; readonly last: string };
  };
  await until(async () => (await ask('SELECT count(*)::int AS n FROM events')).n >= total, {
    what: 'all rows to be in PostgreSQL',
    timeoutMs,
    everyMs: 500,
  });
  const { n, different, last } = await ask(`SELECT ${counted}, max(seq) AS last FROM events`);
  assert.deepEqual([n, different], [total, total], 'rows in PostgreSQL');
  await cluster.untilStatus('out', 'done', ({ offset }) => JSON.parse(offset ?? '{}').id === last, timeoutMs);
}

interface CopiedMessage {
  readonly key: number;
  readonly _partition: number;
  readonly _offset: number;
}

/** Messages of a key are of one partition of the source, so their offsets there are their order. */
async function prove(client: TestClient, total: number): Promise<void> {
  const lasts = new Map<number, number>();
  const seen = Array.from({ length: partitions }, () => new Set<number>());
  await client.visit('copy', ({ value }) => {
    const { key, _partition: partition, _offset: offset } = JSON.parse(value ?? '{}') as CopiedMessage;
    const name = `message ${offset} of partition ${partition}`;
    assert.ok(!seen[partition]?.has(offset), `${name} was written twice`);
    assert.ok(offset > (lasts.get(key) ?? -1), `${name} came before an earlier one of key ${key}`);
    seen[partition]?.add(offset);
    lasts.set(key, offset);
  });
  const count = seen.reduce((sum, { size }) => sum + size, 0);
  assert.equal(count, total);
}
