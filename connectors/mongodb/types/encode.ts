import { type CheckCanonical, canonicalCheck, textMisfit } from '../../../core/canonical-check.ts';
import { JsonError, parseJson } from '../../../core/records/json-parser.ts';
import type { ColumnType, Value } from '../../../core/values.ts';
import type { BsonWriter } from './bson-writer.ts';
import { bson } from './format.ts';
import { type Refusal, writeBinary, writeDecimal, writeExtended } from './from-extended-json.ts';
import { uuidSubtype } from './scalars.ts';
import { millisecondsOf } from './time-text.ts';

/** Writes a value as an element. Returns why it cannot be kept, without the value. */
export type Encoder = (writer: BsonWriter, name: string, value: Exclude<Value, null>) => Refusal | undefined;

const wrong = 'is not a valid value of its type';

/** The element for a value of a source, which may not be canonical: SQLite enforces no declared type. */
export function columnEncoder(type: ColumnType): Encoder {
  const encode = encoderOf(type);
  const check = checkOf(type);
  if (!check) return encode;
  return (writer, name, value) => {
    const why = check(value);
    return why === undefined ? encode(writer, name, value) : `does not conform to its type: ${why}`;
  };
}

function checkOf(type: ColumnType): CheckCanonical | undefined {
  switch (type.kind) {
    case 'text':
    case 'enum':
    case 'interval':
    case 'other':
      return (value) => textMisfit(type, value);
    default:
      return canonicalCheck(type);
  }
}

/** The element for a canonical value. Null and missing are the caller's. */
export function encoderOf(type: ColumnType): Encoder {
  switch (type.kind) {
    case 'boolean':
      return (writer, name, value) => {
        writer.name(bson.boolean, name);
        return void writer.byte(value === true ? 1 : 0);
      };
    case 'int':
      return intEncoder(type);
    case 'float':
      return (writer, name, value) => {
        writer.name(bson.double, name);
        return void writer.double(Number(value));
      };
    case 'decimal':
      return (writer, name, value) => writeDecimal(writer, name, String(value));
    case 'bytes':
      return (writer, name, value) => {
        if (!(value instanceof Uint8Array)) return wrong;
        writeBinary(writer, name, value, 0);
        return undefined;
      };
    case 'uuid':
      return (writer, name, value) => {
        const hex = String(value).replaceAll('-', '');
        if (!/^[0-9a-f]{32}$/i.test(hex)) return wrong;
        writeBinary(writer, name, Buffer.from(hex, 'hex'), uuidSubtype);
        return undefined;
      };
    case 'date':
      return dateEncoder;
    case 'timestamp':
      return type.precision <= 3 ? dateEncoder : stampEncoder(type.precision);
    case 'json':
      return jsonEncoder;
    case 'array':
      return arrayEncoder(type.of);
    case 'untyped':
      return untypedEncoder;
    default:
      return textEncoder;
  }
}

const textEncoder: Encoder = (writer, name, value) => {
  writer.name(bson.string, name);
  return void writer.string(String(value));
};

function intEncoder({ bits, isUnsigned }: Extract<ColumnType, { kind: 'int' }>): Encoder {
  if (bits === 64 && isUnsigned) return (writer, name, value) => writeDecimal(writer, name, String(value));
  if (bits === 64 || (bits === 32 && isUnsigned)) return longEncoder;
  return (writer, name, value) => {
    writer.name(bson.int32, name);
    return void writer.int32(Number(value));
  };
}

const longEncoder: Encoder = (writer, name, value) => {
  writer.name(bson.int64, name);
  return void writer.int64(BigInt(value as number | bigint));
};

const dateEncoder: Encoder = (writer, name, value) => {
  const ms = millisecondsOf(String(value));
  if (ms === undefined) return 'is not an instant that a date of MongoDB keeps';
  writer.name(bson.date, name);
  return void writer.int64(ms);
};

/** All digits of the second, so that the texts sort like the times. */
function stampEncoder(precision: number): Encoder {
  return (writer, name, value) => {
    const match = /^(\d{4}-\d{2}-\d{2}) (\d{2}:\d{2}:\d{2})(?:\.(\d+))?(Z?)$/.exec(String(value));
    writer.name(bson.string, name);
    if (!match) return void writer.string(String(value));
    const [, day, clock, fraction = '', zone] = match;
    return void writer.string(`${day}T${clock}.${fraction.padEnd(precision, '0')}${zone}`);
  };
}

const jsonEncoder: Encoder = (writer, name, value) => {
  try {
    return writeExtended(writer, name, parseJson(String(value)));
  } catch (thrown) {
    if (thrown instanceof JsonError) return 'is not JSON, or has too many objects within each other';
    throw thrown;
  }
};

function arrayEncoder(of: ColumnType): Encoder {
  const item = encoderOf(of);
  return function encode(writer, name, value) {
    if (!Array.isArray(value)) return wrong;
    writer.name(bson.array, name);
    const start = writer.beginDocument();
    for (const [index, each] of (value as readonly Value[]).entries()) {
      const refusal = elementOf(writer, String(index), each, Array.isArray(each) ? encode : item);
      if (refusal !== undefined) return refusal;
    }
    return void writer.endDocument(start);
  };
}

function elementOf(writer: BsonWriter, name: string, value: Value, encode: Encoder): Refusal | undefined {
  if (value !== null) return encode(writer, name, value);
  return void writer.name(bson.null, name);
}

const untypedEncoder: Encoder = (writer, name, value) => {
  switch (typeof value) {
    case 'bigint':
      return longEncoder(writer, name, value);
    case 'number':
      writer.name(bson.double, name);
      return void writer.double(value);
    case 'string':
      return textEncoder(writer, name, value);
    default:
      if (!(value instanceof Uint8Array)) return wrong;
      writeBinary(writer, name, value, 0);
      return undefined;
  }
};
