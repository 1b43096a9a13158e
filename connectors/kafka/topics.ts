import type { IdraError } from '../../core/errors.ts';
import { permanent } from '../../core/errors.ts';
import { listOffsets, type PartitionMetadata, type TopicMetadata } from './connection/requests.ts';
import { BrokerError, brokerErrors } from './errors.ts';
import type { TopicChoice } from './names.ts';
import type { KafkaSession, Retrying } from './session.ts';

/** Positions that ListOffsets knows by a time of their own. */
export const latest = -1;
export const earliest = -2;

/** How long a topic that was just created may be unknown to some brokers. */
const settleForMs = 5_000;

/** The topics that a source reads, each with leaders for its partitions. Throws TableNotFound, PermissionDenied. */
export async function findTopics(
  session: KafkaSession,
  choice: TopicChoice,
  path: string,
  signal: AbortSignal,
): Promise<readonly TopicMetadata[]> {
  const found = await session
    .retried({ signal, forMs: settleForMs }, async () => {
      const all = await session.metadata(choice.isPattern ? null : [choice.name], { signal });
      const topics = all.topics.filter(({ name, isInternal }) => choice.matches(name) && !isInternal);
      // Without the right to describe it, a topic of a pattern does not exist.
      const readable = choice.isPattern ? topics.filter(({ error }) => !isHidden(error)) : topics;
      for (const { error } of readable) if (error !== 0) throw new BrokerError(error);
      for (const { partitions } of readable) for (const each of partitions) requireLeader(each);
      return readable;
    })
    .catch((thrown: IdraError) => {
      throw thrown.cause instanceof BrokerError
        ? topicError(session, choice.name, thrown.cause, path)
        : thrown;
    });
  if (found.length > 0) return found.toSorted((one, other) => (one.name < other.name ? -1 : 1));
  throw permanent('TableNotFound', `${session.where}: no topic matches ${choice.name}`, {
    path,
    fix: 'check the pattern, or create a topic; topics that the user may not see do not exist for it',
  });
}

function isHidden(error: number): boolean {
  return (
    error === brokerErrors.TOPIC_AUTHORIZATION_FAILED || error === brokerErrors.UNKNOWN_TOPIC_OR_PARTITION
  );
}

function requireLeader({ leader, error }: PartitionMetadata): void {
  if (leader < 0) throw new BrokerError(error === 0 ? brokerErrors.LEADER_NOT_AVAILABLE : error);
}

/** An error about a topic, with the command that grants what is missing. */
export function topicError(session: KafkaSession, topic: string, thrown: unknown, path: string): IdraError {
  const error = session.error(thrown, `topic ${topic}`);
  if (error.code !== 'PermissionDenied') return error.with({ path, fix: error.fix });
  const operation = path.startsWith('spec.destination') ? 'Write' : 'Read';
  return error.with({ path, fix: session.grant(operation, 'topic', topic) });
}

/** The offset of each partition at a time, `latest` or `earliest`. */
export async function offsetsAt(
  session: KafkaSession,
  topic: TopicMetadata,
  timestamp: number,
  { isCommitted = true, ...options }: Retrying & { readonly isCommitted?: boolean },
): Promise<readonly number[]> {
  let { partitions } = topic;
  let isFirst = true;
  return await session.retried(options, async () => {
    if (!isFirst) partitions = await refreshed(session, topic, options.signal);
    isFirst = false;
    const offsets: number[] = partitions.map(() => -1);
    const leaders = new Set(partitions.map(({ leader }) => leader));
    await Promise.all(
      [...leaders].map(async (leader) => {
        const asked = partitions
          .filter((each) => each.leader === leader)
          .map(({ partition, leaderEpoch }) => ({ partition, leaderEpoch, timestamp }));
        const request = { isCommitted, topics: [{ name: topic.name, partitions: asked }] };
        const [answer] = await session.ask(leader, 'control', listOffsets, request, options);
        for (const { partition, error, offset } of answer?.partitions ?? []) {
          if (error !== 0) throw new BrokerError(error);
          offsets[partition] = offset;
        }
      }),
    );
    return offsets;
  });
}

/** Leaders as they are now. */
async function refreshed(
  session: KafkaSession,
  { name }: TopicMetadata,
  signal: AbortSignal,
): Promise<readonly PartitionMetadata[]> {
  const { topics } = await session.metadata([name], { signal });
  const [found] = topics;
  if (found?.error !== 0) throw new BrokerError(found?.error ?? brokerErrors.UNKNOWN_TOPIC_OR_PARTITION);
  for (const each of found.partitions) requireLeader(each);
  return found.partitions.toSorted((one, other) => one.partition - other.partition);
}
