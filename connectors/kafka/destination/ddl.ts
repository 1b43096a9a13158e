import type { DestinationObject } from '../../../core/sync-spec.ts';
import { createTopics, describeConfigs, type NewTopic, type TopicMetadata } from '../connection/requests.ts';
import { BrokerError, brokerErrors } from '../errors.ts';
import { commitTopic } from '../names.ts';
import type { KafkaSession } from '../session.ts';
import { topicError } from '../topics.ts';

const createTimeoutMs = 15_000;
const path = 'spec.destination.topic';

/**
 * Its messages are read to the end by each claim, so old ones are removed soon: segments are small, and cleaned when a tenth of them is
 * outdated.
 */
const commitTopicConfig: Readonly<Record<string, string>> = {
  'cleanup.policy': 'compact',
  'segment.bytes': '16777216',
  'min.cleanable.dirty.ratio': '0.1',
  'min.compaction.lag.ms': '0',
};

export function newTopicOf(object: DestinationObject): NewTopic {
  return {
    name: object.topic ?? '',
    partitions: object.partitions ?? -1,
    replicationFactor: object.replicationFactor ?? -1,
    config: object.topicConfig ?? {},
  };
}

export function newCommitTopic(): NewTopic {
  return { name: commitTopic, partitions: 1, replicationFactor: -1, config: commitTopicConfig };
}

/** As commands of Kafka's own tools, for `idra plan`. */
export function createCommand({ name, partitions, replicationFactor, config }: NewTopic): string {
  const settings = Object.entries(config).map(([key, value]) => ` --config ${key}=${value}`);
  const counts = [
    partitions < 0 ? '' : ` --partitions ${partitions}`,
    replicationFactor < 0 ? '' : ` --replication-factor ${replicationFactor}`,
  ];
  return `kafka-topics --create --topic ${name}${counts.join('')}${settings.join('')}`;
}

/** Creates a topic unless it exists, and waits until it has leaders. */
export async function createTopic(
  session: KafkaSession,
  topic: NewTopic,
  signal: AbortSignal,
): Promise<TopicMetadata> {
  await session
    .retried({ signal }, async () => {
      const { controller } = await session.metadata([], { signal });
      const request = { topics: [topic], timeoutMs: createTimeoutMs };
      const [answer] = await session.ask(controller, 'control', createTopics, request, {
        signal,
        waitMs: createTimeoutMs,
      });
      const error = answer?.error ?? -1;
      if (error !== 0 && error !== brokerErrors.TOPIC_ALREADY_EXISTS)
        throw new BrokerError(error, answer?.message);
    })
    .catch((thrown: unknown) => {
      const error = topicError(session, topic.name, thrown, path);
      throw error.code === 'PermissionDenied'
        ? error.with({ path, fix: session.grant('Create', 'topic', topic.name) })
        : session.error(thrown, `topic ${topic.name}`);
    });
  return await session.retried({ signal }, async () => {
    const { topics } = await session.metadata([topic.name], { signal });
    const found = topics.find(({ name }) => name === topic.name);
    if (found?.error !== 0) throw new BrokerError(found?.error ?? brokerErrors.UNKNOWN_TOPIC_OR_PARTITION);
    if (found.partitions.some(({ leader }) => leader < 0))
      throw new BrokerError(brokerErrors.LEADER_NOT_AVAILABLE);
    return found;
  });
}

/** Settings of an existing topic; empty if the user may not see them. */
export async function topicSettings(
  session: KafkaSession,
  topic: string,
  names: readonly string[],
  signal: AbortSignal,
): Promise<ReadonlyMap<string, string | null>> {
  const { error, values } = await session.askAny(describeConfigs, { topic, names }, { signal });
  return error === 0 ? values : new Map();
}
