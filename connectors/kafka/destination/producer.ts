import { IdraError, transient } from '../../../core/errors.ts';
import {
  addPartitionsToTxn,
  endTxn,
  initProducerId,
  type ProducerIdentity,
  produce,
} from '../connection/transfer-requests.ts';
import { BrokerError, brokerErrors, isCoordinatorError, isFencedError, isLeaderError } from '../errors.ts';
import { partitionName } from '../names.ts';
import type { KafkaSession, Retrying } from '../session.ts';
import { topicError } from '../topics.ts';
import type { Compression } from '../types/compression.ts';
import type { RecordBatchWriter } from '../types/record-batch-writer.ts';

/** After it the coordinator aborts a transaction whose producer has died. */
const transactionTimeoutMs = 60_000;
/** Errors of brokers are retried for less than that: the transaction would be gone. */
const retryForMs = 40_000;
const produceTimeoutMs = 30_000;

/** A batch that is ready to be sent. */
export interface PendingBatch {
  readonly topic: string;
  readonly partition: number;
  readonly writer: RecordBatchWriter;
  readonly compression: Compression;
}

/** Where a partition is led, by topic and partition. */
export type Leaders = (topic: string, partition: number) => number | undefined;

/** Writes messages; `end` makes those of a transaction visible, or removes them. */
export interface Producer {
  readonly isTransactional: boolean;
  send(batches: readonly PendingBatch[], leaders: Leaders, signal: AbortSignal): Promise<void>;
  end(isCommit: boolean, signal: AbortSignal): Promise<void>;
}

/**
 * A producer with a transactional id. All messages of a transaction become visible together, or none. When another one begins with the same
 * id, the brokers refuse this one (Invariants 3 and 4).
 */
export class TransactionalProducer implements Producer {
  readonly isTransactional = true;
  readonly #session: KafkaSession;
  readonly #path: string;
  readonly #identity: ProducerIdentity;
  #coordinator: number;
  readonly #sequences = new Map<string, number>();
  /** Partitions of the open transaction. */
  readonly #added = new Set<string>();

  private constructor(session: KafkaSession, path: string, identity: ProducerIdentity, coordinator: number) {
    this.#session = session;
    this.#path = path;
    this.#identity = identity;
    this.#coordinator = coordinator;
  }

  /** Ends what an earlier producer with this id has left open, and fences it. */
  static async begin(
    session: KafkaSession,
    transactionalId: string,
    path: string,
    signal: AbortSignal,
    timeoutMs = transactionTimeoutMs,
  ): Promise<TransactionalProducer> {
    const options = { signal, forMs: retryForMs };
    return await session
      .retried(options, async () => {
        const coordinator = await session.coordinator('transaction', transactionalId, { signal, forMs: 0 });
        const request = { transactionalId, timeoutMs };
        const { error, producer, epoch } = await session.ask(
          coordinator,
          'control',
          initProducerId,
          request,
          { signal },
        );
        if (error !== 0) throw new BrokerError(error);
        const identity = { transactionalId, producer, epoch };
        return new TransactionalProducer(session, path, identity, coordinator);
      })
      .catch((thrown: unknown) => {
        throw transactionError(session, transactionalId, thrown, path);
      });
  }

  /** Sends batches, one at a time for each partition. Retries keep their sequence numbers, so none is written twice. */
  async send(batches: readonly PendingBatch[], leaders: Leaders, signal: AbortSignal): Promise<void> {
    await this.#add(batches, signal);
    const { producer, epoch } = this.#identity;
    const byPartition = new Map<string, PendingBatch[]>();
    for (const batch of batches) {
      const key = partitionName(batch);
      byPartition.set(key, [...(byPartition.get(key) ?? []), batch]);
    }
    // Rounds, because a request has at most one batch for each partition.
    for (let round = 0; ; round++) {
      const next = [...byPartition.values()].flatMap((each) => each[round] ?? []);
      if (next.length === 0) return;
      const ready = await Promise.all(
        next.map(async ({ topic, partition, writer, compression }) => {
          const key = partitionName({ topic, partition });
          const sequence = this.#sequences.get(key) ?? 0;
          this.#sequences.set(key, (sequence + writer.count) % 2 ** 31);
          const identity = { producer, epoch, sequence, isTransactional: true };
          return { topic, partition, records: await writer.finish(compression, identity) };
        }),
      );
      await sendBatches(this.#session, ready, leaders, {
        signal,
        path: this.#path,
        transactionalId: this.#identity.transactionalId,
      });
    }
  }

  async #add(batches: readonly PendingBatch[], signal: AbortSignal): Promise<void> {
    const topics = new Map<string, Set<number>>();
    for (const { topic, partition } of batches) {
      if (this.#added.has(partitionName({ topic, partition }))) continue;
      const partitions = topics.get(topic) ?? new Set();
      topics.set(topic, partitions.add(partition));
    }
    if (topics.size === 0) return;
    const list = [...topics].map(([name, partitions]) => ({ name, partitions: [...partitions] }));
    await this.#ask({ signal, forMs: retryForMs }, async (node) => {
      const request = { identity: this.#identity, topics: list };
      const answers = await this.#session.ask(node, 'control', addPartitionsToTxn, request, { signal });
      // Others are only not attempted if one fails.
      const failed = answers.filter(({ error }) => error !== 0);
      const cause = failed.find(({ error }) => error !== operationNotAttempted) ?? failed[0];
      if (cause) throw new BrokerError(cause.error, `partition ${cause.partition} of ${cause.name}`);
    });
    for (const { name, partitions } of list)
      for (const partition of partitions) this.#added.add(partitionName({ topic: name, partition }));
  }

  /** The outcome is known when it returns. If it throws, the transaction may have been committed: read the commit rows. */
  async end(isCommit: boolean, signal: AbortSignal): Promise<void> {
    if (this.#added.size === 0) return;
    this.#added.clear();
    await this.#ask({ signal, forMs: retryForMs }, async (node) => {
      const request = { identity: this.#identity, isCommit };
      const { error } = await this.#session.ask(node, 'control', endTxn, request, { signal });
      if (error !== 0) throw new BrokerError(error);
    });
  }

  async #ask(options: Retrying, body: (coordinator: number) => Promise<void>): Promise<void> {
    const { transactionalId } = this.#identity;
    try {
      await this.#session.retried(options, async () => {
        try {
          await body(this.#coordinator);
        } catch (thrown) {
          const hasMoved =
            !(thrown instanceof BrokerError) ||
            (isCoordinatorError(thrown.error) && thrown.error !== brokerErrors.CONCURRENT_TRANSACTIONS);
          if (hasMoved)
            this.#coordinator = await this.#session.coordinator('transaction', transactionalId, {
              signal: options.signal,
              forMs: 0,
            });
          throw thrown;
        }
      });
    } catch (thrown) {
      throw transactionError(this.#session, transactionalId, thrown, this.#path);
    }
  }
}

const operationNotAttempted = 55;

interface ReadyBatch {
  readonly topic: string;
  readonly partition: number;
  readonly records: Buffer;
}

interface SendOptions {
  readonly signal: AbortSignal;
  readonly path: string;
  readonly transactionalId: string | null;
}

/** Sends at most one batch for each partition, to its leader, until all are acknowledged. */
export async function sendBatches(
  session: KafkaSession,
  batches: readonly ReadyBatch[],
  leaders: Leaders,
  { signal, path, transactionalId }: SendOptions,
): Promise<void> {
  let left = batches;
  let leaderOf = leaders;
  await session
    .retried({ signal, forMs: retryForMs }, async () => {
      const nodes = new Map<number, ReadyBatch[]>();
      for (const batch of left) {
        const node = leaderOf(batch.topic, batch.partition) ?? -1;
        nodes.set(node, [...(nodes.get(node) ?? []), batch]);
      }
      const done = new Set<ReadyBatch>();
      const outcomes = await Promise.allSettled(
        [...nodes].map(async ([node, some]) => {
          const request = { transactionalId, timeoutMs: produceTimeoutMs, topics: topicsOf(some) };
          const answers = await session.ask(node, 'control', produce, request, {
            signal,
            waitMs: produceTimeoutMs,
          });
          for (const { name, partition, error, message } of answers) {
            const batch = some.find((each) => each.topic === name && each.partition === partition);
            // It arrived before, and its answer was lost.
            if (batch && (error === 0 || error === brokerErrors.DUPLICATE_SEQUENCE_NUMBER)) done.add(batch);
            else if (batch) throw new BrokerError(error, message);
          }
        }),
      );
      left = left.filter((each) => !done.has(each));
      const failed = outcomes.find(({ status }) => status === 'rejected');
      if (!failed && left.length === 0) return;
      const thrown: unknown =
        failed?.status === 'rejected' ? failed.reason : new BrokerError(brokerErrors.REQUEST_TIMED_OUT);
      leaderOf = await leadersOf(session, [...new Set(left.map(({ topic }) => topic))], signal);
      throw thrown;
    })
    .catch((thrown: unknown) => {
      throw transactionError(session, transactionalId ?? '', thrown, path, left[0]?.topic);
    });
}

function topicsOf(batches: readonly ReadyBatch[]) {
  const topics = new Map<string, { partition: number; records: Buffer }[]>();
  for (const { topic, partition, records } of batches)
    topics.set(topic, [...(topics.get(topic) ?? []), { partition, records }]);
  return [...topics].map(([name, partitions]) => ({ name, partitions }));
}

export async function leadersOf(
  session: KafkaSession,
  topics: readonly string[],
  signal: AbortSignal,
): Promise<Leaders> {
  const found = await session.metadata(topics, { signal });
  return (name, partition) => {
    const topic = found.topics.find((each) => each.name === name);
    return topic?.partitions.find((each) => each.partition === partition)?.leader;
  };
}

/** Whether the brokers know another producer with the same id, or forgot this one. The claim is made again, and decides who owns it. */
export function isFencedByBroker(error: unknown): boolean {
  return error instanceof IdraError && error.code === 'ClaimLost';
}

function transactionError(
  session: KafkaSession,
  transactionalId: string,
  thrown: unknown,
  path: string,
  topic?: string,
): IdraError {
  const cause = thrown instanceof IdraError ? thrown.cause : thrown;
  if (!(cause instanceof BrokerError)) return session.error(thrown);
  const { error } = cause;
  if (isFencedError(error) || abortErrors.has(error))
    return transient(
      'ClaimLost',
      `${session.where}: the transaction of ${transactionalId} was ended by the brokers (${cause.message})`,
      {
        cause,
      },
    );
  if (error === brokerErrors.TRANSACTIONAL_ID_AUTHORIZATION_FAILED)
    return session.error(cause, `transactional id ${transactionalId}`).with({
      path,
      fix: session.grant('Write', 'transactional-id', transactionalId),
    });
  if (topic !== undefined && !isLeaderError(error)) return topicError(session, topic, cause, path);
  return session.error(thrown);
}

/** The producer cannot go on, and begins again with its claim. */
const abortErrors: ReadonlySet<number> = new Set([
  brokerErrors.OUT_OF_ORDER_SEQUENCE_NUMBER,
  brokerErrors.UNKNOWN_PRODUCER_ID,
  brokerErrors.INVALID_TXN_STATE,
  brokerErrors.TRANSACTION_ABORTABLE,
]);
