import type { ColumnType, Value } from '../values.ts';
import { Misfit } from './misfit.ts';
import type { NodeAccess, NodeValue } from './node.ts';
import { decimalOf, floatOf, intOf } from './numbers.ts';
import {
  dateFromIso,
  fitPrecision,
  isoFromTimestamp,
  type TimeText,
  timeFromIso,
  timestampFromIso,
} from './time-text.ts';

/** A node as the canonical value of a column. Null stays null. A value that would change is a misfit, never an approximation. */
export type Converter<N> = (node: N) => Value | Misfit;

type ScalarConverter = (value: NodeValue) => Value | Misfit;

/**
 * Texts are converted where their form leaves no doubt, because JSON has neither decimals as such, nor times, UUIDs and bytes: `"12.50"` for a
 * decimal column, ISO 8601 for times, base64 for bytes. In the other direction a text column accepts every scalar, as its text.
 */
export function converterOf<N>(type: ColumnType, access: NodeAccess<N>): Converter<N> {
  switch (type.kind) {
    case 'json':
      return (node) => {
        if (access.read(node).kind === 'null') return null;
        return access.json(node) ?? new Misfit('is, or contains, a value that JSON cannot keep');
      };
    case 'array':
      return arrayConverter(type.of, access);
    default: {
      const convert = scalarConverter(type);
      return (node) => {
        const value = access.read(node);
        return value.kind === 'null' ? null : convert(value);
      };
    }
  }
}

function arrayConverter<N>(of: ColumnType, access: NodeAccess<N>): Converter<N> {
  const convert = converterOf(of, access);
  return (node) => {
    const { kind } = access.read(node);
    if (kind === 'null') return null;
    if (kind !== 'array') return wrongKind(kind, 'an array');
    const items: Value[] = [];
    for (const item of access.items(node)) {
      const value = convert(item);
      if (value instanceof Misfit) return new Misfit(`has an element that ${value.reason}`);
      items.push(value);
    }
    return items;
  };
}

function scalarConverter(type: ColumnType): ScalarConverter {
  switch (type.kind) {
    case 'boolean':
      return booleanOf;
    case 'int':
      return intOf(type);
    case 'float':
      return floatOf(type);
    case 'decimal':
      return decimalOf(type);
    case 'text':
      return textOf(type);
    case 'bytes':
      return bytesOf(type);
    case 'uuid':
      return uuidOf;
    case 'date':
      return (value) => {
        if (value.kind === 'date') return value.text;
        return value.kind === 'text' ? fromIso(dateFromIso(value.text)) : wrongKind(value.kind, 'a date');
      };
    case 'time':
    case 'timestamp':
      return timeOf(type);
    case 'enum':
      return (value) =>
        value.kind === 'text' && type.values.includes(value.text)
          ? value.text
          : new Misfit('is none of the values of its type');
    case 'interval':
      return matching(
        // Each part of PostgreSQL's intervals has a sign of its own.
        /^-?P(?=.)(-?\d+Y)?(-?\d+M)?(-?\d+W)?(-?\d+D)?(T(?=.)(-?\d+H)?(-?\d+M)?(-?\d+(\.\d+)?S)?)?$/,
        'an interval like P1DT2H',
      );
    case 'bit':
      return bitOf(type);
    default:
      return () => new Misfit('has a type that records do not have');
  }
}

function booleanOf(value: NodeValue): Value | Misfit {
  if (value.kind === 'boolean') return value.value;
  if (value.kind === 'text' && (value.text === 'true' || value.text === 'false'))
    return value.text === 'true';
  return wrongKind(value.kind, 'true or false');
}

function uuidOf(value: NodeValue): Value | Misfit {
  const isText = value.kind === 'uuid' || value.kind === 'text';
  if (isText && /^[\da-f]{8}(-[\da-f]{4}){3}-[\da-f]{12}$/i.test(value.text)) return value.text.toLowerCase();
  return wrongKind(value.kind, 'a UUID');
}

function textOf({ maxLength }: Extract<ColumnType, { kind: 'text' }>): ScalarConverter {
  return (value) => {
    const text = plainText(value);
    // JSON may write half of one as an escape, and no other system could store it.
    if (value.kind === 'text' && !value.text.isWellFormed()) return halfCharacter;
    if (text instanceof Misfit || maxLength === undefined || text.length <= maxLength) return text;
    return [...text].length <= maxLength ? text : new Misfit(`is longer than ${maxLength} characters`);
  };
}

const halfCharacter = new Misfit('has half of a surrogate pair, which is no character');

/** A scalar as text: numbers as they were written, times in ISO 8601, bytes as base64. */
function plainText(value: NodeValue): string | Misfit {
  switch (value.kind) {
    case 'text':
    case 'uuid':
    case 'decimal':
    case 'date':
    case 'time':
      return value.text;
    case 'timestamp':
      return isoFromTimestamp(value.text) ?? value.text;
    case 'int':
    case 'boolean':
      return String(value.value);
    case 'float':
      return Object.is(value.value, -0) ? '-0' : String(value.value);
    case 'bytes':
      return value.bytes.toString('base64');
    case 'other':
      return value.text ?? wrongKind(value.name, 'a text');
    default:
      return wrongKind(value.kind, 'a text');
  }
}

function bytesOf({ maxLength, isFixed }: Extract<ColumnType, { kind: 'bytes' }>): ScalarConverter {
  return (value) => {
    const bytes =
      value.kind === 'bytes' ? value.bytes : value.kind === 'text' ? fromBase64(value.text) : undefined;
    if (bytes === undefined) return wrongKind(value.kind, 'bytes in base64');
    if (maxLength === undefined || (isFixed ? bytes.length === maxLength : bytes.length <= maxLength))
      return bytes;
    return new Misfit(`does not have ${isFixed ? '' : 'at most '}${maxLength} bytes`);
  };
}

function fromBase64(text: string): Buffer | undefined {
  const bytes = Buffer.from(text, 'base64');
  return bytes.toString('base64') === text ? bytes : undefined;
}

function timeOf(type: Extract<ColumnType, { kind: 'time' | 'timestamp' }>): ScalarConverter {
  const parse = type.kind === 'time' ? timeFromIso : timestampFromIso;
  return (value) => {
    if (value.kind === 'text') return fromIso(parse(value.text, type));
    if (value.kind !== type.kind) return wrongKind(value.kind, `a ${type.kind}`);
    if (value.hasZone !== type.hasZone)
      return new Misfit(value.hasZone ? 'has a time zone' : 'has no time zone');
    return fromIso(fitPrecision(value.text, type));
  };
}

function fromIso(result: TimeText): string | Misfit {
  return 'text' in result ? result.text : new Misfit(result.reason);
}

function bitOf({ length, isVarying }: Extract<ColumnType, { kind: 'bit' }>): ScalarConverter {
  const digits = matching(/^[01]*$/, 'bits like 0110');
  return (value) => {
    const bits = digits(value);
    if (typeof bits !== 'string' || length === undefined) return bits;
    return (isVarying ? bits.length <= length : bits.length === length)
      ? bits
      : new Misfit(`does not have ${isVarying ? 'at most ' : ''}${length} bits`);
  };
}

function matching(pattern: RegExp, what: string): ScalarConverter {
  return (value) =>
    value.kind === 'text' && pattern.test(value.text) ? value.text : wrongKind(value.kind, what);
}

function wrongKind(kind: string, wanted: string): Misfit {
  return new Misfit(`is of type ${kind}, and not ${wanted}`);
}
