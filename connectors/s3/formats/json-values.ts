import { converterOf } from '../../../core/records/convert.ts';
import { jsonAccess } from '../../../core/records/json.ts';
import { JsonNumber, type JsonValue } from '../../../core/records/json-parser.ts';
import { Misfit } from '../../../core/records/misfit.ts';
import type { ColumnType, Value } from '../../../core/values.ts';

/** A position within a line of a buffer that is UTF-8. The line break ends every loop. */
export interface JsonCursor {
  buffer: Buffer;
  /** The bytes of the buffer as characters: where they are ASCII, its text. */
  text: string;
  at: number;
}

/** The value that begins at the cursor, for a column of one type; moves behind it. Undefined: leave the line to the parser of core/records. */
export type ReadValue = (cursor: JsonCursor) => Value | undefined;

const [quote, backslash, lineBreak] = [0x22, 0x5c, 0x0a];
const exactDigits = 15;

export function valueReader(type: ColumnType): ReadValue {
  const convert = converterOf<JsonValue>(type, jsonAccess);
  const converted = (value: JsonValue): Value | undefined => {
    const result = convert(value);
    return result instanceof Misfit ? undefined : result;
  };
  const isBoolean = type.kind === 'boolean';
  const readText = textReader(type, converted);
  const readNumber = numberReader(type, converted);
  return (cursor) => {
    switch (cursor.buffer[cursor.at]) {
      case quote:
        return readText(cursor);
      case 0x74:
        return skipsWord(cursor, 'true') ? (isBoolean ? true : converted(true)) : undefined;
      case 0x66:
        return skipsWord(cursor, 'false') ? (isBoolean ? false : converted(false)) : undefined;
      case 0x6e:
        return skipsWord(cursor, 'null') ? null : undefined;
      case 0x7b:
      case 0x5b:
        return type.kind === 'json' ? nestedText(cursor) : undefined;
      default:
        return readNumber(cursor);
    }
  };
}

/** Of a field without a column. What is passed over must be valid too. */
export const skipValue: ReadValue = (cursor) => {
  switch (cursor.buffer[cursor.at]) {
    case quote:
      return textAt(cursor) === undefined ? undefined : null;
    case 0x74:
      return skipsWord(cursor, 'true') ? null : undefined;
    case 0x66:
      return skipsWord(cursor, 'false') ? null : undefined;
    case 0x6e:
      return skipsWord(cursor, 'null') ? null : undefined;
    case 0x7b:
    case 0x5b:
      return nestedText(cursor) === undefined ? undefined : null;
    default:
      return numberAt(cursor) ? null : undefined;
  }
};

function skipsWord(cursor: JsonCursor, word: string): boolean {
  for (let index = 1; index < word.length; index++)
    if (cursor.buffer[cursor.at + index] !== word.charCodeAt(index)) return false;
  cursor.at += word.length;
  return true;
}

/** A text; undefined for one that is not valid. Moves behind it. */
function textAt(cursor: JsonCursor): string | undefined {
  const { buffer } = cursor;
  const start = cursor.at + 1;
  let seen = 0;
  for (let at = start; ; at++) {
    const byte = buffer[at] as number;
    if (byte === quote) {
      cursor.at = at + 1;
      return seen < 0x80 ? cursor.text.substring(start, at) : buffer.toString('utf8', start, at);
    }
    if (byte === backslash) return escapedText(cursor, at);
    if (byte < 0x20) return undefined;
    seen |= byte;
  }
}

/** `from`: the first backslash. */
function escapedText(cursor: JsonCursor, from: number): string | undefined {
  const { buffer } = cursor;
  for (let at = from; buffer[at] !== lineBreak; at++) {
    const byte = buffer[at];
    if (byte === backslash && buffer[at + 1] !== lineBreak) at += 1;
    else if (byte === quote) {
      const text = buffer.toString('utf8', cursor.at, at + 1);
      cursor.at = at + 1;
      try {
        const value = JSON.parse(text) as string;
        // Half of a surrogate pair is a misfit, which is named elsewhere.
        return value.isWellFormed() ? value : undefined;
      } catch {
        return undefined;
      }
    }
  }
  return undefined;
}

type Converted = (value: JsonValue) => Value | undefined;

function textReader(type: ColumnType, converted: Converted): ReadValue {
  if (type.kind === 'text' && type.maxLength === undefined) return textAt;
  if (type.kind === 'timestamp') return timestampReader(type, converted);
  return (cursor) => {
    const text = textAt(cursor);
    return text === undefined ? undefined : converted(text);
  };
}

/** Days of the last timestamps, which are often the same: as they are in the line, and as canonical text with the space behind it. */
const lastDay = { bytes: Buffer.alloc(11), text: '' };

/** The usual form needs no arithmetic: a day that every month has, and no other zone than UTC. */
function timestampReader(
  { precision, hasZone }: Extract<ColumnType, { kind: 'timestamp' }>,
  converted: Converted,
): ReadValue {
  const longest = 19 + (precision > 0 ? 1 + precision : 0);
  return (cursor) => {
    const { buffer, at } = cursor;
    const end = usualStampEnd(buffer, at + 1, longest);
    const behind = end > 0 && hasZone ? end + 1 : end;
    if (end > 0 && buffer[behind] === quote && (!hasZone || buffer[end] === 0x5a)) {
      cursor.at = behind + 1;
      return dayAt(cursor.text, buffer, at + 1) + cursor.text.substring(at + 12, behind);
    }
    const text = textAt(cursor);
    return text === undefined ? undefined : converted(text);
  };
}

function dayAt(text: string, buffer: Buffer, start: number): string {
  for (let index = 0; index < 10; index++) {
    if (buffer[start + index] === lastDay.bytes[index]) continue;
    buffer.copy(lastDay.bytes, 0, start, start + 10);
    lastDay.text = `${text.substring(start, start + 10)} `;
    break;
  }
  return lastDay.text;
}

/** Index behind the seconds and their fraction; -1: not of this form, or more digits than fit. */
function usualStampEnd(buffer: Buffer, start: number, longest: number): number {
  if (buffer[start + 4] !== 0x2d || buffer[start + 7] !== 0x2d || buffer[start + 10] !== 0x54) return -1;
  if (buffer[start + 13] !== 0x3a || buffer[start + 16] !== 0x3a) return -1;
  const year = twoDigits(buffer, start) * 100 + twoDigits(buffer, start + 2);
  const month = twoDigits(buffer, start + 5);
  const day = twoDigits(buffer, start + 8);
  if (!(year >= 1 && month >= 1 && month <= 12 && day >= 1 && day <= 28)) return -1;
  const isClock =
    twoDigits(buffer, start + 11) < 24 &&
    twoDigits(buffer, start + 14) < 60 &&
    twoDigits(buffer, start + 17) < 60;
  if (!isClock) return -1;
  let end = start + 19;
  if (buffer[end] === 0x2e) {
    end += 1;
    while (isDigit(buffer[end] as number)) end += 1;
    if (end === start + 20) return -1;
  }
  return end - start <= longest ? end : -1;
}

/** NaN if they are not digits. */
function twoDigits(buffer: Buffer, at: number): number {
  const tens = buffer[at] as number;
  const ones = buffer[at + 1] as number;
  return isDigit(tens) && isDigit(ones) ? tens * 10 + ones - 528 : Number.NaN;
}

interface NumberPlace {
  start: number;
  end: number;
  wholeDigits: number;
  fractionDigits: number;
}
/** Of the last number: an object for each would cost more than reading it. */
const place: NumberPlace = { start: 0, end: 0, wholeDigits: 0, fractionDigits: 0 };

/** Sets `place` and moves behind the number; false: it is none, or has an exponent, which is rare. */
function numberAt(cursor: JsonCursor): boolean {
  const { buffer } = cursor;
  const start = cursor.at;
  let at = buffer[start] === 0x2d ? start + 1 : start;
  const whole = at;
  while (isDigit(buffer[at] as number)) at += 1;
  const wholeDigits = at - whole;
  if (wholeDigits === 0 || (wholeDigits > 1 && buffer[whole] === 0x30)) return false;
  let fractionDigits = 0;
  if (buffer[at] === 0x2e) {
    const point = ++at;
    while (isDigit(buffer[at] as number)) at += 1;
    fractionDigits = at - point;
    if (fractionDigits === 0) return false;
  }
  if (buffer[at] === 0x65 || buffer[at] === 0x45) return false;
  cursor.at = at;
  place.start = start;
  place.end = at;
  place.wholeDigits = wholeDigits;
  place.fractionDigits = fractionDigits;
  return true;
}

function isDigit(code: number): boolean {
  return code >= 0x30 && code <= 0x39;
}

function numberReader(type: ColumnType, converted: Converted): ReadValue {
  const read = fastNumber(type);
  return (cursor) => {
    if (!numberAt(cursor)) return undefined;
    const value = read?.(cursor);
    if (value !== undefined) return value;
    const text = textOfPlace(cursor);
    const isSmall = place.fractionDigits === 0 && place.wholeDigits < exactDigits && text !== '-0';
    return converted(isSmall ? Number(text) : new JsonNumber(text));
  };
}

function textOfPlace({ text }: JsonCursor): string {
  return text.substring(place.start, place.end);
}

/** The number at `place`; undefined: the general way. */
function fastNumber(type: ColumnType): ((cursor: JsonCursor) => Value | undefined) | undefined {
  switch (type.kind) {
    case 'int':
      if (type.isUnsigned || type.bits < 32) return undefined;
      return type.bits === 64 ? longAt : intAt;
    case 'float':
      return type.bits === 64 ? floatAt : undefined;
    case 'decimal': {
      const { precision, scale = 0, isUnsigned } = type;
      if (isUnsigned) return undefined;
      const mostWhole = precision === undefined ? Number.POSITIVE_INFINITY : precision - scale;
      const mostFraction = precision === undefined ? Number.POSITIVE_INFINITY : scale;
      return (cursor) => {
        if (place.wholeDigits > mostWhole || place.fractionDigits > mostFraction) return undefined;
        const { buffer } = cursor;
        // It may be minus zero.
        if (buffer[place.start] === 0x2d && buffer[place.start + 1] === 0x30) return undefined;
        return textOfPlace(cursor);
      };
    }
    default:
      return undefined;
  }
}

function longAt({ buffer }: JsonCursor): Value | undefined {
  const isShort = place.fractionDigits === 0 && place.wholeDigits <= exactDigits;
  return isShort ? BigInt(wholeNumber(buffer)) : undefined;
}

function intAt({ buffer }: JsonCursor): Value | undefined {
  const isShort = place.fractionDigits === 0 && place.wholeDigits <= 9;
  // Minus zero becomes zero.
  return isShort ? wholeNumber(buffer) + 0 : undefined;
}

/** A float keeps up to 15 digits, and more if it is written with just these. */
function floatAt(cursor: JsonCursor): Value | undefined {
  const text = textOfPlace(cursor);
  const float = Number(text);
  const isKept = place.wholeDigits + place.fractionDigits <= exactDigits || String(float) === text;
  return isKept ? float : undefined;
}

function wholeNumber(buffer: Buffer): number {
  const isNegative = buffer[place.start] === 0x2d;
  let value = 0;
  for (let at = isNegative ? place.start + 1 : place.start; at < place.end; at++)
    value = value * 10 + (buffer[at] as number) - 0x30;
  return isNegative ? -value : value;
}

const maxDepth = 200;

/**
 * An object or array as its text, if that is canonical already: no space outside of texts, no escapes, no field twice. The parser of the
 * runtime checks the rest.
 */
function nestedText(cursor: JsonCursor): string | undefined {
  const { buffer } = cursor;
  const start = cursor.at;
  let depth = 0;
  let fields = 0;
  for (let at = start; ; at++) {
    const byte = buffer[at] as number;
    if (byte === quote) {
      at = endOfText(buffer, at + 1);
      if (at < 0) return undefined;
    } else if (byte === 0x7b || byte === 0x5b) {
      depth += 1;
      if (depth > maxDepth - 2) return undefined;
    } else if (byte === 0x7d || byte === 0x5d) {
      depth -= 1;
      if (depth === 0) {
        cursor.at = at + 1;
        return checkedText(buffer.toString('utf8', start, at + 1), fields);
      }
    } else if (byte === 0x3a) fields += 1;
    // Space, and exponents, which core/records may refuse.
    else if (byte <= 0x20 || byte === 0x45 || (byte === 0x65 && isDigit(buffer[at - 1] as number)))
      return undefined;
  }
}

/** -1: it has an escape, or no end. */
function endOfText(buffer: Buffer, from: number): number {
  for (let at = from; ; at++) {
    const byte = buffer[at] as number;
    if (byte === quote) return at;
    if (byte === backslash || byte < 0x20) return -1;
  }
}

function checkedText(text: string, fields: number): string | undefined {
  try {
    return countFields(JSON.parse(text)) === fields ? text : undefined;
  } catch {
    return undefined;
  }
}

function countFields(value: unknown): number {
  if (typeof value !== 'object' || value === null) return 0;
  const items = Object.values(value);
  let count = Array.isArray(value) ? 0 : items.length;
  for (const item of items) count += countFields(item);
  return count;
}
