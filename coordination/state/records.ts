import { bug } from '../../core/errors.ts';
import type { Agent } from '../contract.ts';
import type { KeyValue } from '../etcd/transport.ts';

/** The holder of the leadership key, a lock or a slot. */
export interface LeaderRecord {
  readonly agent: string;
}
export interface LockRecord {
  readonly agent: string;
}
export interface SlotRecord {
  readonly agent: string;
  /** `namespace/name` of the Sync; undefined if written by an agent of an older version. */
  readonly sync?: string;
}

/** The record in the key of an agent. Its loads have a separate key. */
export type AgentRecord = Omit<Agent, 'loads'>;

/** Fields that every reader of the records requires. */
export const agentFields = ['name', 'instance', 'labels', 'joinedAt'] as const;
export const assignmentFields = ['uid', 'agent', 'syncVersion'] as const;
export const desiredFields = ['uid', 'namespace', 'name', 'generation'] as const;
export const reportFields = ['namespace', 'name', 'checkedAt'] as const;

/** The value of one of our keys. Only Idra writes them, so JSON of another shape is a bug or was written by somebody else. */
export function parseRecord<T>(
  pair: Pick<KeyValue, 'key' | 'value'>,
  fields: readonly (keyof T & string)[] = [],
): T {
  const record = parseJson(pair) as NonNullable<T> | null;
  if (record === null || fields.some((field) => (record[field] ?? null) === null))
    throw bug(`the value of etcd's key ${pair.key} is not one that Idra writes`);
  return record;
}

function parseJson({ key, value }: Pick<KeyValue, 'key' | 'value'>): unknown {
  try {
    return JSON.parse(value);
  } catch (error) {
    throw bug(`the value of etcd's key ${key} is not JSON`, { cause: error });
  }
}

/**
 * Records of a list. A record that was not written by Idra is skipped, so that it does not block the others; the watches of the same keys
 * report it.
 */
export function readRecords<R>(pairs: readonly KeyValue[], read: (pair: KeyValue) => R): readonly R[] {
  return pairs.flatMap((pair) => {
    try {
      return [read(pair)];
    } catch {
      return [];
    }
  });
}

/** Equal as JSON, regardless of the order of fields. */
export function isSameRecord(a: unknown, b: unknown): boolean {
  return stableText(a) === stableText(b);
}

function stableText(value: unknown): string {
  return JSON.stringify(value, (_key, each: unknown) =>
    typeof each === 'object' && each !== null && !Array.isArray(each)
      ? Object.fromEntries(Object.entries(each).sort(([a], [b]) => (a < b ? -1 : 1)))
      : each,
  );
}
