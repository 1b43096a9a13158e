import type { SyncStatus } from '../core/status.ts';
import { mayHaveRow, type SyncMemory } from '../core/sync-store.ts';
import type { DesiredDataSource, DesiredState, DesiredSync, New } from './contract.ts';
import { conflict, versionOf, writeDocument } from './documents.ts';
import type { Keys } from './keys.ts';
import type { EtcdReader } from './reader.ts';
import { parseRecord } from './records.ts';
import { type KeyValue, type Operation, underPrefix } from './transport.ts';

export function makeDesiredState(reader: EtcdReader, keys: Keys): DesiredState {
  const getSync = async (uid: string) => {
    const pair = await reader.get(keys.sync(uid));
    return pair && toSync(pair);
  };
  return {
    async read() {
      const { pairs, revision } = await reader.list(underPrefix(keys.syncs));
      const dataSources = await reader.list(underPrefix(keys.dataSources), { revision });
      return { syncs: pairs.map(toSync), dataSources: dataSources.pairs.map(toDataSource) };
    },
    getSync,
    async findSync(namespace, name) {
      const pair = await reader.get(keys.name(namespace, name));
      return pair && (await getSync(parseRecord<string>(pair)));
    },
    async getDataSource(namespace, name) {
      const pair = await reader.get(keys.dataSource(namespace, name));
      return pair && toDataSource(pair);
    },
    async createSync(sync) {
      const key = keys.name(sync.namespace, sync.name);
      const taken = await reader.get(key);
      const holder = taken && (await getSync(parseRecord<string>(taken)));
      if (holder && holder.uid !== sync.uid && holder.deletedAt === undefined) throw conflict(key);
      await writeDocument(reader, {
        key: keys.sync(sync.uid),
        record: withoutVersion(sync),
        ifVersion: '',
        under: [{ key, mod: taken?.modRevision ?? 0n }],
        also: [nameOf(keys, sync)],
      });
    },
    async putSync(sync, ifVersion) {
      const record = withoutVersion(sync);
      await writeDocument(reader, {
        key: keys.sync(sync.uid),
        record,
        // One that goes must not take the name back from its successor.
        also: sync.deletedAt === undefined ? [nameOf(keys, sync)] : [],
        ...(ifVersion !== undefined && { ifVersion }),
      });
    },
    async putDataSource(dataSource, ifVersion) {
      const key = keys.dataSource(dataSource.namespace, dataSource.name);
      await writeDocument(reader, {
        key,
        record: withoutVersion(dataSource),
        ...(ifVersion !== undefined && { ifVersion }),
      });
    },
    async deleteDataSource(namespace, name, ifVersion) {
      await writeDocument(reader, {
        key: keys.dataSource(namespace, name),
        record: undefined,
        ...(ifVersion !== undefined && { ifVersion }),
      });
      await writeDocument(reader, { key: keys.report(namespace, name), record: undefined });
    },
    purgeSync: (uid) => purgeSync(reader, keys, uid),
    purgeUnclaimed: (uid) => purgeUnclaimed(reader, keys, uid),
  };
}

function nameOf(keys: Keys, { namespace, name, uid }: New<DesiredSync>): Operation {
  return { kind: 'put', key: keys.name(namespace, name), value: JSON.stringify(uid) };
}

/**
 * Only who holds the lock claims, and it notes that first: without lock, note and offset there is nothing at the destination. Whoever
 * takes the lock later finds no Sync, and does not claim (agent/engine/claim.ts).
 */
async function purgeUnclaimed(reader: EtcdReader, keys: Keys, uid: string): Promise<boolean> {
  const read = [keys.sync(uid), keys.lock(uid), keys.memory(uid), keys.offset(uid), keys.status(uid)];
  const { results } = await reader.repeatableTxn({
    compare: [],
    success: read.map((key) => ({ kind: 'get', key })),
  });
  const [sync, lock, memory, offset, status] = results.map(({ pairs }) => pairs?.[0]);
  const hasToken = status && parseRecord<SyncStatus>(status).fencingToken !== undefined;
  const isClaimed = (memory && mayHaveRow(parseRecord<SyncMemory>(memory))) || offset || hasToken;
  if (lock || isClaimed) return false;
  const compare = [
    { key: keys.lock(uid), create: 0n },
    { key: keys.memory(uid), mod: memory?.modRevision ?? 0n },
  ];
  const { succeeded } = await reader.repeatableTxn({ compare, success: removalOf(keys, uid, sync) });
  return succeeded;
}

/** The lock goes too: whoever still holds it can write nothing more of this Sync. */
async function purgeSync(reader: EtcdReader, keys: Keys, uid: string): Promise<void> {
  const stored = await reader.get(keys.sync(uid));
  const { pairs } = await reader.list(underPrefix(keys.assignments), { keysOnly: true });
  const assigned = pairs.filter(({ key }) => keys.lastPart(key) === uid).map(({ key }) => key);
  const success = [
    ...assigned.map((key) => ({ kind: 'delete', key }) as const),
    ...removalOf(keys, uid, stored),
  ];
  // A uid is never used again, so that this may happen twice.
  await reader.repeatableTxn({ compare: [], success });
}

/** Everything of a Sync but its assignment, which a leader removes when there is no such Sync. */
function removalOf(keys: Keys, uid: string, stored: KeyValue | undefined): Operation[] {
  const single = [
    keys.sync(uid),
    keys.lock(uid),
    keys.offset(uid),
    keys.memory(uid),
    keys.status(uid),
    keys.history(uid),
    keys.answers(uid),
  ];
  const removal: Operation[] = [
    ...single.map((key) => ({ kind: 'delete', key }) as const),
    { kind: 'delete', ...underPrefix(keys.requestsOf(uid)) },
  ];
  if (stored !== undefined) {
    const { namespace, name } = toSync(stored);
    const key = keys.name(namespace, name);
    const compare = [{ key, value: JSON.stringify(uid) }];
    removal.push({ kind: 'txn', compare, success: [{ kind: 'delete', key }] });
  }
  return removal;
}

export function toSync(pair: KeyValue): DesiredSync {
  return { ...parseRecord<New<DesiredSync>>(pair), version: versionOf(pair) };
}

export function toDataSource(pair: KeyValue): DesiredDataSource {
  return { ...parseRecord<New<DesiredDataSource>>(pair), version: versionOf(pair) };
}

/** The version is etcd's own; one that came with what was read is not written back. */
function withoutVersion<T extends object>(record: T): Omit<T, 'version'> {
  const { version: _version, ...rest } = record as T & { version?: string };
  return rest as Omit<T, 'version'>;
}
