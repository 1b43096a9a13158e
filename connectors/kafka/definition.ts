import type { Definition } from '../../core/definition.ts';
import { messageFields, recordFields } from '../../core/sync-spec.ts';
import { schema } from './config.ts';
import { commitTopic, transactionalIdOf } from './names.ts';

/** Plain data without a driver; connector.ts has the implementation. */
export const definition: Definition = {
  type: 'kafka',
  title: 'Apache Kafka',
  summary: 'Topics of a Kafka cluster, as streams of rows and deletions.',
  config: schema,
  fields: {
    source: ['topic', ...recordFields, 'format', ...messageFields.source],
    destination: ['topic', 'format', 'compression', ...messageFields.destination],
  },
  capabilities: {
    source: {
      modes: ['Stream'],
      seesDeletes: ['Stream'],
      hasFixedColumns: false,
      readsWholeRecords: true,
      startKinds: ['Earliest', 'Latest', 'Timestamp'],
      lateRowBound: 'none',
      hasSessionTimeZone: false,
    },
    destination: { writeModes: ['Append', 'Upsert'], hasLargest: false, canDelete: true },
  },
  /** Any of the brokers leads to the cluster; its own id is in its identity. */
  address: ({ brokers }) => [
    Array.isArray(brokers) ? brokers.map((each) => String(each).toLowerCase()).toSorted() : null,
  ],
  leftovers: ({ topic }, uid) =>
    topic === undefined
      ? undefined
      : {
          what: `its record in the topic ${commitTopic}, and the transactional id ${transactionalIdOf(uid)}`,
          remedy: `nothing: the record is small, and the brokers forget the id by themselves; or produce a message without value with the key {"uid":"${uid}","table":"${topic}"} to ${commitTopic}`,
        },
  load: async () => (await import('./connector.ts')).connector,
};
