import type { SyncStatus } from '../../core/status.ts';
import { mayHaveRow } from '../../core/sync-store.ts';
import type { DesiredState, DesiredSync, New, Side } from '../contract.ts';
import type { EtcdKv } from '../etcd/kv.ts';
import { type KeyValue, type Operation, underPrefix } from '../etcd/transport.ts';
import type { Keys } from '../keys.ts';
import { type ProgressRecord, progressOf } from './progress-record.ts';
import { parseRecord, readRecords } from './records.ts';

/**
 * The end of a deleted Sync. Agents may not write desired state, and the operator and the command line may not write keys of agents: each
 * side deletes its own keys and leaves a record for the other. The leader of the agents deletes the record last (purgeRemoved).
 */
export interface Removal {
  readonly by: Side;
}

/** Deleted completely, although its desired state may still exist. The record alone does not end a Sync that nobody has deleted. */
export function isOver(sync: Pick<DesiredSync, 'deletedAt'>, hasNote: boolean): boolean {
  return sync.deletedAt !== undefined && hasNote;
}

export function makeRemovals(
  kv: EtcdKv,
  keys: Keys,
): Pick<DesiredState, 'purgeSync' | 'purgeUnclaimed' | 'purgeRemoved' | 'purgeFinished'> {
  return {
    purgeSync: (uid, side) => purgeSync(kv, keys, uid, side),
    purgeUnclaimed: (uid, side) => purgeUnclaimed(kv, keys, uid, side),
    purgeRemoved: (uid) => purgeRemoved(kv, keys, uid),
    async purgeFinished() {
      for (const uid of await removedUids(kv, keys)) {
        const stored = await kv.get(keys.sync(uid));
        const readable = readRecords(stored ? [stored] : [], (pair) => parseRecord<New<DesiredSync>>(pair));
        if (readable.some((sync) => isOver(sync, true))) await purgeSync(kv, keys, uid, 'operator');
      }
    },
  };
}

/** Uids of syncs that have such a record. */
export async function removedUids(kv: EtcdKv, keys: Keys, revision?: bigint): Promise<ReadonlySet<string>> {
  const options = { keysOnly: true, ...(revision !== undefined && { revision }) };
  const { pairs } = await kv.list(underPrefix(keys.removals), options);
  return new Set(pairs.map(({ key }) => keys.lastPart(key)));
}

/** A uid is never reused, so this may run twice. */
async function purgeSync(kv: EtcdKv, keys: Keys, uid: string, side: Side): Promise<void> {
  const sync = await kv.get(keys.sync(uid));
  const success = [...removalOf(keys, uid, side, sync)];
  if (side === 'operator' && sync === undefined) return;
  if (side === 'agent') {
    const { pairs } = await kv.list(underPrefix(keys.assignments), { keysOnly: true });
    const assigned = pairs.filter(({ key }) => keys.lastPart(key) === uid);
    success.push(...assigned.map(({ key }): Operation => ({ kind: 'delete', key })));
  }
  await kv.repeatableTxn({ compare: [], success });
}

/**
 * Only the holder of the lock claims, and it records that first: without lock, record and offset there is nothing at the destination.
 * Whoever takes the lock later finds no Sync, and does not claim (agent/engine/claim.ts).
 */
async function purgeUnclaimed(kv: EtcdKv, keys: Keys, uid: string, side: Side): Promise<boolean> {
  const read = [keys.sync(uid), keys.lock(uid), keys.progress(uid), keys.offset(uid), keys.status(uid)];
  const { results } = await kv.repeatableTxn({
    compare: [],
    success: read.map((key) => ({ kind: 'get', key })),
  });
  const [sync, lock, progress, offset, status] = results.map(({ pairs }) => pairs?.[0]);
  const hasToken = status && parseRecord<SyncStatus>(status).fencingToken !== undefined;
  const isClaimed =
    (progress && mayHaveRow(progressOf(parseRecord<ProgressRecord>(progress)))) || offset || hasToken;
  if (lock || isClaimed) return false;
  const compare = [
    { key: keys.lock(uid), create: 0n },
    { key: keys.progress(uid), mod: progress?.modRevision ?? 0n },
  ];
  const { succeeded } = await kv.repeatableTxn({ compare, success: removalOf(keys, uid, side, sync) });
  return succeeded;
}

/** For the leader, when the Sync is no longer in the desired state: deletes what agents have written for it, and the record. */
async function purgeRemoved(kv: EtcdKv, keys: Keys, uid: string): Promise<void> {
  const rest = [...keysOfAgents(keys, uid), keys.removed(uid)];
  await kv.repeatableTxn({
    compare: [{ key: keys.sync(uid), create: 0n }],
    success: rest.map((key) => ({ kind: 'delete', key })),
  });
}

/** Includes the lock: its holder can then write nothing more for this Sync. */
function keysOfAgents(keys: Keys, uid: string): readonly string[] {
  return [
    keys.lock(uid),
    keys.offset(uid),
    keys.progress(uid),
    keys.status(uid),
    keys.history(uid),
    keys.answers(uid),
  ];
}

/** All keys of one side except assignments, which a leader deletes when the Sync does not exist. */
function removalOf(keys: Keys, uid: string, side: Side, sync: KeyValue | undefined): Operation[] {
  const record = JSON.stringify({ by: side } satisfies Removal);
  const removal: Operation[] = [
    { kind: 'put', key: keys.removed(uid), value: record },
    { kind: 'delete', ...underPrefix(keys.requestsOf(uid)) },
  ];
  if (side === 'agent') {
    removal.push(...keysOfAgents(keys, uid).map((key): Operation => ({ kind: 'delete', key })));
    return removal;
  }
  removal.push({ kind: 'delete', key: keys.sync(uid) });
  if (sync !== undefined) {
    const { namespace, name } = parseRecord<New<DesiredSync>>(sync);
    const key = keys.name(namespace, name);
    // The name may belong to a successor by now.
    const compare = [{ key, value: JSON.stringify(uid) }];
    removal.push({ kind: 'txn', compare, success: [{ kind: 'delete', key }] });
  }
  return removal;
}
