import { bug } from '../../core/errors.ts';
import type { Agent } from '../contract.ts';
import type { KeyValue } from '../etcd/transport.ts';

/** Who has the leadership key, a lock, a slot. */
export interface LeaderRecord {
  readonly agent: string;
}
export interface LockRecord {
  readonly agent: string;
}
export interface SlotRecord {
  readonly agent: string;
  /** `namespace/name` of the Sync; undefined: written by an agent of an older version. */
  readonly sync?: string;
}

/** Of the key of an agent. Its loads have one of their own. */
export type AgentRecord = Omit<Agent, 'loads'>;

/** Fields without which a reader of the records cannot go on. */
export const agentFields = ['name', 'instance', 'labels', 'joinedAt'] as const;
export const assignmentFields = ['uid', 'agent', 'syncVersion'] as const;
export const desiredFields = ['uid', 'namespace', 'name', 'generation'] as const;
export const reportFields = ['namespace', 'name', 'checkedAt'] as const;

/** The value of one of our keys: only Idra writes them, so that JSON of another shape is a bug or a stranger's hand. */
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

/** Of a list: a record that Idra has not written is left out, so that it does not hold up the others. The watches of the same keys report it. */
export function readRecords<R>(pairs: readonly KeyValue[], read: (pair: KeyValue) => R): readonly R[] {
  return pairs.flatMap((pair) => {
    try {
      return [read(pair)];
    } catch {
      return [];
    }
  });
}

/** Equal as JSON, whatever the order of the fields. */
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
