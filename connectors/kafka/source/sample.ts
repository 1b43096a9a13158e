import type { TopicMetadata } from '../connection/requests.ts';
import { fetch } from '../connection/transfer-requests.ts';
import { BrokerError } from '../errors.ts';
import type { KafkaSession } from '../session.ts';
import { earliest, latest, offsetsAt } from '../topics.ts';
import { PartitionReader } from './partition-reader.ts';

export interface Sampled {
  readonly key: Buffer | null;
  readonly value: Buffer | null;
}

const mostPartitions = 24;
const fetchBytes = 262_144;

/** Messages of both ends and of the middle, of as many partitions as there are, or of some that are spread evenly. */
export async function sampleOf(
  session: KafkaSession,
  topics: readonly TopicMetadata[],
  count: number,
  signal: AbortSignal,
): Promise<readonly Sampled[]> {
  const places: PartitionReader[] = [];
  for (const topic of topics.slice(0, mostPartitions)) {
    const [first, end] = [
      await offsetsAt(session, topic, earliest, { signal }),
      await offsetsAt(session, topic, latest, { signal }),
    ];
    for (const { partition, leader, leaderEpoch } of spread(topic.partitions)) {
      const [from, target] = [first[partition] ?? 0, end[partition] ?? 0];
      const part = Math.ceil(count / 3 / Math.max(1, topics.length));
      const starts = new Set([from, Math.max(from, target - part), Math.floor((from + target) / 2)]);
      for (const position of starts) {
        if (position >= target) continue;
        const { name, id } = topic;
        places.push(
          new PartitionReader({ topic: name, topicId: id, partition, leader, leaderEpoch, position, target }),
        );
      }
    }
  }
  const each = Math.max(1, Math.ceil(count / Math.max(1, places.length)));
  const found: Sampled[] = [];
  for (const place of places) found.push(...(await readSome(session, place, each, signal)));
  return found.slice(0, count);
}

function spread<T>(all: readonly T[]): readonly T[] {
  if (all.length <= mostPartitions) return all;
  const step = all.length / mostPartitions;
  return Array.from({ length: mostPartitions }, (_, index) => all[Math.floor(index * step)] as T);
}

async function readSome(
  session: KafkaSession,
  reader: PartitionReader,
  count: number,
  signal: AbortSignal,
): Promise<readonly Sampled[]> {
  const { topic: name, topicId: id, partition, leaderEpoch, fetchOffset } = reader;
  const partitions = [{ partition, leaderEpoch, offset: fetchOffset, maxBytes: fetchBytes }];
  const request = {
    ...{ maxWaitMs: 500, minBytes: 1, maxBytes: fetchBytes, isCommitted: true },
    topics: [{ name, id, partitions }],
  };
  const answer = await session.retried({ signal }, async () => {
    const found = await session.ask(reader.leader, 'fetch', fetch, request, { signal, waitMs: 500 });
    const fetched = found.topics[0]?.partitions[0];
    if (found.error !== 0 || fetched?.error !== 0) throw new BrokerError(fetched?.error ?? found.error);
    return fetched;
  });
  reader.add(answer);
  const found: Sampled[] = [];
  while (found.length < count) {
    const cursor = reader.current();
    if (!cursor) {
      if (await reader.nextBatch()) continue;
      break;
    }
    const [key, value] = [cursor.key, cursor.value];
    // Copied, so that a few messages do not keep the whole answer.
    found.push({ key: key && Buffer.from(key), value: value && Buffer.from(value) });
    reader.done(cursor);
  }
  return found;
}
