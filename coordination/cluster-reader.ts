import { slotLimit } from '../core/sync-spec.ts';
import { formatToken, makeToken } from '../core/token.ts';
import type { Agent, Assignment, ClusterReader, LockInfo } from './contract.ts';
import { epochIn } from './epoch.ts';
import type { Keys } from './keys.ts';
import type { EtcdReader } from './reader.ts';
import {
  type AgentRecord,
  type LeaderRecord,
  type LockRecord,
  type PlaceRecord,
  parseRecord,
} from './records.ts';
import { byAge } from './requests.ts';
import { type KeyValue, underPrefix } from './transport.ts';

export function makeClusterReader(reader: EtcdReader, keys: Keys): ClusterReader {
  const list = async (prefix: string) => (await reader.list(underPrefix(prefix))).pairs;
  return {
    async agents() {
      const loads = new Map(
        (await list(keys.loads)).map((pair) => [keys.lastPart(pair.key), parseRecord<Agent['loads']>(pair)]),
      );
      const agents = (await list(keys.agents)).map((pair) => parseRecord<AgentRecord>(pair));
      return agents.map((agent) => ({ ...agent, loads: loads.get(agent.name) ?? {} }));
    },
    async leader() {
      const pair = await reader.get(keys.leader);
      return pair && { agent: parseRecord<LeaderRecord>(pair).agent, term: String(pair.createRevision) };
    },
    async assignments() {
      return (await list(keys.assignments)).map((pair) => parseRecord<Assignment>(pair));
    },
    async locks() {
      const epoch = epochIn(await reader.get(keys.epoch));
      const locks = (await list(keys.locks)).map(
        (pair): LockInfo => ({
          kind: 'sync',
          uid: keys.lastPart(pair.key),
          agent: parseRecord<LockRecord>(pair).agent,
          token: formatToken(makeToken(epoch, pair.createRevision)),
          isWaiting: false,
        }),
      );
      return [...locks, ...placesIn(await list(keys.places), await limits(), keys)];
    },
  };

  /** Slots by `namespace/name`, where they are limited. */
  async function limits(): Promise<Map<string, number>> {
    const limits = new Map<string, number>();
    for (const pair of await list(keys.dataSources)) {
      const { spec } = parseRecord<{ spec?: { maxConcurrentSyncs?: unknown } }>(pair);
      const written = spec?.maxConcurrentSyncs;
      const limit = slotLimit(typeof written === 'number' ? written : undefined);
      if (limit !== undefined) limits.set(pair.key.slice(keys.dataSources.length), limit);
    }
    return limits;
  }
}

function placesIn(pairs: readonly KeyValue[], limits: ReadonlyMap<string, number>, keys: Keys): LockInfo[] {
  const queues = Map.groupBy([...pairs].sort(byAge), ({ key }) =>
    key.slice(keys.places.length, key.lastIndexOf('/')),
  );
  return [...queues].flatMap(([dataSource, queue]) =>
    queue.map((pair, rank) => ({
      kind: 'place',
      uid: keys.lastPart(pair.key),
      dataSource,
      agent: parseRecord<PlaceRecord>(pair).agent,
      isWaiting: rank >= (limits.get(dataSource) ?? Number.POSITIVE_INFINITY),
    })),
  );
}
