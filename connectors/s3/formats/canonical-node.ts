import { jsonOf } from '../../../core/records/canonical-json.ts';
import { Misfit } from '../../../core/records/misfit.ts';
import type { NodeAccess, NodeValue } from '../../../core/records/node.ts';
import type { ColumnType, Value } from '../../../core/values.ts';

/** A canonical value of a type, where a column has another type than the object. */
export interface TypedValue {
  readonly type: ColumnType;
  readonly value: Value;
}

export const canonicalAccess: NodeAccess<TypedValue> = {
  read: ({ type, value }) => (value === null ? { kind: 'null' } : nodeOf(type, value)),
  field: () => undefined,
  item: ({ type, value }, index) => itemsOf(type, value)[index],
  fields: () => [],
  items: ({ type, value }) => itemsOf(type, value),
  json({ type, value }) {
    const text = jsonOf(type)(value);
    return text instanceof Misfit ? undefined : text;
  },
};

function itemsOf(type: ColumnType, value: Value): readonly TypedValue[] {
  if (type.kind !== 'array' || !Array.isArray(value)) return [];
  return (value as readonly Value[]).map((item) => ({ type: type.of, value: item }));
}

function nodeOf(type: ColumnType, value: Exclude<Value, null>): NodeValue {
  switch (type.kind) {
    case 'boolean':
      return { kind: 'boolean', value: value === true };
    case 'int':
      return { kind: 'int', value: value as number | bigint };
    case 'float':
      return { kind: 'float', value: Number(value) };
    case 'decimal':
      return { kind: 'decimal', text: String(value) };
    case 'bytes':
      return { kind: 'bytes', bytes: value as Buffer };
    case 'date':
      return { kind: 'date', text: String(value) };
    case 'time':
    case 'timestamp':
      return { kind: type.kind, text: String(value), precision: type.precision, hasZone: type.hasZone };
    case 'uuid':
      return { kind: 'uuid', text: String(value) };
    case 'array':
      return { kind: 'array' };
    case 'json':
      return { kind: 'other', name: 'json' };
    default:
      return { kind: 'text', text: String(value) };
  }
}
