import { qualifiedName, slotLimit } from '../../core/sync-spec.ts';
import { formatToken, makeToken } from '../../core/token.ts';
import type { Agent, Assignment, ClusterReader, DesiredDataSource, LockInfo } from '../contract.ts';
import type { EtcdKv } from '../etcd/kv.ts';
import { type KeyValue, underPrefix } from '../etcd/transport.ts';
import type { Keys } from '../keys.ts';
import { toDataSource } from './desired.ts';
import { epochIn } from './epoch.ts';
import {
  type AgentRecord,
  agentFields,
  assignmentFields,
  type LeaderRecord,
  type LockRecord,
  parseRecord,
  readRecords,
  type SlotRecord,
} from './records.ts';
import { byAge } from './requests.ts';

export function makeClusterReader(kv: EtcdKv, keys: Keys): ClusterReader {
  const list = async (prefix: string) => (await kv.list(underPrefix(prefix))).pairs;
  return {
    async agents() {
      const loads = new Map(
        readRecords(await list(keys.loads), (pair) => [
          keys.lastPart(pair.key),
          parseRecord<Agent['loads']>(pair),
        ]),
      );
      const agents = readRecords(await list(keys.agents), (pair) =>
        parseRecord<AgentRecord>(pair, agentFields),
      );
      return agents.map((agent) => ({ ...agent, loads: loads.get(agent.name) ?? {} }));
    },
    async leader() {
      const pair = await kv.get(keys.leader);
      return pair && { agent: parseRecord<LeaderRecord>(pair).agent, term: String(pair.createRevision) };
    },
    async assignments() {
      return readRecords(await list(keys.assignments), (pair) =>
        parseRecord<Assignment>(pair, assignmentFields),
      );
    },
    async locks() {
      return locksIn({
        keys,
        epoch: await kv.get(keys.epoch),
        locks: await list(keys.locks),
        slots: await list(keys.slots),
        dataSources: readRecords(await list(keys.dataSources), toDataSource),
      });
    },
  };
}

interface StoredLocks {
  readonly keys: Keys;
  readonly epoch: KeyValue | undefined;
  readonly locks: readonly KeyValue[];
  readonly slots: readonly KeyValue[];
  readonly dataSources: Iterable<DesiredDataSource>;
}

/** The locks of Syncs, then the slots of DataSources, as they are stored. */
export function locksIn({ keys, epoch, locks, slots, dataSources }: StoredLocks): readonly LockInfo[] {
  const number = epochIn(epoch);
  const held = readRecords(
    locks,
    (pair): LockInfo => ({
      kind: 'sync',
      uid: keys.lastPart(pair.key),
      agent: parseRecord<LockRecord>(pair).agent,
      token: formatToken(makeToken(number, pair.createRevision)),
      isWaiting: false,
    }),
  );
  return [...held, ...slotsIn(slots, limitsOf(dataSources), keys)];
}

/** Numbers of slots by `namespace/name`, for data sources with a limit. */
function limitsOf(dataSources: Iterable<DesiredDataSource>): Map<string, number> {
  const limits = new Map<string, number>();
  for (const each of dataSources) {
    const written = (each.spec as { readonly maxConcurrentSyncs?: unknown } | null)?.maxConcurrentSyncs;
    const limit = slotLimit(typeof written === 'number' ? written : undefined);
    if (limit !== undefined) limits.set(qualifiedName(each), limit);
  }
  return limits;
}

function slotsIn(pairs: readonly KeyValue[], limits: ReadonlyMap<string, number>, keys: Keys): LockInfo[] {
  const queues = Map.groupBy([...pairs].sort(byAge), ({ key }) =>
    key.slice(keys.slots.length, key.lastIndexOf('/')),
  );
  return [...queues].flatMap(([dataSource, queue]) =>
    queue.map((pair, rank) => ({
      kind: 'slot',
      uid: keys.lastPart(pair.key),
      dataSource,
      agent: readRecords([pair], (each) => parseRecord<SlotRecord>(each).agent)[0] ?? '',
      isWaiting: rank >= (limits.get(dataSource) ?? Number.POSITIVE_INFINITY),
    })),
  );
}
