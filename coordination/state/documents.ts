import { transient } from '../../core/errors.ts';
import type { EtcdKv } from '../etcd/kv.ts';
import type { Compare, KeyValue, Operation } from '../etcd/transport.ts';
import { isSameRecord, parseRecord, readRecords } from './records.ts';

export interface Change {
  readonly key: string;
  /** Undefined to delete. */
  readonly record: object | undefined;
  /** Only if this is stored: a mod revision, '' for none. */
  readonly ifVersion?: string;
  /** Further conditions. */
  readonly under?: readonly Compare[];
  /** Executed in the same transaction, if it is written. */
  readonly also?: readonly Operation[];
}

/**
 * Writes a document that has several writers. The write is conditional on what was read, so a transaction that arrives late or twice
 * changes nothing, and after a lost answer the document is read back. Writes nothing if nothing differs. Throws Conflict (transient).
 */
export async function writeDocument(kv: EtcdKv, change: Change, signal?: AbortSignal): Promise<void> {
  const { key, record, ifVersion } = change;
  for (let attempt = 1; ; attempt++) {
    const stored = await kv.get(key, signal);
    if (isDone(stored, record)) return;
    if (ifVersion !== undefined && versionOf(stored) !== ifVersion) throw conflict(key);
    if (await tryWrite(kv, stored, change, signal)) return;
    if (attempt === 10) throw conflict(key);
  }
}

/** Returns false if somebody else was first, or if the outcome is unknown. */
async function tryWrite(
  kv: EtcdKv,
  stored: KeyValue | undefined,
  { key, record, under = [], also = [] }: Change,
  signal?: AbortSignal,
): Promise<boolean> {
  const write: Operation =
    record === undefined ? { kind: 'delete', key } : { kind: 'put', key, value: JSON.stringify(record) };
  const compare = [{ key, mod: stored?.modRevision ?? 0n }, ...under];
  const { succeeded } = await kv.repeatableTxn({ compare, success: [write, ...also] }, signal);
  return succeeded;
}

function isDone(stored: KeyValue | undefined, record: object | undefined): boolean {
  if (stored === undefined || record === undefined) return stored === undefined && record === undefined;
  // A record that was not written by Idra is overwritten.
  return readRecords([stored], (each) =>
    isSameRecord(parseRecord(each), JSON.parse(JSON.stringify(record))),
  ).includes(true);
}

export function versionOf(stored: KeyValue | undefined): string {
  return stored === undefined ? '' : String(stored.modRevision);
}

export function conflict(key: string): Error {
  return transient('Conflict', `etcd's key ${key} was changed by another process meanwhile`, {
    fix: 'read it again and retry',
  });
}
