import { jsonAccess, writeJson } from '../../../core/records/json.ts';
import { JsonNumber } from '../../../core/records/json-parser.ts';
import type { NodeAccess, NodeValue } from '../../../core/records/node.ts';
import { isoFromTimestamp } from '../../../core/records/time-text.ts';

/** A value whose type is known from a schema, where JSON has none: bytes, decimals, times. */
export class TypedNode {
  readonly value: NodeValue;

  constructor(value: NodeValue) {
    this.value = value;
  }
}

/** A value of a message: as the JSON parser returns it, with typed ones between. Avro and Debezium become this, too. */
export type RecordNode =
  | null
  | boolean
  | number
  | string
  | JsonNumber
  | TypedNode
  | readonly RecordNode[]
  | RecordObject;
export type RecordObject = ReadonlyMap<string, RecordNode>;

const nothing: readonly never[] = [];

export const recordAccess: NodeAccess<RecordNode> = {
  read(node) {
    if (node instanceof TypedNode) return node.value;
    if (isObject(node)) return { kind: 'object' };
    if (isList(node)) return { kind: 'array' };
    return jsonAccess.read(node);
  },
  field: (node, name) => (isObject(node) ? node.get(name) : undefined),
  item: (node, index) => (isList(node) ? node[index] : undefined),
  fields: (node) => (isObject(node) ? node : nothing),
  items: (node) => (isList(node) ? node : nothing),
  json: jsonOf,
};

export function isObject(node: RecordNode | undefined): node is RecordObject {
  return node instanceof Map;
}

export function isList(node: RecordNode): node is readonly RecordNode[] {
  return Array.isArray(node);
}

/** A whole number of up to 64 bits. */
export function intNode(value: bigint): RecordNode {
  return -9_007_199_254_740_991n <= value && value <= 9_007_199_254_740_991n
    ? Number(value)
    : new JsonNumber(String(value));
}

/** The whole number of a node; undefined: it is none. */
export function bigintOf(node: RecordNode | undefined): bigint | undefined {
  if (node === undefined) return undefined;
  const value = recordAccess.read(node);
  return value.kind === 'int' ? BigInt(value.value) : undefined;
}

/** Undefined: JSON cannot keep it. */
function jsonOf(node: RecordNode): string | undefined {
  if (node instanceof TypedNode) return typedJson(node.value);
  if (isObject(node)) {
    const fields: string[] = [];
    for (const [name, value] of node) {
      const text = jsonOf(value);
      if (text === undefined) return undefined;
      fields.push(`${JSON.stringify(name)}:${text}`);
    }
    return `{${fields.join(',')}}`;
  }
  if (isList(node)) {
    const items = node.map(jsonOf);
    return items.includes(undefined) ? undefined : `[${items.join(',')}]`;
  }
  return writeJson(node);
}

function typedJson(value: NodeValue): string | undefined {
  switch (value.kind) {
    case 'null':
      return 'null';
    case 'boolean':
    case 'int':
      return String(value.value);
    case 'decimal':
      return /\d/.test(value.text) ? value.text : undefined;
    case 'float':
      if (!Number.isFinite(value.value)) return undefined;
      return Object.is(value.value, -0) ? '-0' : String(value.value);
    case 'bytes':
      return JSON.stringify(value.bytes.toString('base64'));
    case 'timestamp':
      return JSON.stringify(isoFromTimestamp(value.text) ?? value.text);
    case 'text':
    case 'date':
    case 'time':
    case 'uuid':
      return JSON.stringify(value.text);
    case 'other':
      return value.text === undefined ? undefined : JSON.stringify(value.text);
    case 'object':
    case 'array':
      return undefined;
  }
}
