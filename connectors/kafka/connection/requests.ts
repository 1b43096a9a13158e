import type { WireReader, WireWriter } from './wire.ts';

/** One request of Kafka's protocol in the versions that Idra speaks. */
export interface Api<Request, Answer> {
  readonly key: number;
  readonly name: string;
  /** Ascending. The highest that the broker has too is used. */
  readonly versions: readonly number[];
  /** From this version on, lengths are varints and structures end with tagged fields. */
  readonly flexibleFrom?: number;
  write(to: WireWriter, request: Request, version: number): void;
  read(from: WireReader, version: number): Answer;
}

export interface ApiVersion {
  readonly key: number;
  readonly min: number;
  readonly max: number;
}

export const apiVersions: Api<null, { readonly error: number; readonly versions: readonly ApiVersion[] }> = {
  key: 18,
  name: 'ApiVersions',
  versions: [0],
  write() {},
  read(from) {
    const error = from.int16();
    const versions = from.array(false, () => ({ key: from.int16(), min: from.int16(), max: from.int16() }));
    return { error, versions };
  },
};

export interface PartitionMetadata {
  readonly error: number;
  readonly partition: number;
  /** -1: none. */
  readonly leader: number;
  readonly leaderEpoch: number;
}

export interface TopicMetadata {
  readonly error: number;
  readonly name: string;
  /** 32 hexadecimal digits; undefined: the brokers are too old to have it. */
  readonly id: string | undefined;
  readonly isInternal: boolean;
  readonly partitions: readonly PartitionMetadata[];
  /** A bit for each operation that the user may perform; undefined: not asked for. */
  readonly operations: number | undefined;
}

export interface Broker {
  readonly node: number;
  readonly host: string;
  readonly port: number;
}

export interface Metadata {
  readonly brokers: readonly Broker[];
  readonly clusterId: string | null;
  readonly controller: number;
  readonly topics: readonly TopicMetadata[];
}

const noUuid = '0'.repeat(32);
/** What a broker sends instead of operations that were not asked for. */
const notAsked = -(2 ** 31);

/** `topics` null: all of them. */
export const metadata: Api<
  { readonly topics: readonly string[] | null; readonly withOperations: boolean },
  Metadata
> = {
  key: 3,
  name: 'Metadata',
  versions: [8, 12],
  flexibleFrom: 9,
  write(to, { topics, withOperations }, version) {
    const isFlexible = version >= 9;
    to.array(topics, isFlexible, (name) => {
      if (version >= 10) to.uuid(noUuid);
      to.string(name, isFlexible).tags(isFlexible);
    });
    to.boolean(false);
    if (version <= 10) to.boolean(false);
    to.boolean(withOperations).tags(isFlexible);
  },
  read(from, version) {
    const isFlexible = version >= 9;
    from.int32();
    const brokers = from.array(isFlexible, () => {
      const broker = { node: from.int32(), host: from.string(isFlexible), port: from.int32() };
      from.nullableString(isFlexible);
      from.tags(isFlexible);
      return broker;
    });
    const clusterId = from.nullableString(isFlexible);
    const controller = from.int32();
    const topics = from.array(isFlexible, () => readTopic(from, version));
    return { brokers, clusterId, controller, topics };
  },
};

function readTopic(from: WireReader, version: number): TopicMetadata {
  const isFlexible = version >= 9;
  const [error, name] = [from.int16(), from.string(isFlexible)];
  const id = version >= 10 ? from.uuid() : noUuid;
  const isInternal = from.boolean();
  const partitions = from.array(isFlexible, () => {
    const partition = {
      error: from.int16(),
      partition: from.int32(),
      leader: from.int32(),
      leaderEpoch: from.int32(),
    };
    for (let list = 0; list < 3; list++) from.array(isFlexible, () => from.int32());
    from.tags(isFlexible);
    return partition;
  });
  const operations = from.int32();
  from.tags(isFlexible);
  return {
    error,
    name,
    id: id === noUuid ? undefined : id,
    isInternal,
    partitions,
    operations: operations === notAsked ? undefined : operations,
  };
}

export interface PartitionTime {
  readonly partition: number;
  readonly leaderEpoch: number;
  /** -1: latest, -2: earliest, else the first offset with this time or a later one. */
  readonly timestamp: number;
}

export interface PartitionOffset {
  readonly partition: number;
  readonly error: number;
  readonly timestamp: number;
  /** -1: no message with this time or a later one. */
  readonly offset: number;
}

/** Version 5 waits until a new leader knows its end: an older answer could be below what was acknowledged. */
export const listOffsets: Api<
  {
    readonly isCommitted: boolean;
    readonly topics: readonly { readonly name: string; readonly partitions: readonly PartitionTime[] }[];
  },
  readonly { readonly name: string; readonly partitions: readonly PartitionOffset[] }[]
> = {
  key: 2,
  name: 'ListOffsets',
  versions: [5],
  write(to, { isCommitted, topics }) {
    to.int32(-1).int8(isCommitted ? 1 : 0);
    to.array(topics, false, ({ name, partitions }) => {
      to.string(name).array(partitions, false, ({ partition, leaderEpoch, timestamp }) => {
        to.int32(partition).int32(leaderEpoch).int64(timestamp);
      });
    });
  },
  read(from) {
    from.int32();
    return from.array(false, () => ({
      name: from.string(),
      partitions: from.array(false, () => {
        const partition = {
          partition: from.int32(),
          error: from.int16(),
          timestamp: from.int64(),
          offset: from.int64(),
        };
        from.int32();
        return partition;
      }),
    }));
  },
};

export const findCoordinator: Api<
  { readonly key: string; readonly kind: 'group' | 'transaction' },
  Broker & { readonly error: number }
> = {
  key: 10,
  name: 'FindCoordinator',
  versions: [2],
  write(to, { key, kind }) {
    to.string(key).int8(kind === 'group' ? 0 : 1);
  },
  read(from) {
    from.int32();
    const error = from.int16();
    from.nullableString();
    return { error, node: from.int32(), host: from.string(), port: from.int32() };
  },
};

export interface NewTopic {
  readonly name: string;
  /** -1: the broker's default. */
  readonly partitions: number;
  readonly replicationFactor: number;
  readonly config: Readonly<Record<string, string>>;
}

export const createTopics: Api<
  { readonly topics: readonly NewTopic[]; readonly timeoutMs: number },
  readonly { readonly name: string; readonly error: number; readonly message: string | null }[]
> = {
  key: 19,
  name: 'CreateTopics',
  versions: [4],
  write(to, { topics, timeoutMs }) {
    to.array(topics, false, ({ name, partitions, replicationFactor, config }) => {
      to.string(name)
        .int32(partitions)
        .int16(replicationFactor)
        .array([], false, () => {});
      to.array(Object.entries(config), false, ([key, value]) => to.string(key).string(value));
    });
    to.int32(timeoutMs).boolean(false);
  },
  read(from) {
    from.int32();
    return from.array(false, () => ({
      name: from.string(),
      error: from.int16(),
      message: from.nullableString(),
    }));
  },
};

export const describeConfigs: Api<
  { readonly topic: string; readonly names: readonly string[] },
  { readonly error: number; readonly values: ReadonlyMap<string, string | null> }
> = {
  key: 32,
  name: 'DescribeConfigs',
  versions: [2],
  write(to, { topic, names }) {
    to.array([topic], false, (name) => {
      to.int8(2)
        .string(name)
        .array(names, false, (each) => to.string(each));
    });
    to.boolean(false);
  },
  read(from) {
    from.int32();
    const [result] = from.array(false, () => {
      const error = from.int16();
      from.nullableString();
      from.int8();
      from.string();
      const entries = from.array(false, () => readConfig(from));
      return { error, values: new Map(entries) };
    });
    return result ?? { error: -1, values: new Map() };
  },
};

function readConfig(from: WireReader): readonly [string, string | null] {
  const entry = [from.string(), from.nullableString()] as const;
  from.boolean();
  from.int8();
  from.boolean();
  from.array(false, () => {
    from.string();
    from.nullableString();
    from.int8();
  });
  return entry;
}

/** Whether the user may create topics: bit 5 of the operations on the cluster. */
export const describeCluster: Api<null, { readonly error: number; readonly operations: number }> = {
  key: 60,
  name: 'DescribeCluster',
  versions: [0],
  flexibleFrom: 0,
  write(to) {
    to.boolean(true).tags(true);
  },
  read(from) {
    from.int32();
    const error = from.int16();
    from.nullableString(true);
    from.string(true);
    from.int32();
    from.array(true, () => {
      from.int32();
      from.string(true);
      from.int32();
      from.nullableString(true);
      from.tags(true);
    });
    return { error, operations: from.int32() };
  },
};

/** Positions for tools that show the lag of consumer groups; Idra never reads them. */
export const offsetCommit: Api<
  {
    readonly group: string;
    readonly topics: readonly {
      readonly name: string;
      readonly partitions: readonly { readonly partition: number; readonly offset: number }[];
    }[];
  },
  readonly number[]
> = {
  key: 8,
  name: 'OffsetCommit',
  versions: [5],
  write(to, { group, topics }) {
    to.string(group).int32(-1).string('');
    to.array(topics, false, ({ name, partitions }) => {
      to.string(name).array(partitions, false, ({ partition, offset }) => {
        to.int32(partition).int64(offset).string(null);
      });
    });
  },
  read(from) {
    from.int32();
    const errors = from.array(false, () => {
      from.string();
      return from.array(false, () => {
        from.int32();
        return from.int16();
      });
    });
    return errors.flat();
  },
};
