import { bug } from '../core/errors.ts';
import type { Agent } from './contract.ts';
import type { KeyValue } from './transport.ts';

/** Of the leadership key, a lock, a place: who has it. */
export interface LeaderRecord {
  readonly agent: string;
}
export interface LockRecord {
  readonly agent: string;
}
export interface PlaceRecord {
  readonly agent: string;
  /** `namespace/name` of the Sync; undefined: written by an agent of an older version. */
  readonly sync?: string;
}

/** Of the key of an agent. Its loads have one of their own. */
export type AgentRecord = Omit<Agent, 'loads'>;

/** The value of one of our keys: only Idra writes them, so that JSON of another shape is a bug or a stranger's hand. */
export function parseRecord<T>(pair: Pick<KeyValue, 'key' | 'value'>): T {
  try {
    return JSON.parse(pair.value) as T;
  } catch (error) {
    throw bug(`the value of etcd's key ${pair.key} is not JSON`, { cause: error });
  }
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
