import type { Step } from './path.ts';

/**
 * What a value in a record is. Extraction, conversion and inference work on these, whatever the format of the records: JSON, BSON, Avro.
 * Texts of numbers and times keep all their digits.
 */
export type NodeValue =
  | { readonly kind: 'null' }
  | { readonly kind: 'boolean'; readonly value: boolean }
  | { readonly kind: 'int'; readonly value: number | bigint }
  /** Digits, perhaps with an exponent: `-1.50`, `2e3`; or NaN, Infinity, -Infinity. */
  | { readonly kind: 'decimal'; readonly text: string }
  | { readonly kind: 'float'; readonly value: number }
  | { readonly kind: 'text'; readonly text: string }
  | { readonly kind: 'bytes'; readonly bytes: Buffer }
  | { readonly kind: 'date'; readonly text: string }
  /** Canonical text (core/values.ts). precision: digits of a second that its format keeps. */
  | {
      readonly kind: 'time' | 'timestamp';
      readonly text: string;
      readonly precision: number;
      readonly hasZone: boolean;
    }
  /** Lower case, with dashes. */
  | { readonly kind: 'uuid'; readonly text: string }
  | { readonly kind: 'object' }
  | { readonly kind: 'array' }
  /** A value that only this format has (`ObjectId`), with its text if that identifies it. */
  | { readonly kind: 'other'; readonly name: string; readonly text?: string };

/** Access to the values of one format of records. N is its own representation of a value. */
export interface NodeAccess<N> {
  read(node: N): NodeValue;
  /** Undefined: absent, or the node is not an object. */
  field(node: N, name: string): N | undefined;
  /** Undefined: absent, or the node is not an array. */
  item(node: N, index: number): N | undefined;
  /** Fields of an object in their order; nothing for other nodes. */
  fields(node: N): Iterable<readonly [name: string, value: N]>;
  /** Elements of an array; nothing for other nodes. */
  items(node: N): Iterable<N>;
  /** Canonical JSON; undefined if the node has a value that JSON cannot keep (NaN). */
  json(node: N): string | undefined;
}

/** The value at a path; undefined: absent, which also covers fields of null and of values that are not objects. */
export function valueAtPath<N>(access: NodeAccess<N>, record: N, steps: readonly Step[]): N | undefined {
  let node: N | undefined = record;
  for (const step of steps) {
    if (node === undefined) return undefined;
    node = typeof step === 'string' ? access.field(node, step) : access.item(node, step);
  }
  return node;
}
