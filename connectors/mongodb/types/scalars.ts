import { isUtf8 } from 'node:buffer';
import { Decimal128 } from 'mongodb';
import type { BsonValue } from './format.ts';

/** Subtypes of binary data. */
export const uuidSubtype = 4;
export const plainSubtype = 0;
export const oldPlainSubtype = 2;

const replacement = '\ufffd';

/** Bytes that are not UTF-8 would be replaced silently: such a text has no canonical value. */
export function textOf({ bytes, start, end }: BsonValue): string | undefined {
  const text = bytes.toString('utf8', start + 4, end - 1);
  return text.includes(replacement) && !isUtf8(bytes.subarray(start + 4, end - 1)) ? undefined : text;
}

/** The old kind of plain data repeats its length. */
export function binaryOf({ bytes, start, end }: BsonValue): {
  readonly subtype: number;
  readonly data: Buffer;
} {
  const subtype = bytes[start + 4] ?? 0;
  const data = bytes.subarray(start + 5, end);
  return { subtype, data: subtype === oldPlainSubtype && data.length >= 4 ? data.subarray(4) : data };
}

export function uuidText(data: Buffer): string {
  return data.toString('hex').replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, '$1-$2-$3-$4-$5');
}

/** Digits as they are: `1.10` keeps its zero. Exponents stay. */
export function decimalText(bytes: Buffer): string {
  return new Decimal128(new Uint8Array(bytes)).toString().replace('E', 'e');
}
