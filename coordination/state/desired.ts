import type { DesiredDataSource, DesiredState, DesiredSync, New } from '../contract.ts';
import type { EtcdKv } from '../etcd/kv.ts';
import { type KeyValue, type Operation, underPrefix } from '../etcd/transport.ts';
import type { Keys } from '../keys.ts';
import { conflict, versionOf, writeDocument } from './documents.ts';
import { desiredFields, parseRecord, readRecords } from './records.ts';
import { isOver, makeRemovals, removedUids } from './removal.ts';

export function makeDesiredState(kv: EtcdKv, keys: Keys): DesiredState {
  const getSync = async (uid: string) => {
    const success = [keys.sync(uid), keys.removed(uid)].map((key) => ({ kind: 'get', key }) as const);
    const { results } = await kv.repeatableTxn({ compare: [], success });
    const [pair, note] = results.map(({ pairs }) => pairs?.[0]);
    const sync = pair && toSync(pair);
    return sync && !isOver(sync, note !== undefined) ? sync : undefined;
  };
  return {
    async read() {
      const { pairs, revision } = await kv.list(underPrefix(keys.syncs));
      const dataSources = await kv.list(underPrefix(keys.dataSources), { revision });
      const removed = await removedUids(kv, keys, revision);
      const syncs = readRecords(pairs, toSync).filter((sync) => !isOver(sync, removed.has(sync.uid)));
      return { syncs, dataSources: readRecords(dataSources.pairs, toDataSource) };
    },
    getSync,
    async findSync(namespace, name) {
      const pair = await kv.get(keys.name(namespace, name));
      return pair && (await getSync(parseRecord<string>(pair)));
    },
    async getDataSource(namespace, name) {
      const pair = await kv.get(keys.dataSource(namespace, name));
      return pair && toDataSource(pair);
    },
    async createSync(sync) {
      const key = keys.name(sync.namespace, sync.name);
      const taken = await kv.get(key);
      const holder = taken && (await getSync(parseRecord<string>(taken)));
      if (holder && holder.uid !== sync.uid && holder.deletedAt === undefined) throw conflict(key);
      await writeDocument(kv, {
        key: keys.sync(sync.uid),
        record: withoutVersion(sync),
        ifVersion: '',
        under: [{ key, mod: taken?.modRevision ?? 0n }],
        also: [nameOf(keys, sync)],
      });
    },
    async putSync(sync, ifVersion) {
      const record = withoutVersion(sync);
      await writeDocument(kv, {
        key: keys.sync(sync.uid),
        record,
        // A Sync that is being deleted must not take the name back from its successor.
        also:
          sync.deletedAt === undefined
            ? [nameOf(keys, sync), { kind: 'delete', key: keys.removed(sync.uid) }]
            : [],
        ...(ifVersion !== undefined && { ifVersion }),
      });
    },
    async putDataSource(dataSource, ifVersion) {
      const key = keys.dataSource(dataSource.namespace, dataSource.name);
      await writeDocument(kv, {
        key,
        record: withoutVersion(dataSource),
        ...(ifVersion !== undefined && { ifVersion }),
      });
    },
    async deleteDataSource(namespace, name, ifVersion) {
      await writeDocument(kv, {
        key: keys.dataSource(namespace, name),
        record: undefined,
        ...(ifVersion !== undefined && { ifVersion }),
      });
      await writeDocument(kv, { key: keys.report(namespace, name), record: undefined });
    },
    ...makeRemovals(kv, keys),
  };
}

function nameOf(keys: Keys, { namespace, name, uid }: New<DesiredSync>): Operation {
  return { kind: 'put', key: keys.name(namespace, name), value: JSON.stringify(uid) };
}

export function toSync(pair: KeyValue): DesiredSync {
  return { ...parseRecord<New<DesiredSync>>(pair, desiredFields), version: versionOf(pair) };
}

export function toDataSource(pair: KeyValue): DesiredDataSource {
  return { ...parseRecord<New<DesiredDataSource>>(pair, desiredFields), version: versionOf(pair) };
}

/** The version is etcd's own; a version that was read with the record is not written back. */
function withoutVersion<T extends object>(record: T): Omit<T, 'version'> {
  const { version: _version, ...rest } = record as T & { version?: string };
  return rest as Omit<T, 'version'>;
}
