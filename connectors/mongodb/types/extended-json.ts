import { parseJson } from '../../../core/records/json-parser.ts';
import { type BsonValue, bson, bytesOf, elementsOf } from './format.ts';
import { standsForValue } from './from-extended-json.ts';
import { binaryOf, decimalText, textOf, uuidSubtype, uuidText } from './scalars.ts';

/**
 * Values of BSON in JSON columns, as MongoDB Extended JSON v2 writes them, with plain numbers: whole numbers of 32 and 64 bits as their
 * digits, doubles with a point or an exponent, and everything that JSON has no form for as an object with a `$` name (docs/mongodb.md).
 * What is read back is the same value; only a 64-bit integer that fits into 32 bits becomes one of 32.
 */
export function extendedJson(value: BsonValue): string | undefined {
  try {
    return write(value, 0);
  } catch (thrown) {
    if (thrown instanceof NotJson) return undefined;
    throw thrown;
  }
}

/** Deeper documents cannot be stored by MongoDB. */
const mostDepth = 200;

class NotJson extends Error {}

function write(value: BsonValue, depth: number): string {
  const { type, bytes, start } = value;
  switch (type) {
    case bson.object:
      return objectJson(value, depth);
    case bson.array:
      return `[${membersOf(value, depth, false)}]`;
    case bson.string:
      return JSON.stringify(textIn(value));
    case bson.int32:
      return String(bytes.readInt32LE(start));
    case bson.int64:
      return String(bytes.readBigInt64LE(start));
    case bson.double:
      return doubleJson(bytes.readDoubleLE(start));
    case bson.boolean:
      return bytes[start] === 0 ? 'false' : 'true';
    case bson.null:
      return 'null';
    default:
      return JSON.stringify(specialJson(value, depth));
  }
}

/** A document with a field like `$oid`, as some applications store, must not be read back as the value for which such an object stands. */
function objectJson(value: BsonValue, depth: number): string {
  const text = `{${membersOf(value, depth, true)}}`;
  if (text.startsWith('{"$') && standsForValue(parseJson(text))) throw new NotJson();
  return text;
}

function membersOf(value: BsonValue, depth: number, hasNames: boolean): string {
  if (depth >= mostDepth) throw new NotJson();
  const members: string[] = [];
  for (const element of elementsOf(value)) {
    const text = write(element, depth + 1);
    members.push(hasNames ? `${JSON.stringify(element.name)}:${text}` : text);
  }
  return members.join(',');
}

function textIn(value: BsonValue): string {
  const text = textOf(value);
  if (text === undefined) throw new NotJson();
  return text;
}

/** A point or an exponent distinguishes it from an integer. */
function doubleJson(value: number): string {
  if (!Number.isFinite(value)) return `{"$numberDouble":"${value}"}`;
  if (Object.is(value, -0)) return '-0.0';
  const text = String(value);
  return /[.e]/.test(text) ? text : `${text}.0`;
}

function specialJson(value: BsonValue, depth: number): object {
  const { type, bytes, start, end } = value;
  switch (type) {
    case bson.objectId:
      return { $oid: bytes.toString('hex', start, end) };
    case bson.decimal:
      return { $numberDecimal: decimalText(bytesOf(value)) };
    case bson.date:
      return { $date: dateJson(bytes.readBigInt64LE(start)) };
    case bson.binary:
      return binaryJson(value);
    case bson.timestamp:
      return { $timestamp: { t: bytes.readUInt32LE(start + 4), i: bytes.readUInt32LE(start) } };
    case bson.regex: {
      const middle = bytes.indexOf(0, start);
      const options = bytes.toString('utf8', middle + 1, end - 1);
      return { $regularExpression: { pattern: bytes.toString('utf8', start, middle), options } };
    }
    case bson.code:
      return { $code: textIn(value) };
    case bson.symbol:
      return { $symbol: textIn(value) };
    case bson.codeWithScope:
      return codeJson(value, depth);
    case bson.dbPointer: {
      const $id = { $oid: bytes.toString('hex', end - 12, end) };
      return { $dbPointer: { $ref: textIn({ ...value, end: end - 12 }), $id } };
    }
    case bson.minKey:
      return { $minKey: 1 };
    case bson.maxKey:
      return { $maxKey: 1 };
    default:
      return { $undefined: true };
  }
}

/** The scope is a document of its own behind the code. */
function codeJson(value: BsonValue, depth: number): object {
  const { bytes, start, end } = value;
  const codeEnd = start + 8 + bytes.readInt32LE(start + 4);
  const code: BsonValue = { type: bson.code, bytes, start: start + 4, end: codeEnd };
  const scope = write({ type: bson.object, bytes, start: codeEnd, end }, depth + 1);
  return { $code: textIn(code), $scope: JSON.parse(scope) };
}

function dateJson(ms: bigint): string | object {
  const isUsual = ms >= 0n && ms <= 253_402_300_799_999n;
  return isUsual ? new Date(Number(ms)).toISOString() : { $numberLong: String(ms) };
}

function binaryJson(value: BsonValue): object {
  const { subtype, data } = binaryOf(value);
  if (subtype === uuidSubtype && data.length === 16) return { $uuid: uuidText(data) };
  return { $binary: { base64: data.toString('base64'), subType: subtype.toString(16).padStart(2, '0') } };
}
