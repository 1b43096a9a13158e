import { BSON } from 'mongodb';
import { permanent } from '../../../core/errors.ts';
import { parseJson } from '../../../core/records/json-parser.ts';
import type { Column } from '../../../core/values.ts';
import { BsonWriter } from './bson-writer.ts';
import { encoderOf } from './encode.ts';
import { extendedJson } from './extended-json.ts';
import { type BsonValue, bson, onlyValue } from './format.ts';
import { writeExtended } from './from-extended-json.ts';
import { textOf } from './scalars.ts';
import { timestampText } from './time-text.ts';

/**
 * Texts of positions. A value of the usual type of its column is its canonical text: `42`, `2026-11-24 08:00:00Z`. Any other value is
 * Extended JSON that begins with `{"$`, such as `{"$oid":"..."}`, because fields may have values of several types, and `_id` too.
 */
const special = '{"$';

/** Throws CharacterNotKept for a text that is not UTF-8, because it has no text that identifies it. */
export function keyText(value: BsonValue, { name, type }: Pick<Column, 'name' | 'type'>): string {
  const plain = plainText(value, type.kind);
  if (plain !== undefined && !plain.startsWith(special)) return plain;
  const json = extendedJson(value);
  if (json === undefined) throw notOrdered(name);
  return json.startsWith(special) ? json : `{"$value":${json}}`;
}

function notOrdered(name: string): Error {
  return permanent(
    'CharacterNotKept',
    `${name} of a document is a text that is not UTF-8, and has no position`,
    {
      path: 'spec.source.key',
      fix: 'correct the document',
    },
  );
}

function plainText(value: BsonValue, kind: string): string | undefined {
  const { type, bytes, start } = value;
  if (type === bson.string) return kind === 'text' ? textOf(value) : undefined;
  if (type === bson.date)
    return kind === 'timestamp' ? timestampText(bytes.readBigInt64LE(start)) : undefined;
  if (kind !== 'int' && kind !== 'decimal') return undefined;
  if (type === bson.int32) return String(bytes.readInt32LE(start));
  return type === bson.int64 ? String(bytes.readBigInt64LE(start)) : undefined;
}

/** The value of a text that keyText, the destination's largest value, or a user has written. Undefined: it is not one. */
export function keyValue(
  text: string,
  { type }: Pick<Column, 'type'>,
  isObjectId = false,
): BsonValue | undefined {
  if (text.startsWith(special)) return specialValue(text);
  if (isObjectId && /^[0-9a-f]{24}$/i.test(text)) return specialValue(`{"$oid":"${text}"}`);
  const writer = new BsonWriter(64);
  const start = writer.beginDocument();
  const refusal = isNumber(type.kind)
    ? writeExtended(writer, 'v', parseNumber(text))
    : encoderOf(type.kind === 'timestamp' ? { ...type, precision: 3 } : type)(
        writer,
        'v',
        plainOf(text, type),
      );
  if (refusal !== undefined) return undefined;
  writer.endDocument(start);
  return onlyValue(Buffer.from(writer.written));
}

/** Bytes are digits in an offset. */
function plainOf(text: string, { kind }: Column['type']): string | Buffer {
  return kind === 'bytes' && /^([0-9a-f]{2})*$/i.test(text) ? Buffer.from(text, 'hex') : text;
}

function isNumber(kind: string): boolean {
  return kind === 'int' || kind === 'decimal' || kind === 'float';
}

function parseNumber(text: string) {
  return /^-?(0|[1-9]\d*)(\.\d+)?([eE][+-]?\d+)?$/.test(text) ? parseJson(text) : text;
}

function specialValue(text: string): BsonValue | undefined {
  const writer = new BsonWriter(64);
  const start = writer.beginDocument();
  const json = parsed(text);
  const inner = json instanceof Map && json.has('$value') ? json.get('$value') : json;
  if (inner === undefined || writeExtended(writer, 'v', inner) !== undefined) return undefined;
  writer.endDocument(start);
  return onlyValue(Buffer.from(writer.written));
}

function parsed(text: string) {
  try {
    return parseJson(text);
  } catch {
    return undefined;
  }
}

/** As the driver takes it in a filter: classes of BSON types, so that no type changes. */
export function driverValue(value: BsonValue): unknown {
  const writer = new BsonWriter(64);
  const start = writer.beginDocument();
  writer.element('v', value);
  writer.endDocument(start);
  return BSON.deserialize(writer.written, { promoteValues: false, promoteBuffers: false, bsonRegExp: true })
    .v;
}
