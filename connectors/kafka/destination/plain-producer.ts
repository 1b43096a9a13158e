import { partitionName } from '../names.ts';
import type { KafkaSession } from '../session.ts';
import { type Leaders, type PendingBatch, type Producer, sendBatches } from './producer.ts';

/** For brokers without transactions, or a user without the right to them: messages are visible at once, and may be written twice. */
export class PlainProducer implements Producer {
  readonly isTransactional = false;
  readonly #session: KafkaSession;
  readonly #path: string;

  constructor(session: KafkaSession, path: string) {
    this.#session = session;
    this.#path = path;
  }

  async send(batches: readonly PendingBatch[], leaders: Leaders, signal: AbortSignal): Promise<void> {
    const byPartition = Map.groupBy(batches, partitionName);
    const rounds = Math.max(0, ...[...byPartition.values()].map(({ length }) => length));
    for (let round = 0; round < rounds; round++) {
      const next = [...byPartition.values()].flatMap((each) => each[round] ?? []);
      const ready = await Promise.all(
        next.map(async ({ topic, partition, writer, compression }) => ({
          topic,
          partition,
          records: await writer.finish(compression, nobody),
        })),
      );
      const options = { signal, path: this.#path, transactionalId: null };
      await sendBatches(this.#session, ready, leaders, options);
    }
  }

  async end(): Promise<void> {}
}

const nobody = { producer: -1n, epoch: -1, sequence: -1, isTransactional: false };
