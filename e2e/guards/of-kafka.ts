// biome-ignore-all lint/suspicious/noTemplateCurlyInString: what is written here is source text.

import type { Guard } from './guard.ts';

const source = 'connectors/kafka/source/source.test.ts';
const stream = 'connectors/kafka/source/change-stream.test.ts';
const claim = 'connectors/kafka/destination/claim.test.ts';
const batches = 'connectors/kafka/types/record-batch.test.ts';

/** Topics: what would be lost, doubled or believed without a look. */
export const ofKafka: readonly Guard[] = [
  {
    name: 'Kafka: messages of aborted transactions do not count',
    file: 'connectors/kafka/source/partition-reader.ts',
    from: 'if (isAborted && !batch.isControl) {',
    to: 'if (false as boolean) {',
    caughtBy: { test: source, only: 'aborted transactions do not count' },
  },
  {
    name: 'Kafka: a topic that was created again is not continued',
    file: 'connectors/kafka/source/pass.ts',
    from: 'requireSameTopic({ topic: topic.name, topicId: stored?.id }, topic);',
    to: '',
    caughtBy: { test: stream, only: 'a topic that was created again' },
  },
  {
    name: 'Kafka: messages that are gone are not skipped',
    file: 'connectors/kafka/source/pass.ts',
    from: 'if (reader.position < first) throw messagesGone(reader, first);',
    to: 'if (reader.position < first) reader.fetchOffset = first;',
    caughtBy: { test: stream, only: 'deleted before they were read' },
  },
  {
    name: 'Kafka: the end of a topic at which a Sync begins is stored at once',
    file: 'connectors/kafka/source/source.ts',
    from: 'if (pass.mustStoreStart) yield',
    to: 'if (false as boolean) yield',
    caughtBy: { test: source, only: 'latest and a time' },
  },
  {
    name: 'Kafka: a claim fences the owner before',
    file: 'connectors/kafka/destination/claim.ts',
    from: 'return await TransactionalProducer.begin(session, transactionalIdOf(uid), path, signal);',
    to: 'return await TransactionalProducer.begin(session, `${transactionalIdOf(uid)}${Math.random()}`, path, signal);',
    caughtBy: { test: claim, only: 'stopped before its commit' },
  },
  {
    name: 'Kafka: a write looks at its commit row',
    file: 'connectors/kafka/destination/claim.ts',
    from: 'await this.#requireOwner(signal);\n    await reach',
    to: 'await reach',
    caughtBy: { test: 'connectors/kafka/conformance.test.ts', only: 'a lower token deletes nothing' },
  },
  {
    name: 'Kafka: a batch of messages is compared with its checksum',
    file: 'connectors/kafka/types/record-batch.ts',
    from: 'if (!isChecked && crc32c',
    to: 'if (isChecked && crc32c',
    caughtBy: { test: batches, only: 'refused by its checksum' },
  },
  {
    name: 'Kafka: what a batch unpacks to is limited',
    file: 'connectors/kafka/types/snappy.ts',
    from: 'if (length > limit || length > 64 * input.length)',
    to: 'if (length < 0)',
    caughtBy: { test: batches, only: 'Snappy: an output above the limit' },
  },
  {
    name: 'Kafka: a length that no answer has is refused',
    file: 'connectors/kafka/connection/message-limits.ts',
    from: 'if (length < 4 || length > maxMessageBytes) throw',
    to: 'if (length < -(2 ** 31)) throw',
    caughtBy: { test: 'connectors/kafka/hostile-broker.test.ts', only: 'answer without end' },
  },
  {
    name: 'Kafka: a password is sent only where nobody can read it',
    file: 'connectors/kafka/connection/authentication.ts',
    from: "if (mechanism === 'PLAIN' || mechanism === 'OAUTHBEARER')",
    to: 'if (false as boolean)',
    caughtBy: { test: 'connectors/kafka/session.test.ts', only: 'PLAIN is sent only' },
  },
  {
    name: 'Kafka: the schema of a key is fetched, too',
    file: 'connectors/kafka/source/message-rows.ts',
    from: 'return first?.then(() => fetched(format, [value, key, value], signal));',
    to: 'return first;',
    caughtBy: {
      test: 'connectors/kafka/connection/schema-registry.test.ts',
      only: 'events of Debezium in Avro',
    },
  },
  {
    name: 'Kafka: a key in binary is no text',
    file: 'connectors/kafka/types/format.ts',
    from: 'if (binary.test(text))',
    to: "if (text === 'never')",
    caughtBy: { test: 'connectors/kafka/source/message-rows.test.ts', only: 'as JSON or as text' },
  },
  {
    name: 'Kafka: the key of an event is found by its path',
    file: 'connectors/kafka/source/message-rows.ts',
    from: 'if (isDebezium && steps) return [steps];',
    to: '',
    caughtBy: { test: 'connectors/kafka/source/message-rows.test.ts', only: 'by its path' },
  },
  {
    name: 'Kafka: the topic of commit rows keeps them',
    file: 'connectors/kafka/destination/destination.ts',
    from: 'if (await findCommitTopic(session, signal)) await requireCompacted(session, signal);',
    to: 'if (await findCommitTopic(session, signal)) signal.throwIfAborted();',
    caughtBy: { test: 'connectors/kafka/destination/claim.test.ts', only: 'deletes old messages' },
  },
];
