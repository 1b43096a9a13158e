import type { Column, ColumnType, Value } from '../../../core/values.ts';
import { arrayJson } from '../../sql/types/array-json.ts';
import { canonicalCheck } from '../../sql/types/canonical-check.ts';

/** PostgreSQL's text of a value, as this connector's sessions are set, to the canonical value; undefined: they are the same. */
export type Decode = ((text: string) => Value) | undefined;

export function decoderOf(type: ColumnType): Decode {
  switch (type.kind) {
    case 'boolean':
      return (text) => text === 't';
    case 'int':
      return type.bits === 64 ? BigInt : Number;
    case 'float':
      return Number;
    case 'bytes':
      return (text) => Buffer.from(text.slice(2), 'hex');
    case 'timestamp':
      return type.hasZone ? canonicalInstant : undefined;
    case 'array': {
      const decode = decoderOf(type.of);
      const delimiter = delimiterOf(type.of);
      return (text) => parseArray(text, decode, delimiter);
    }
    default:
      return undefined;
  }
}

/** Between the items of an array; box is the one built-in type with another than the comma. */
function delimiterOf(element: ColumnType): string {
  return element.kind === 'other' && element.name === 'box' ? ';' : ',';
}

/** The session's TimeZone is UTC. */
function canonicalInstant(text: string): string {
  return text.replace('+00', 'Z');
}

/** `{1,NULL,"a b"}`; lower bounds (`[0:1]={..}`) are left out: canonical arrays begin where JavaScript's do. */
function parseArray(text: string, decode: Decode, delimiter: string): Value[] {
  let at = text.startsWith('[') ? text.indexOf('{') : 0;
  const parseItems = (): Value[] => {
    const items: Value[] = [];
    at++;
    while (at < text.length && text[at] !== '}') {
      items.push(parseItem());
      if (text[at] === delimiter) at++;
    }
    at++;
    return items;
  };
  const parseItem = (): Value => {
    if (text[at] === '{') return parseItems();
    if (text[at] === '"') {
      const quoted = readQuoted();
      return decode ? decode(quoted) : quoted;
    }
    const start = at;
    while (text[at] !== delimiter && text[at] !== '}') at++;
    const item = text.slice(start, at);
    if (item === 'NULL') return null;
    return decode ? decode(item) : item;
  };
  const readQuoted = (): string => {
    let item = '';
    for (at++; text[at] !== '"'; at++) {
      if (text[at] === '\\') at++;
      item += text[at];
    }
    at++;
    return item;
  };
  return parseItems();
}

/** A value that a column of PostgreSQL cannot keep, found before it is sent; told without the value. */
export class Misfit extends Error {
  readonly column: string;
  constructor(column: string, why: string) {
    super(why);
    this.column = column;
  }
}

export type Encode = (value: Exclude<Value, null>) => string;

/** Canonical value to the text that the input function of the target's type reads. `target` undefined: a column that was created. */
export function encoderOf(source: ColumnType, target: Pick<Column, 'name' | 'nativeType'>): Encode {
  const isText = isTextType(target.nativeType);
  if (source.kind === 'array') {
    const { of } = source;
    if (target.nativeType.endsWith('[]')) {
      const delimiter = delimiterOf(of);
      return (value) => (Array.isArray(value) ? arrayText(value, delimiter) : scalarText(value, false));
    }
    return (value) => (Array.isArray(value) ? arrayJson(value, of) : scalarText(value, isText));
  }
  if (!isText) {
    const check = canonicalCheck(source);
    if (!check) return (value) => scalarText(value, false);
    return (value) => {
      const why = check(value);
      if (why !== undefined) throw new Misfit(target.name, why);
      return scalarText(value, false);
    };
  }
  return (value) => {
    if (Buffer.isBuffer(value)) throw new Misfit(target.name, 'a blob is not text');
    const text = scalarText(value, true);
    if (text.includes('\0')) throw new Misfit(target.name, 'no text of PostgreSQL has the character NUL');
    return text;
  };
}

function isTextType(nativeType: string): boolean {
  return /^(text|character|bpchar|varchar|name)/.test(nativeType) && !nativeType.endsWith('[]');
}

function scalarText(value: Value, isText: boolean): string {
  switch (typeof value) {
    case 'string':
      return value;
    case 'number':
      return Object.is(value, -0) ? '-0' : String(value);
    case 'boolean':
      return isText ? String(value) : value ? 't' : 'f';
    case 'bigint':
      return String(value);
    default:
      return Buffer.isBuffer(value)
        ? `\\x${value.toString('hex')}`
        : Array.isArray(value)
          ? arrayText(value)
          : '';
  }
}

function arrayText(items: readonly Value[], delimiter = ','): string {
  const texts = items.map((item) => {
    if (item === null) return 'NULL';
    if (Array.isArray(item)) return arrayText(item, delimiter);
    const text = scalarText(item, false);
    return `"${text.replaceAll(/["\\]/g, String.raw`\$&`)}"`;
  });
  return `{${texts.join(delimiter)}}`;
}
