import type { TopicMetadata } from '../../connectors/kafka/connection/requests.ts';
import { fetchFrom } from '../../connectors/kafka/destination/commit-rows.ts';
import { KafkaSession } from '../../connectors/kafka/session.ts';
import { accessTo, noSignal } from '../../connectors/kafka/test-harness.ts';
import { latest, offsetsAt } from '../../connectors/kafka/topics.ts';
import { cursorOf, readBatch } from '../../connectors/kafka/types/record-batch.ts';
import type { KafkaServer } from '../kit/servers.ts';

/** Where the first message of a transaction is. */
export interface TransactionStart {
  readonly partition: number;
  readonly offset: number;
}

const signal = noSignal;

/** The transactions of one topic, as its log has them. */
export class TransactionLog {
  readonly #session: KafkaSession;
  readonly #topic: string;

  static async open(server: KafkaServer, topic: string): Promise<TransactionLog> {
    return new TransactionLog(await KafkaSession.open(accessTo(server), signal), topic);
  }

  private constructor(session: KafkaSession, topic: string) {
    this.#session = session;
    this.#topic = topic;
  }

  /** Of each partition the first one that has not ended. None if the topic does not exist yet. */
  async unfinished(): Promise<TransactionStart[]> {
    const topic = await this.#found();
    if (!topic) return [];
    const committed = await offsetsAt(this.#session, topic, latest, { signal });
    const ends = await offsetsAt(this.#session, topic, latest, { signal, isCommitted: false });
    return committed.flatMap((offset, partition) =>
      offset < (ends[partition] ?? 0) ? [{ partition, offset }] : [],
    );
  }

  async endOf({ partition, offset }: TransactionStart): Promise<'committed' | 'aborted' | 'unfinished'> {
    const topic = await this.#found();
    let producer: bigint | undefined;
    for (let from = offset; topic; ) {
      const records = await fetchFrom(this.#session, topic, partition, from, signal);
      for (let at = 0; ; ) {
        const found = readBatch(records, at);
        if (!found) {
          if (at === 0) return 'unfinished';
          break;
        }
        const { batch, end } = found;
        [at, from] = [end, batch.lastOffset + 1];
        // A batch that began before is not of the transaction.
        if (batch.lastOffset < offset) continue;
        producer ??= batch.producer;
        if (!batch.isControl || batch.producer !== producer) continue;
        const cursor = await cursorOf(batch);
        return cursor.next() && cursor.isCommit ? 'committed' : 'aborted';
      }
    }
    return 'unfinished';
  }

  async #found(): Promise<TopicMetadata | undefined> {
    const { topics } = await this.#session.metadata([this.#topic], { signal });
    return topics.find(({ name, error }) => name === this.#topic && error === 0);
  }

  async close(): Promise<void> {
    await this.#session.close();
  }
}
