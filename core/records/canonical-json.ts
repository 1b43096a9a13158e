import type { ColumnType, Value } from '../values.ts';
import { writeJson } from './json.ts';
import { parseJson } from './json-parser.ts';
import { Misfit } from './misfit.ts';
import { isoFromDate, isoFromTimestamp } from './time-text.ts';

export interface JsonOptions {
  /** Integers and decimals as texts, for readers that would round them. */
  readonly numbersAsText?: boolean;
  /** NULL as `null`; by default its field is left out. */
  readonly writesNull?: boolean;
}

/** A canonical value as JSON text, without loss (docs/columns.md): a misfit if JSON cannot keep it. */
export type JsonOf = (value: Value) => string | Misfit;

/** A row as the text of a JSON object on one line; a misfit is that of the first column that has one. */
export function rowWriter(
  columns: readonly { readonly name: string; readonly type: ColumnType }[],
  options: JsonOptions = {},
): (row: readonly Value[]) => string | ColumnMisfit {
  const fields = columns.map(({ name, type }) => ({
    name,
    start: `${JSON.stringify(name)}:`,
    write: jsonOf(type, options),
  }));
  return (row) => {
    let [line, index] = ['', 0];
    for (const { name, start, write } of fields) {
      const value = row[index++] ?? null;
      if (value === null && !options.writesNull) continue;
      const text = write(value);
      if (typeof text !== 'string') return { column: name, reason: text.reason };
      line += line === '' ? start + text : `,${start}${text}`;
    }
    return `{${line}}`;
  };
}

export interface ColumnMisfit {
  readonly column: string;
  readonly reason: string;
}

export function jsonOf(type: ColumnType, options: JsonOptions = {}): JsonOf {
  const write = nonNullJsonOf(type, options);
  return (value) => (value === null ? 'null' : write(value));
}

type Some = Exclude<Value, null>;

function nonNullJsonOf(type: ColumnType, options: JsonOptions): (value: Some) => string | Misfit {
  switch (type.kind) {
    case 'boolean':
      return (value) =>
        typeof value === 'boolean' ? String(value) : new Misfit('is neither true nor false');
    case 'int':
      return (value) => integerJson(value, options);
    case 'decimal':
      return (value) => numberJson(String(value), options);
    case 'float':
      return floatJson;
    case 'json':
      return (value) => embeddedJson(String(value));
    case 'bytes':
      return (value) =>
        value instanceof Uint8Array
          ? JSON.stringify(Buffer.from(value).toString('base64'))
          : new Misfit('is not bytes');
    case 'date':
      return (value) => textOr(isoFromDate(String(value)));
    case 'timestamp':
      return (value) => textOr(isoFromTimestamp(String(value)));
    case 'array':
      return arrayJson(type.of, options);
    case 'untyped':
      return (value) => untypedJson(value, options);
    default:
      return (value) =>
        value instanceof Uint8Array ? new Misfit('is not text') : JSON.stringify(String(value));
  }
}

const noNumber = new Misfit('is NaN or infinite, which JSON does not have');

function numberJson(text: string, { numbersAsText }: JsonOptions): string | Misfit {
  if (!/^-?\d+(\.\d+)?$/.test(text))
    return /^-?(NaN|Infinity)$/.test(text) ? noNumber : new Misfit('is not a number');
  return numbersAsText ? `"${text}"` : text;
}

function integerJson(value: Some, options: JsonOptions): string | Misfit {
  const isInteger = typeof value === 'bigint' || Number.isSafeInteger(value);
  if (isInteger && !options.numbersAsText) return String(value);
  const text = String(value);
  return text.includes('.') ? new Misfit('is not a whole number') : numberJson(text, options);
}

function floatJson(value: Some): string | Misfit {
  if (typeof value !== 'number') return new Misfit('is not a number');
  if (!Number.isFinite(value)) return noNumber;
  return Object.is(value, -0) ? '-0' : String(value);
}

/** As it is, if it is one line of valid JSON: readers of lines end a record at each line break. */
function embeddedJson(text: string): string | Misfit {
  try {
    const hasSpace = /[\r\n]/.test(text);
    if (hasSpace) return writeJson(parseJson(text));
    JSON.parse(text);
    return text;
  } catch {
    return new Misfit('is not valid JSON');
  }
}

function textOr(text: string | undefined): string | Misfit {
  return text === undefined
    ? new Misfit('is infinite or outside of the years 1 to 9999, which ISO 8601 does not have')
    : JSON.stringify(text);
}

function arrayJson(of: ColumnType, options: JsonOptions): (value: Some) => string | Misfit {
  const nested = nonNullJsonOf(of, options);
  // PostgreSQL's arrays may have more dimensions than their type shows.
  const write = (value: Value): string | Misfit => {
    if (value === null) return 'null';
    if (!Array.isArray(value)) return nested(value);
    const items: string[] = [];
    for (const item of value as readonly Value[]) {
      const text = write(item);
      if (text instanceof Misfit) return new Misfit(`has an element that ${text.reason}`);
      items.push(text);
    }
    return `[${items.join(',')}]`;
  };
  return write;
}

function untypedJson(value: Some, options: JsonOptions): string | Misfit {
  if (typeof value === 'bigint') return numberJson(String(value), options);
  if (typeof value === 'number') return floatJson(value);
  if (value instanceof Uint8Array) return JSON.stringify(Buffer.from(value).toString('base64'));
  return JSON.stringify(String(value));
}
