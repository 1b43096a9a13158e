import type { Api } from './requests.ts';
import type { WireReader } from './wire.ts';

/** Requests that carry messages, and those of transactions. */
export interface FetchPartition {
  readonly partition: number;
  readonly leaderEpoch: number;
  readonly offset: number;
  readonly maxBytes: number;
}

export interface FetchTopic {
  readonly name: string;
  readonly id: string | undefined;
  readonly partitions: readonly FetchPartition[];
}

export interface FetchRequest {
  readonly maxWaitMs: number;
  readonly minBytes: number;
  readonly maxBytes: number;
  readonly isCommitted: boolean;
  readonly topics: readonly FetchTopic[];
}

export interface Aborted {
  readonly producer: bigint;
  readonly firstOffset: number;
}

export interface FetchedPartition {
  readonly partition: number;
  readonly error: number;
  readonly highWatermark: number;
  readonly lastStableOffset: number;
  readonly logStartOffset: number;
  readonly aborted: readonly Aborted[];
  /** Record batches, the last of which may be cut. */
  readonly records: Buffer;
}

export interface FetchedTopic {
  /** Of older brokers. */
  readonly name: string | undefined;
  readonly id: string | undefined;
  readonly partitions: readonly FetchedPartition[];
}

export interface Fetched {
  readonly error: number;
  readonly topics: readonly FetchedTopic[];
}

/** From this version on, topics are named by their id: a topic that was created again is not read by mistake. */
export const fetchByIdFrom = 13;

export const fetch: Api<FetchRequest, Fetched> = {
  key: 1,
  name: 'Fetch',
  versions: [11, 13],
  flexibleFrom: 12,
  write(to, { maxWaitMs, minBytes, maxBytes, isCommitted, topics }, version) {
    const isFlexible = version >= 12;
    to.int32(-1).int32(maxWaitMs).int32(minBytes).int32(maxBytes);
    // No fetch session: each request names its partitions.
    to.int8(isCommitted ? 1 : 0)
      .int32(0)
      .int32(-1);
    to.array(topics, isFlexible, ({ name, id, partitions }) => {
      if (version >= fetchByIdFrom) to.uuid(id ?? '');
      else to.string(name, isFlexible);
      to.array(partitions, isFlexible, (each) => {
        to.int32(each.partition).int32(each.leaderEpoch).int64(each.offset);
        if (isFlexible) to.int32(-1);
        to.int64(-1).int32(each.maxBytes).tags(isFlexible);
      });
      to.tags(isFlexible);
    });
    to.array([], isFlexible, () => {})
      .string('', isFlexible)
      .tags(isFlexible);
  },
  read(from, version) {
    const isFlexible = version >= 12;
    from.int32();
    const error = from.int16();
    from.int32();
    const topics = from.array(isFlexible, () => {
      const hasId = version >= fetchByIdFrom;
      const id = hasId ? from.uuid() : undefined;
      const name = hasId ? undefined : from.string(isFlexible);
      const partitions = from.array(isFlexible, () => readFetched(from, isFlexible));
      from.tags(isFlexible);
      return { name, id, partitions };
    });
    return { error, topics };
  },
};

function readFetched(from: WireReader, isFlexible: boolean): FetchedPartition {
  const head = {
    partition: from.int32(),
    error: from.int16(),
    highWatermark: from.int64(),
    lastStableOffset: from.int64(),
    logStartOffset: from.int64(),
  };
  const aborted = from.array(isFlexible, () => {
    const entry = { producer: from.bigint64(), firstOffset: from.int64() };
    from.tags(isFlexible);
    return entry;
  });
  from.int32();
  const records = from.bytes(isFlexible);
  from.tags(isFlexible);
  return { ...head, aborted, records };
}

/** What identifies a producer at the brokers. A higher epoch fences the lower ones. */
export interface ProducerIdentity {
  readonly transactionalId: string;
  readonly producer: bigint;
  readonly epoch: number;
}

export interface ProduceTopic {
  readonly name: string;
  readonly partitions: readonly { readonly partition: number; readonly records: Buffer }[];
}

export interface Produced {
  readonly name: string;
  readonly partition: number;
  readonly error: number;
  readonly message: string | null;
}

export const produce: Api<
  {
    readonly transactionalId: string | null;
    readonly timeoutMs: number;
    readonly topics: readonly ProduceTopic[];
  },
  readonly Produced[]
> = {
  key: 0,
  name: 'Produce',
  versions: [8],
  write(to, { transactionalId, timeoutMs, topics }) {
    // Acknowledged by all replicas that are in sync.
    to.string(transactionalId).int16(-1).int32(timeoutMs);
    to.array(topics, false, ({ name, partitions }) => {
      to.string(name).array(partitions, false, ({ partition, records }) => {
        to.int32(partition).bytes(records);
      });
    });
  },
  read(from) {
    const topics = from.array(false, () => {
      const name = from.string();
      return from.array(false, () => {
        const head = { name, partition: from.int32(), error: from.int16() };
        from.int64();
        from.int64();
        from.int64();
        from.array(false, () => {
          from.int32();
          from.nullableString();
        });
        return { ...head, message: from.nullableString() };
      });
    });
    return topics.flat();
  },
};

export const initProducerId: Api<
  { readonly transactionalId: string | null; readonly timeoutMs: number },
  { readonly error: number; readonly producer: bigint; readonly epoch: number }
> = {
  key: 22,
  name: 'InitProducerId',
  versions: [1],
  write(to, { transactionalId, timeoutMs }) {
    to.string(transactionalId).int32(timeoutMs);
  },
  read(from) {
    from.int32();
    return { error: from.int16(), producer: from.bigint64(), epoch: from.int16() };
  },
};

export interface TopicPartitions {
  readonly name: string;
  readonly partitions: readonly number[];
}

export const addPartitionsToTxn: Api<
  { readonly identity: ProducerIdentity; readonly topics: readonly TopicPartitions[] },
  readonly { readonly name: string; readonly partition: number; readonly error: number }[]
> = {
  key: 24,
  name: 'AddPartitionsToTxn',
  versions: [1],
  write(to, { identity, topics }) {
    to.string(identity.transactionalId).int64(identity.producer).int16(identity.epoch);
    to.array(topics, false, ({ name, partitions }) => {
      to.string(name).array(partitions, false, (each) => to.int32(each));
    });
  },
  read(from) {
    from.int32();
    const topics = from.array(false, () => {
      const name = from.string();
      return from.array(false, () => ({ name, partition: from.int32(), error: from.int16() }));
    });
    return topics.flat();
  },
};

export const endTxn: Api<
  { readonly identity: ProducerIdentity; readonly isCommit: boolean },
  { readonly error: number }
> = {
  key: 26,
  name: 'EndTxn',
  versions: [1],
  write(to, { identity, isCommit }) {
    to.string(identity.transactionalId).int64(identity.producer).int16(identity.epoch).boolean(isCommit);
  },
  read(from) {
    from.int32();
    return { error: from.int16() };
  },
};
