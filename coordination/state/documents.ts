import { transient } from '../../core/errors.ts';
import type { EtcdKv } from '../etcd/kv.ts';
import type { Compare, KeyValue, Operation } from '../etcd/transport.ts';
import { isSameRecord, parseRecord, readRecords } from './records.ts';

export interface Change {
  readonly key: string;
  /** Undefined: delete. */
  readonly record: object | undefined;
  /** Only when this is stored: a mod revision, '' for none. */
  readonly ifVersion?: string;
  /** Must hold beside it. */
  readonly under?: readonly Compare[];
  /** Go with it, when it is written. */
  readonly also?: readonly Operation[];
}

/**
 * Writes a document that several may write: conditional on what was read, so that a transaction that arrives late or twice changes
 * nothing, and an answer that was lost is read back. Nothing is written where nothing differs. Throws Conflict (transient).
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

/** False: somebody else was first, or nobody knows. */
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
  // One that somebody else has written is written over.
  return readRecords([stored], (each) =>
    isSameRecord(parseRecord(each), JSON.parse(JSON.stringify(record))),
  ).includes(true);
}

export function versionOf(stored: KeyValue | undefined): string {
  return stored === undefined ? '' : String(stored.modRevision);
}

export function conflict(key: string): Error {
  return transient('Conflict', `etcd's key ${key} was changed by somebody else meanwhile`, {
    mend: 'read it again and repeat',
  });
}
