import { converterOf } from '../../../core/records/convert.ts';
import { Misfit } from '../../../core/records/misfit.ts';
import type { NodeAccess, NodeValue } from '../../../core/records/node.ts';
import type { ColumnType, Value } from '../../../core/values.ts';
import { extendedJson } from './extended-json.ts';
import { type BsonValue, bson, bytesOf, elementsOf, fieldOf } from './format.ts';
import {
  binaryOf,
  decimalText,
  oldPlainSubtype,
  plainSubtype,
  textOf,
  uuidSubtype,
  uuidText,
} from './scalars.ts';
import { timestampText } from './time-text.ts';

/** A value that was written for a column of this type (encode.ts), as its canonical value. A date has neither zone nor day of its own. */
export function storedValue(value: BsonValue, type: ColumnType): Value | Misfit {
  const isZoneless = type.kind === 'date' || (type.kind === 'timestamp' && !type.hasZone);
  if (value.type !== bson.date || !isZoneless) return converterOf(type, bsonAccess)(value);
  const text = timestampText(value.bytes.readBigInt64LE(value.start))?.replace('Z', '');
  if (text === undefined) return new Misfit('is outside of the years that have a text');
  if (type.kind === 'timestamp') return text;
  return text.includes(' 00:00:00') ? text.replace(' 00:00:00', '') : new Misfit('is not midnight');
}

const isNull: NodeValue = { kind: 'null' };
const isObject: NodeValue = { kind: 'object' };
const isArray: NodeValue = { kind: 'array' };
const trueValue: NodeValue = { kind: 'boolean', value: true };
const falseValue: NodeValue = { kind: 'boolean', value: false };

/** BSON as core/records reads it. */
export const bsonAccess: NodeAccess<BsonValue> = {
  read: nodeValueOf,
  field: fieldOf,
  item(value, index) {
    if (value.type !== bson.array) return undefined;
    let at = 0;
    for (const element of elementsOf(value)) if (at++ === index) return element;
    return undefined;
  },
  *fields(value) {
    if (value.type !== bson.object) return;
    for (const element of elementsOf(value)) yield [element.name, element];
  },
  *items(value) {
    if (value.type === bson.array) yield* elementsOf(value);
  },
  json: extendedJson,
};

function nodeValueOf(value: BsonValue): NodeValue {
  const { type, bytes, start } = value;
  switch (type) {
    case bson.double:
      return { kind: 'float', value: bytes.readDoubleLE(start) };
    case bson.string:
      return textNode(value);
    case bson.object:
      return isObject;
    case bson.array:
      return isArray;
    case bson.binary:
      return binaryNode(value);
    case bson.undefined:
    case bson.null:
      return isNull;
    case bson.boolean:
      return bytes[start] === 0 ? falseValue : trueValue;
    case bson.date:
      return dateNode(value);
    case bson.int32:
      return { kind: 'int', value: bytes.readInt32LE(start) };
    case bson.int64:
      return { kind: 'int', value: bytes.readBigInt64LE(start) };
    case bson.decimal:
      return { kind: 'decimal', text: decimalText(bytesOf(value)) };
    case bson.objectId:
      return { kind: 'other', name: 'ObjectId', text: bytes.toString('hex', start, value.end) };
    default:
      return { kind: 'other', name: typeNames.get(type) ?? `type ${type}`, text: extendedJson(value) ?? '' };
  }
}

const typeNames = new Map<number, string>([
  [bson.regex, 'regular expression'],
  [bson.dbPointer, 'DBPointer'],
  [bson.code, 'JavaScript code'],
  [bson.symbol, 'Symbol'],
  [bson.codeWithScope, 'JavaScript code'],
  [bson.timestamp, 'Timestamp'],
  [bson.minKey, 'MinKey'],
  [bson.maxKey, 'MaxKey'],
]);

function textNode(value: BsonValue): NodeValue {
  const text = textOf(value);
  return text === undefined ? { kind: 'other', name: 'text that is not UTF-8' } : { kind: 'text', text };
}

function binaryNode(value: BsonValue): NodeValue {
  const { subtype, data } = binaryOf(value);
  if (subtype === uuidSubtype && data.length === 16) return { kind: 'uuid', text: uuidText(data) };
  if (subtype === plainSubtype || subtype === oldPlainSubtype)
    return { kind: 'bytes', bytes: Buffer.from(data) };
  return { kind: 'other', name: `binary data of subtype ${subtype}`, text: extendedJson(value) ?? '' };
}

function dateNode({ bytes, start }: BsonValue): NodeValue {
  const text = timestampText(bytes.readBigInt64LE(start));
  if (text === undefined) return { kind: 'other', name: 'date outside of the years that have a text' };
  return { kind: 'timestamp', text, precision: 3, hasZone: true };
}
