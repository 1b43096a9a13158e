import { type Admin, Kafka, type KafkaMessage, logLevel, Partitioners, type ProducerConfig } from 'kafkajs';
import type { SystemAccess } from '../../core/connector.ts';
import { Secret } from '../../core/secret.ts';
import type { KafkaServer } from '../../e2e/kit/servers.ts';
import { until } from '../../e2e/kit/wait.ts';
import type { TopicMetadata } from './connection/requests.ts';
import { KafkaSession } from './session.ts';
import { latest, offsetsAt } from './topics.ts';

export const noSignal: AbortSignal = new AbortController().signal;

/** Secrets by their path in the config: `sasl.password`. */
export function accessTo(
  { brokers }: Pick<KafkaServer, 'brokers'>,
  config: object = {},
  secrets: Readonly<Record<string, string>> = {},
): SystemAccess {
  return {
    dataSource: 'test/kafka',
    config: { brokers, tls: { mode: 'Disable' }, ...config },
    secret: (path) => (secrets[path] === undefined ? undefined : new Secret(secrets[path])),
  };
}

/** The driver itself, which fills and reads topics without the connector. */
export class TestClient {
  readonly kafka: Kafka;
  readonly admin: Admin;
  readonly #brokers: readonly string[];
  readonly #closing: (() => Promise<void>)[] = [];

  constructor({ brokers }: Pick<KafkaServer, 'brokers'>) {
    this.kafka = new Kafka({ clientId: 'test', brokers: [...brokers], logLevel: logLevel.NOTHING });
    this.admin = this.kafka.admin();
    this.#brokers = brokers;
  }

  async open(): Promise<this> {
    await this.admin.connect();
    this.#closing.push(() => this.admin.disconnect());
    return this;
  }

  async create(topic: string, partitions = 1, config: Readonly<Record<string, string>> = {}): Promise<void> {
    const configEntries = Object.entries(config).map(([name, value]) => ({ name, value }));
    await this.admin.createTopics({
      topics: [{ topic, numPartitions: partitions, configEntries }],
      waitForLeaders: true,
    });
  }

  /** Deletes the messages of a partition below an offset, as its retention does. */
  async deleteBelow(topic: string, offset: string, partition = 0): Promise<void> {
    // The driver deletes only in topics that it has asked about before.
    await this.admin.fetchTopicOffsets(topic);
    await this.admin.deleteTopicRecords({ topic, partitions: [{ partition, offset }] });
  }

  async producer(options: ProducerConfig = {}) {
    const producer = this.kafka.producer({
      createPartitioner: Partitioners.DefaultPartitioner,
      allowAutoTopicCreation: false,
      ...options,
    });
    await producer.connect();
    this.#closing.push(() => producer.disconnect());
    return producer;
  }

  async send(topic: string, messages: readonly TestMessage[]): Promise<void> {
    const producer = await this.producer();
    await producer.send({ topic, messages: messages.map((each) => ({ value: null, ...each })) });
  }

  /** What a consumer of committed messages sees when no transaction is open, in the order of each partition. */
  async read(topic: string): Promise<SeenMessage[]> {
    const seen: SeenMessage[] = [];
    await this.visit(topic, (message) => seen.push(message));
    return seen;
  }

  /** The same, message by message. */
  async visit(topic: string, see: (message: SeenMessage) => void): Promise<void> {
    await this.#settled(topic);
    const ends = await this.admin.fetchTopicOffsets(topic);
    const wanted = ends.filter(({ high, low }) => Number(high) > Number(low));
    if (wanted.length === 0) return;
    const consumer = this.kafka.consumer({ groupId: `t-${topic}-${Math.random()}`, readUncommitted: false });
    await consumer.connect();
    const left = new Map(wanted.map(({ partition, high }) => [partition, Number(high)]));
    const done = Promise.withResolvers<void>();
    done.promise.catch(() => {});
    const late = setTimeout(() => done.reject(new Error(`${topic} is not read to its end`)), 30_000);
    try {
      await consumer.subscribe({ topic, fromBeginning: true });
      consumer.on(consumer.events.END_BATCH_PROCESS, ({ payload }) => {
        late.refresh();
        const end = left.get(payload.partition);
        if (end !== undefined && Number(payload.lastOffset) >= end - 1) left.delete(payload.partition);
        if (left.size === 0) done.resolve();
      });
      await consumer.run({
        autoCommit: false,
        eachBatchAutoResolve: true,
        eachBatch: async ({ batch }) => {
          // The consumer would begin again after an error.
          try {
            for (const message of batch.messages) see(seenMessage(batch.partition, message));
          } catch (thrown) {
            done.reject(thrown);
          }
        },
      });
      await done.promise;
    } finally {
      clearTimeout(late);
      await consumer.disconnect();
    }
  }

  /** The driver takes what is not visible yet for the end. */
  async #settled(topic: string): Promise<void> {
    const session = await KafkaSession.open(accessTo({ brokers: this.#brokers }), noSignal);
    const options = { signal: noSignal };
    try {
      await until(
        async () => {
          const { topics } = await session.metadata([topic], options);
          const found = topics[0] as TopicMetadata;
          const all = await offsetsAt(session, found, latest, { ...options, isCommitted: false });
          return String(all) === String(await offsetsAt(session, found, latest, options));
        },
        { what: `transactions in ${topic} to end` },
      );
    } finally {
      await session.close();
    }
  }

  async close(): Promise<void> {
    await Promise.all(this.#closing.splice(0).map((each) => each()));
  }
}

export interface TestMessage {
  readonly key?: string | Buffer | null;
  readonly value?: string | Buffer | null;
  readonly partition?: number;
  readonly timestamp?: string;
  readonly headers?: Record<string, string>;
}

function seenMessage(partition: number, { key, value, offset, headers = {} }: KafkaMessage): SeenMessage {
  return {
    partition,
    offset: Number(offset),
    key: key?.toString() ?? null,
    value: value?.toString() ?? null,
    headers: Object.fromEntries(Object.entries(headers).map(([name, each]) => [name, String(each)])),
  };
}

export interface SeenMessage {
  readonly partition: number;
  readonly offset: number;
  readonly key: string | null;
  readonly value: string | null;
  readonly headers: Readonly<Record<string, string>>;
}
