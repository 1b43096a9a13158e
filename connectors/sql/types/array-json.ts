import type { ColumnType, Value } from '../../../core/values.ts';

/** An array for a system without arrays: numbers as digits, bytes as hexadecimal text, NaN and infinities as text. */
export function arrayJson(items: readonly Value[], of: ColumnType): string {
  return `[${items.map((item) => itemJson(item, of)).join(',')}]`;
}

function itemJson(item: Value, of: ColumnType): string {
  if (item === null) return 'null';
  if (Array.isArray(item)) return arrayJson(item, of);
  if (item instanceof Uint8Array) return JSON.stringify(Buffer.from(item).toString('hex'));
  if (typeof item === 'string') return isJsonAlready(item, of) ? item : JSON.stringify(item);
  if (typeof item === 'number' && !Number.isFinite(item)) return JSON.stringify(String(item));
  return Object.is(item, -0) ? '-0.0' : String(item);
}

function isJsonAlready(text: string, of: ColumnType): boolean {
  return of.kind === 'json' || (of.kind === 'decimal' && /^-?\d/.test(text));
}
