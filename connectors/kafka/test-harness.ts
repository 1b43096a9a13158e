import { type Admin, Kafka, logLevel, Partitioners } from 'kafkajs';
import type { Batch } from '../../core/batch.ts';
import { planColumns } from '../../core/column-plan.ts';
import type {
  ClaimRequest,
  Destination,
  PassEnd,
  ReadRequest,
  Source,
  SystemAccess,
  WritePlan,
} from '../../core/connector.ts';
import type { Offset } from '../../core/offset.ts';
import { Secret } from '../../core/secret.ts';
import type { DestinationObject, SourceObject } from '../../core/sync-spec.ts';
import type { Column, Row } from '../../core/values.ts';
import type { KafkaServer } from '../../e2e/kit/servers.ts';
import { until } from '../../e2e/kit/wait.ts';
import type { TopicMetadata } from './connection/requests.ts';
import { connector } from './connector.ts';
import { KafkaSession } from './session.ts';
import { latest, offsetsAt } from './topics.ts';
import { types } from './types/types.ts';

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

  async producer(options: { readonly transactionalId?: string } = {}) {
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
    await this.#settled(topic);
    const ends = await this.admin.fetchTopicOffsets(topic);
    const wanted = ends.filter(({ high, low }) => Number(high) > Number(low));
    const seen: SeenMessage[] = [];
    if (wanted.length === 0) return seen;
    const consumer = this.kafka.consumer({ groupId: `t-${topic}-${Math.random()}`, readUncommitted: false });
    await consumer.connect();
    const left = new Map(wanted.map(({ partition, high }) => [partition, Number(high)]));
    const done = Promise.withResolvers<void>();
    try {
      await consumer.subscribe({ topic, fromBeginning: true });
      consumer.on(consumer.events.END_BATCH_PROCESS, ({ payload }) => {
        const end = left.get(payload.partition);
        if (end !== undefined && Number(payload.lastOffset) >= end - 1) left.delete(payload.partition);
        if (left.size === 0) done.resolve();
      });
      await consumer.run({
        autoCommit: false,
        eachBatchAutoResolve: true,
        eachBatch: async ({ batch }) => {
          for (const { key, value, offset, headers } of batch.messages)
            seen.push({
              partition: batch.partition,
              offset: Number(offset),
              key: key?.toString() ?? null,
              value: value?.toString() ?? null,
              headers: Object.fromEntries(
                Object.entries(headers ?? {}).map(([name, each]) => [name, String(each)]),
              ),
            });
        },
      });
      const late = setTimeout(() => done.reject(new Error(`${topic} is not read to its end`)), 30_000);
      await done.promise.finally(() => clearTimeout(late));
    } finally {
      await consumer.disconnect();
    }
    return seen;
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

export interface SeenMessage {
  readonly partition: number;
  readonly offset: number;
  readonly key: string | null;
  readonly value: string | null;
  readonly headers: Readonly<Record<string, string>>;
}

export interface Read {
  readonly batches: readonly Batch[];
  readonly end: PassEnd;
  readonly rows: readonly Row[];
  readonly offset: Offset | null;
}

/** A source, and passes of it without an engine. */
export async function openReader(
  access: SystemAccess,
  object: SourceObject,
  more: Partial<ReadRequest> = {},
) {
  const source = await connector.openSource(access, object, noSignal);
  const relation = await source.describe(noSignal).catch(async (error: unknown) => {
    await source.close();
    throw error;
  });
  const request: ReadRequest = {
    relation,
    columns: relation.columns.map((column) => ({ column })),
    mode: 'Stream',
    key: relation.keys[0]?.columns ?? [],
    timeZone: 'UTC',
    after: null,
    limits: { maxRows: 50_000, maxBytes: 8 << 20 },
    rowFormat: { format: 'values' },
    ...more,
  };
  return {
    source,
    relation,
    request,
    pass: (after: Offset | null = null) => readPass(source, { ...request, after }),
  };
}

export async function readPass(source: Source, request: ReadRequest): Promise<Read> {
  const reading = source.read(request, noSignal);
  const batches: Batch[] = [];
  for (;;) {
    const next = await reading.next();
    if (!next.done) {
      batches.push(next.value);
      continue;
    }
    const rows = batches.flatMap((batch) => ('rows' in batch.rows ? [...batch.rows.rows] : []));
    return { batches, end: next.value, rows, offset: batches.at(-1)?.offset ?? request.after };
  }
}

/** A destination, planned for these columns. */
export async function openWriter(
  access: SystemAccess,
  object: Omit<DestinationObject, 'existingRows'>,
  columns: readonly Column[],
  more: Partial<WritePlan> & { readonly token?: bigint } = {},
) {
  const { token, ...change } = more;
  const destination = (await connector.openDestination(
    access,
    { existingRows: 'Keep', ...object },
    noSignal,
  )) as Destination;
  const existing = await destination.describe(noSignal);
  const key = change.key ?? [];
  const source = { name: 'source', columns, keys: [] };
  const plan: WritePlan = {
    uid: `uid-${object.topic}`,
    writeMode: 'Upsert',
    columns: planColumns({
      ...{ source, existing, types, isSameSystem: false, key, schemaChanges: 'Fail' },
      paths: { source: 'spec.source.table', destination: 'spec.destination.topic' },
      columnsField: 'source.query',
    }),
    key,
    existing,
    onError: 'Stop',
    deletes: 'Hard',
    redactsKeys: false,
    hasUniqueKey: key.length > 0,
    ...change,
  };
  const request: ClaimRequest = {
    ...{ plan, rowFormat: { format: 'values' }, name: 'test/sync', fingerprint: 'f' },
    ...{ token: token ?? 'next', offset: 'keep', keepsOffset: true },
  };
  return {
    destination,
    plan,
    claim: (change: Partial<ClaimRequest> = {}) => destination.claim({ ...request, ...change }, noSignal),
    write: (rows: readonly Row[], offset: string, deletions: readonly number[] = []) =>
      destination.write(batchOf(rows, offset, deletions), noSignal),
  };
}

export function batchOf(rows: readonly Row[], id: string, deletions: readonly number[] = []): Batch {
  return {
    rows: { format: 'values', rows, ...(deletions.length > 0 && { deletions }) },
    rowCount: rows.length,
    byteCount: rows.length * 50,
    offset: { mode: 'Id', id },
  };
}

export const idColumn: Column = {
  name: 'id',
  type: { kind: 'int', bits: 64 },
  nativeType: 'bigint',
  isNullable: false,
};
export const bodyColumn: Column = {
  name: 'body',
  type: { kind: 'text' },
  nativeType: 'text',
  isNullable: true,
};
