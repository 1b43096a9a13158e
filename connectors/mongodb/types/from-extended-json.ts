import { Decimal128 } from 'mongodb';
import { lookUp } from '../../../core/look-up.ts';
import { JsonNumber, type JsonObject, type JsonValue } from '../../../core/records/json-parser.ts';
import { BsonWriter } from './bson-writer.ts';
import { bson } from './format.ts';
import { uuidSubtype } from './scalars.ts';
import { millisecondsOf } from './time-text.ts';

/** Why a JSON value has no BSON that keeps it, without the value. */
export type Refusal = string;

/** Writes a JSON value as an element. Returns why it cannot be kept; what was written then is incomplete. */
export function writeExtended(writer: BsonWriter, name: string, value: JsonValue): Refusal | undefined {
  if (value === null) return void writer.name(bson.null, name);
  switch (typeof value) {
    case 'string':
      if (!value.isWellFormed()) return 'has half of a surrogate pair, which is no character';
      writer.name(bson.string, name);
      return void writer.string(value);
    case 'boolean':
      writer.name(bson.boolean, name);
      return void writer.byte(value ? 1 : 0);
    case 'number':
      return writeDigits(writer, name, String(value));
    default:
      if (value instanceof JsonNumber) return writeDigits(writer, name, value.text);
      if (value instanceof Map) return writeObject(writer, name, value);
      return writeArray(writer, name, value as readonly JsonValue[]);
  }
}

function writeArray(writer: BsonWriter, name: string, items: readonly JsonValue[]): Refusal | undefined {
  writer.name(bson.array, name);
  const start = writer.beginDocument();
  for (const [index, item] of items.entries()) {
    const refusal = writeExtended(writer, String(index), item);
    if (refusal !== undefined) return refusal;
  }
  return void writer.endDocument(start);
}

function writeObject(writer: BsonWriter, name: string, object: JsonObject): Refusal | undefined {
  if (writeSpecial(writer, name, object)) return undefined;
  writer.name(bson.object, name);
  return writeFields(writer, object);
}

/** A document with these fields, without type and name. */
export function writeFields(writer: BsonWriter, object: JsonObject): Refusal | undefined {
  const start = writer.beginDocument();
  for (const [field, item] of object) {
    if (field.includes('\0')) return 'has a name with a zero character';
    if (!field.isWellFormed()) return 'has a name with half of a surrogate pair, which is no character';
    const refusal = writeExtended(writer, field, item);
    if (refusal !== undefined) return refusal;
  }
  return void writer.endDocument(start);
}

const [leastInt32, mostInt32] = [-(2n ** 31n), 2n ** 31n - 1n];
const [leastInt64, mostInt64] = [-(2n ** 63n), 2n ** 63n - 1n];

/** Whole numbers as integers, others as doubles if these have the same value, else as decimals. */
function writeDigits(writer: BsonWriter, name: string, text: string): Refusal | undefined {
  if (/^-?\d{1,19}$/.test(text) && text !== '-0') {
    const value = BigInt(text);
    if (value >= leastInt32 && value <= mostInt32) {
      writer.name(bson.int32, name);
      return void writer.int32(Number(value));
    }
    if (value >= leastInt64 && value <= mostInt64) {
      writer.name(bson.int64, name);
      return void writer.int64(value);
    }
  }
  const double = Number(text);
  if (/[.eE]/.test(text) && sameDigits(text, String(double))) {
    writer.name(bson.double, name);
    return void writer.double(double);
  }
  return writeDecimal(writer, name, text);
}

/** Without zeros at the ends, the point and the exponent. */
function sameDigits(one: string, other: string): boolean {
  const [a, b] = [one, other].map((text) => {
    const [mantissa = '', exponent = '0'] = text.toLowerCase().split('e');
    const [whole = '', fraction = ''] = mantissa.replace('-', '').split('.');
    const digits = `${whole}${fraction}`.replace(/^0+/, '');
    const scale =
      digits === ''
        ? 0
        : Number(exponent) - fraction.length + (digits.length - digits.replace(/0+$/, '').length);
    return `${digits.replace(/0+$/, '')}e${scale}`;
  });
  return a === b;
}

/** A decimal of 34 digits. The driver refuses texts that it would round. */
export function writeDecimal(writer: BsonWriter, name: string, text: string): Refusal | undefined {
  const decimal = decimalOf(text);
  if (!decimal) return 'has more than the 34 digits, or a larger exponent, than a decimal of MongoDB';
  writer.name(bson.decimal, name);
  return void writer.raw(decimal.bytes);
}

function decimalOf(text: string): Decimal128 | undefined {
  try {
    return Decimal128.fromString(text);
  } catch {
    return undefined;
  }
}

/** An object that stands for a value which JSON does not have. False: it is an ordinary object. */
function writeSpecial(writer: BsonWriter, name: string, object: JsonObject): boolean {
  const [first] = object.keys();
  if (first === undefined || first[0] !== '$' || object.size > 2) return false;
  const write = lookUp(specials, first);
  const value = object.get(first);
  if (!write || value === undefined || (object.size === 2 && first !== '$code')) return false;
  const before = writer.length;
  if (write(writer, name, value, object)) return true;
  writer.cutTo(before);
  return false;
}

/** Whether this is an object that is read as another value. */
export function standsForValue(value: JsonValue): boolean {
  return value instanceof Map && writeSpecial(new BsonWriter(64), 'v', value);
}

type SpecialWriter = (writer: BsonWriter, name: string, value: JsonValue, object: JsonObject) => boolean;

const specials: Readonly<Record<string, SpecialWriter>> = {
  $oid: (writer, name, value) => {
    if (typeof value !== 'string' || !/^[0-9a-f]{24}$/i.test(value)) return false;
    writer.name(bson.objectId, name);
    writer.raw(Buffer.from(value, 'hex'));
    return true;
  },
  $numberInt: (writer, name, value) =>
    typeof value === 'string' && writeDigits(writer, name, value) === undefined,
  $numberLong: (writer, name, value) => {
    const long = longOf(value);
    if (long === undefined) return false;
    writer.name(bson.int64, name);
    writer.int64(long);
    return true;
  },
  $numberDouble: (writer, name, value) => {
    if (typeof value !== 'string' || !/^(-?Infinity|NaN|-?[\d.]+(e[+-]?\d+)?)$/i.test(value)) return false;
    writer.name(bson.double, name);
    writer.double(Number(value));
    return true;
  },
  $numberDecimal: (writer, name, value) =>
    typeof value === 'string' && writeDecimal(writer, name, value) === undefined,
  $date: (writer, name, value) => {
    const ms =
      typeof value === 'string'
        ? instantOf(value)
        : longOf(value instanceof Map ? value.get('$numberLong') : undefined);
    if (ms === undefined) return false;
    writer.name(bson.date, name);
    writer.int64(ms);
    return true;
  },
  $uuid: (writer, name, value) => {
    const hex = typeof value === 'string' ? value.replaceAll('-', '') : '';
    return /^[0-9a-f]{32}$/i.test(hex) && writeBinary(writer, name, Buffer.from(hex, 'hex'), uuidSubtype);
  },
  $binary: (writer, name, value) => {
    const base64 = value instanceof Map ? value.get('base64') : undefined;
    const subType = value instanceof Map ? value.get('subType') : undefined;
    if (typeof base64 !== 'string' || typeof subType !== 'string' || !/^[0-9a-f]{1,2}$/i.test(subType))
      return false;
    return writeBinary(writer, name, Buffer.from(base64, 'base64'), Number.parseInt(subType, 16));
  },
  $timestamp: (writer, name, value) => {
    const [t, i] = value instanceof Map ? [value.get('t'), value.get('i')].map(Number) : [];
    if (!isUnsigned(t) || !isUnsigned(i)) return false;
    writer.name(bson.timestamp, name);
    writer.int64(BigInt.asIntN(64, (BigInt(t) << 32n) | BigInt(i)));
    return true;
  },
  $regularExpression: (writer, name, value) => {
    const [pattern, options] = value instanceof Map ? [value.get('pattern'), value.get('options')] : [];
    if (typeof pattern !== 'string' || typeof options !== 'string' || `${pattern}${options}`.includes('\0'))
      return false;
    writer.name(bson.regex, name);
    writer.cstring(pattern);
    writer.cstring(options);
    return true;
  },
  $symbol: (writer, name, value) => writeText(writer, name, value, bson.symbol),
  $code: (writer, name, value, object) => {
    const scope = object.get('$scope');
    if (scope === undefined) return object.size === 1 && writeText(writer, name, value, bson.code);
    return scope instanceof Map && typeof value === 'string' && writeScoped(writer, name, value, scope);
  },
  $dbPointer: (writer, name, value) => {
    const [ref, id] = value instanceof Map ? [value.get('$ref'), value.get('$id')] : [];
    const hex = id instanceof Map ? id.get('$oid') : undefined;
    if (typeof ref !== 'string' || typeof hex !== 'string' || !/^[0-9a-f]{24}$/i.test(hex)) return false;
    writer.name(bson.dbPointer, name);
    writer.string(ref);
    writer.raw(Buffer.from(hex, 'hex'));
    return true;
  },
  $minKey: (writer, name) => {
    writer.name(bson.minKey, name);
    return true;
  },
  $maxKey: (writer, name) => {
    writer.name(bson.maxKey, name);
    return true;
  },
  $undefined: (writer, name) => {
    writer.name(bson.undefined, name);
    return true;
  },
};

function writeText(writer: BsonWriter, name: string, value: JsonValue, type: number): boolean {
  if (typeof value !== 'string') return false;
  writer.name(type, name);
  writer.string(value);
  return true;
}

function writeScoped(writer: BsonWriter, name: string, code: string, scope: JsonObject): boolean {
  writer.name(bson.codeWithScope, name);
  const start = writer.beginDocument();
  writer.string(code);
  if (writeFields(writer, scope) !== undefined) return false;
  // Its length is written as that of a document, without a zero at the end.
  writer.endDocument(start);
  const length = writer.length - 1;
  writer.cutTo(length);
  writer.written.writeInt32LE(length - start, start);
  return true;
}

export function writeBinary(writer: BsonWriter, name: string, data: Uint8Array, subtype: number): true {
  const isOld = subtype === 2;
  writer.name(bson.binary, name);
  writer.int32(data.length + (isOld ? 4 : 0));
  writer.byte(subtype);
  if (isOld) writer.int32(data.length);
  writer.raw(data);
  return true;
}

function longOf(value: JsonValue | undefined): bigint | undefined {
  if (typeof value !== 'string' || !/^-?\d{1,19}$/.test(value)) return undefined;
  const long = BigInt(value);
  return long >= leastInt64 && long <= mostInt64 ? long : undefined;
}

function instantOf(text: string): bigint | undefined {
  return /^\d{4}-\d{2}-\d{2}T[\d:.]+Z$/.test(text) ? millisecondsOf(text.replace('T', ' ')) : undefined;
}

function isUnsigned(value: number | undefined): value is number {
  return value !== undefined && Number.isInteger(value) && value >= 0 && value < 2 ** 32;
}
