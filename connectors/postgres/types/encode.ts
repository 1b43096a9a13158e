import { canonicalCheck } from '../../../core/canonical-check.ts';
import type { Column, ColumnType, Value } from '../../../core/values.ts';
import { arrayJson } from '../../sql/types/array-json.ts';
import { delimiterOf } from './decode.ts';

/** A value that a column of PostgreSQL cannot store, detected before it is sent; the message does not contain the value. */
export class Misfit extends Error {
  readonly column: string;
  constructor(column: string, why: string) {
    super(why);
    this.column = column;
  }
}

export type Encode = (value: Exclude<Value, null>) => string;

/**
 * Converts a canonical value to the text that the input function of the target's type reads. `target` is undefined for a column created
 * by Idra.
 */
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
