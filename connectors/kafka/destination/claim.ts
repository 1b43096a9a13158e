import type { Batch } from '../../../core/batch.ts';
import type { ClaimRequest, CommitRow, PassStart, WriteResult } from '../../../core/connector.ts';
import { reach } from '../../../core/crash-points.ts';
import { bug, schemaChanged } from '../../../core/errors.ts';
import { encodeOffset, type Offset } from '../../../core/offset.ts';
import { offsetMovedInPass } from '../../../core/offset-moved.ts';
import { writeIsFenced } from '../../sql/destination/commit-table.ts';
import type { TopicMetadata } from '../connection/requests.ts';
import { BrokerError } from '../errors.ts';
import { commitTopic, transactionalIdOf } from '../names.ts';
import type { KafkaSession } from '../session.ts';
import { topicError } from '../topics.ts';
import { RecordBatchWriter } from '../types/record-batch-writer.ts';
import { BatchEncoder, type Encoding } from './batch-writer.ts';
import { type CommitLog, commitMessage } from './commit-rows.ts';
import { PlainProducer } from './plain-producer.ts';
import {
  isFencedByBroker,
  type Leaders,
  type PendingBatch,
  type Producer,
  TransactionalProducer,
} from './producer.ts';

const path = 'spec.destination.topic';
/** A pass that is one transaction may take longer than a batch. */
const wholePassTimeoutMs = 600_000;

export interface ClaimedTopicInit {
  readonly session: KafkaSession;
  readonly producer: Producer;
  readonly log: CommitLog;
  readonly request: ClaimRequest;
  readonly row: CommitRow;
  readonly encoding: Encoding;
}

/** Passes and batches under one claim. */
export class ClaimedTopic {
  readonly #init: ClaimedTopicInit;
  #producer: Producer;
  /** As it was last committed. */
  #row: CommitRow;
  #turn = 0;
  /** Of a pass that is one transaction: what it wrote so far. */
  #whole: { rows: number } | undefined;

  constructor(init: ClaimedTopicInit) {
    this.#init = init;
    this.#producer = init.producer;
    this.#row = init.row;
  }

  get row(): CommitRow {
    return this.#row;
  }

  async beginPass({ isAtomic }: PassStart, signal: AbortSignal): Promise<void> {
    if (this.#whole) await this.#producer.end(false, signal);
    this.#whole = isAtomic ? { rows: 0 } : undefined;
    const { session, request } = this.#init;
    if (!isAtomic || !this.#producer.isTransactional) return;
    const id = transactionalIdOf(request.plan.uid);
    this.#producer = await TransactionalProducer.begin(session, id, path, signal, wholePassTimeoutMs);
  }

  /** Rows, offset and token become visible in one transaction (Invariants 1 and 3). */
  async write(batch: Batch, signal: AbortSignal): Promise<WriteResult> {
    return await this.#guarded(signal, async () => {
      const { encoding, request } = this.#init;
      const offset = request.keepsOffset ? encodeOffset(batch.offset) : null;
      const topic = await this.#requireTopic(signal);
      const headers = encoding.headers.map((each) =>
        each.name === 'idra-offset' ? { ...each, value: Buffer.from(encodeOffset(batch.offset)) } : each,
      );
      const encoder = new BatchEncoder({ ...encoding, headers }, topic.partitions.length, this.#turn++);
      const { batches, ...counts } = encoder.encode(batch);
      const leaders = await this.#leaders(topic, signal);
      const whole = this.#whole;
      if (whole) {
        await this.#producer.send(batches, leaders, signal);
        whole.rows += counts.written;
        return { ...counts, totalRows: this.#row.rows + whole.rows };
      }
      const row = { ...this.#row, offset, rows: this.#row.rows + counts.written, time: now() };
      await this.#commit(batches, row, leaders, signal);
      return { ...counts, totalRows: row.rows };
    });
  }

  async endPass(offset: Offset | null, signal: AbortSignal): Promise<WriteResult> {
    return await this.#guarded(signal, async () => {
      const written = this.#whole?.rows ?? 0;
      this.#whole = undefined;
      await this.store(
        { offset: offset === null ? null : encodeOffset(offset), rows: this.#row.rows + written },
        signal,
      );
      return { written: 0, deleted: 0, rejected: 0, rejections: [], totalRows: this.#row.rows };
    });
  }

  /** Stores another offset, in the transaction that is open if there is one. */
  async store(change: Partial<CommitRow>, signal: AbortSignal): Promise<CommitRow> {
    const row = { ...this.#row, ...change, time: now() };
    const topic = await this.#requireTopic(signal);
    await this.#commit([], row, await this.#leaders(topic, signal), signal);
    return row;
  }

  async #commit(
    batches: readonly PendingBatch[],
    row: CommitRow,
    leaders: Leaders,
    signal: AbortSignal,
  ): Promise<void> {
    const producer = this.#producer;
    if (producer.isTransactional) await producer.send([...batches, commitBatch(row)], leaders, signal);
    else await producer.send(batches, leaders, signal);
    // Behind it: the brokers accept messages of a transaction only when the one before has ended everywhere.
    await this.#requireOwner(signal);
    await reach('commit:before');
    if (!producer.isTransactional) await producer.send([commitBatch(row)], leaders, signal);
    await producer.end(true, signal);
    this.#row = row;
  }

  /** The brokers fence an earlier owner. This finds a row that was stored by other means, before anything is committed. */
  async #requireOwner(signal: AbortSignal): Promise<void> {
    const { table, token, offset } = this.#row;
    const stored = await this.#storedRow(signal);
    if (!stored || stored.isClosed || stored.token !== token) throw writeIsFenced(token);
    if (stored.offset !== offset) throw offsetMovedInPass(table);
  }

  async #requireNoNewerOwner(signal: AbortSignal): Promise<void> {
    const { token } = this.#row;
    const stored = await this.#storedRow(signal);
    if (stored && (stored.isClosed || stored.token > token)) throw writeIsFenced(token);
  }

  async #storedRow(signal: AbortSignal): Promise<CommitRow | undefined> {
    const { session, log } = this.#init;
    const { uid, table } = this.#row;
    const rows = await log.read(session, uid, signal);
    return rows.find((row) => row.uid === uid && row.table === table);
  }

  /** The topic that was claimed; it may have more partitions now. */
  async #requireTopic(signal: AbortSignal): Promise<TopicMetadata> {
    const { session } = this.#init;
    const { table, target } = this.#row;
    const { topics } = await session.metadata([table], { signal });
    const found = topics.find(({ name }) => name === table);
    if (!found || found.error === 3) throw schemaChanged(table, { what: 'it is gone' });
    if (found.error !== 0) throw topicError(session, table, new BrokerError(found.error), path);
    if (target !== undefined && found.id !== undefined && found.id !== target)
      throw schemaChanged(table, { what: 'it was deleted and created again' });
    return found;
  }

  async #leaders(topic: TopicMetadata, signal: AbortSignal): Promise<Leaders> {
    const { topics } = await this.#init.session.metadata([commitTopic], { signal });
    const all = [...topics, topic];
    return (name, partition) =>
      all.find((each) => each.name === name)?.partitions.find((each) => each.partition === partition)?.leader;
  }

  /** After a failure nothing of the transaction stays, and the claim is made again. */
  async #guarded<T>(signal: AbortSignal, body: () => Promise<T>): Promise<T> {
    try {
      return await body();
    } catch (thrown) {
      this.#whole = undefined;
      signal.throwIfAborted();
      await this.#producer.end(false, signal).catch(() => {});
      // Another owner may have claimed it: then its token is stored.
      if (isFencedByBroker(thrown)) await this.#requireNoNewerOwner(signal);
      throw thrown;
    }
  }
}

const now = () => new Date().toISOString();

/** Always in the first partition: there is only one. */
export function commitBatch(row: CommitRow): PendingBatch {
  const { key, value } = commitMessage(row);
  const writer = new RecordBatchWriter(1_024);
  writer.append(key, value, Date.now());
  return { topic: commitTopic, partition: 0, writer, compression: 'None' };
}

export async function beginProducer(
  session: KafkaSession,
  uid: string,
  isTransactional: boolean,
  signal: AbortSignal,
): Promise<Producer> {
  if (!isTransactional) return new PlainProducer(session, path);
  return await TransactionalProducer.begin(session, transactionalIdOf(uid), path, signal);
}

export function requireClaim<T>(claimed: T | undefined): T {
  if (claimed === undefined) throw bug('the topic is not claimed');
  return claimed;
}
