import { isExponentInRange } from './decimal-text.ts';
import { JsonError, JsonNumber, type JsonObject, type JsonValue, parseJson } from './json-parser.ts';
import { Misfit } from './misfit.ts';
import type { NodeAccess, NodeValue } from './node.ts';

/** A JSON value as text: one line, all digits, fields in their order, characters escaped only where JSON requires it. */
export function writeJson(value: JsonValue): string {
  if (typeof value === 'string') return JSON.stringify(value);
  if (value instanceof JsonNumber) return value.text;
  if (typeof value !== 'object' || value === null) return String(value);
  if (isObject(value)) {
    const fields = [...value].map(([name, each]) => `${JSON.stringify(name)}:${writeJson(each)}`);
    return `{${fields.join(',')}}`;
  }
  return `[${value.map(writeJson).join(',')}]`;
}

/** The JSON that a value has as its text. */
export function jsonOrMisfit(text: string): JsonValue | Misfit {
  try {
    return parseJson(text);
  } catch (thrown) {
    if (thrown instanceof JsonError) return new Misfit('is not valid JSON');
    throw thrown;
  }
}

const nullNode: NodeValue = { kind: 'null' };
const objectNode: NodeValue = { kind: 'object' };
const arrayNode: NodeValue = { kind: 'array' };
const nothing: readonly never[] = [];

/** Records of JSON as parseJson returns them. */
export const jsonAccess: NodeAccess<JsonValue> = {
  read(value) {
    if (value === null) return nullNode;
    switch (typeof value) {
      case 'string':
        return { kind: 'text', text: value };
      case 'boolean':
        return { kind: 'boolean', value };
      case 'number':
        return { kind: 'int', value };
      default:
        if (value instanceof JsonNumber) return numberNode(value.text);
        return isObject(value) ? objectNode : arrayNode;
    }
  },
  field: (value, name) => (isObject(value) ? value.get(name) : undefined),
  item: (value, index) => (Array.isArray(value) ? (value as readonly JsonValue[])[index] : undefined),
  fields: (value) => (isObject(value) ? value : nothing),
  items: (value) => (Array.isArray(value) ? (value as readonly JsonValue[]) : nothing),
  json: writeJson,
};

/** Longer ones are decimals: a conversion to bigint takes time that grows with the square of the digits. */
const mostIntDigits = 40;

function numberNode(text: string): NodeValue {
  const isWhole = /^-?\d+$/.test(text) && text !== '-0';
  if (isWhole && text.length <= mostIntDigits) return { kind: 'int', value: BigInt(text) };
  return isExponentInRange(text)
    ? { kind: 'decimal', text }
    : { kind: 'other', name: 'number with a large exponent' };
}

function isObject(value: JsonValue): value is JsonObject {
  return value instanceof Map;
}
