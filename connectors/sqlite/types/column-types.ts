import type { ColumnType } from '../../../core/values.ts';
import { parseDeclared } from './type-name.ts';

/** How SQLite converts a value that is stored in a column: https://sqlite.org/datatype3.html#determination_of_column_affinity */
export type Affinity = 'INTEGER' | 'TEXT' | 'BLOB' | 'REAL' | 'NUMERIC';

export function affinityOf(declared: string): Affinity {
  const name = declared.toUpperCase();
  if (name.includes('INT')) return 'INTEGER';
  if (/CHAR|CLOB|TEXT/.test(name)) return 'TEXT';
  if (name.trim() === '' || name.includes('BLOB')) return 'BLOB';
  if (/REAL|FLOA|DOUB/.test(name)) return 'REAL';
  return 'NUMERIC';
}

/** Digits of a second if the declared type does not specify them. */
const defaultPrecision = 6;

/** `TIMESTAMP(3)`: type names that imply more than their affinity. */
const byName: Readonly<
  Record<string, (first: number | undefined, second: number | undefined) => ColumnType>
> = {
  BOOLEAN: () => ({ kind: 'boolean' }),
  BOOL: () => ({ kind: 'boolean' }),
  DATE: () => ({ kind: 'date' }),
  TIME: (digits) => ({ kind: 'time', precision: digits ?? defaultPrecision, hasZone: false }),
  TIMETZ: (digits) => ({ kind: 'time', precision: digits ?? defaultPrecision, hasZone: true }),
  DURATION: (digits) => ({
    kind: 'time',
    precision: digits ?? defaultPrecision,
    hasZone: false,
    isDuration: true,
  }),
  DATETIME: (digits) => ({ kind: 'timestamp', precision: digits ?? defaultPrecision, hasZone: false }),
  TIMESTAMP: (digits) => ({ kind: 'timestamp', precision: digits ?? defaultPrecision, hasZone: false }),
  TIMESTAMPTZ: (digits) => ({ kind: 'timestamp', precision: digits ?? defaultPrecision, hasZone: true }),
  'TIMESTAMP WITH TIME ZONE': (digits) => ({
    kind: 'timestamp',
    precision: digits ?? defaultPrecision,
    hasZone: true,
  }),
  INTERVAL: () => ({ kind: 'interval' }),
  UUID: () => ({ kind: 'uuid' }),
  JSON: () => ({ kind: 'json' }),
  JSON_TEXT: () => ({ kind: 'json' }),
  BIT_TEXT: (length) => ({ kind: 'bit', ...(length === undefined ? {} : { length }) }),
  VARBIT_TEXT: (length) => ({ kind: 'bit', isVarying: true, ...(length === undefined ? {} : { length }) }),
  BINARY: sizedBytes,
  VARBINARY: sizedBytes,
  DECIMAL_TEXT: decimal,
  DECIMAL: decimal,
  NUMERIC: decimal,
  DEC: decimal,
  MONEY: decimal,
  NUMBER: decimal,
  ANY: () => ({ kind: 'untyped' }),
};

/**
 * The canonical type of a declared type: by its name if that is known, otherwise by affinity. SQLite does not enforce it (except in
 * STRICT tables): a value of another kind is passed on as stored, and is handled by onError if the destination cannot keep it.
 */
export function typeOfDeclared(declared: string): ColumnType {
  const { name, first, second } = parseDeclared(declared);
  const named = byName[name];
  if (named) return named(first, second);
  switch (affinityOf(name)) {
    case 'INTEGER':
      return { kind: 'int', bits: 64 };
    case 'REAL':
      return { kind: 'float', bits: 64 };
    case 'TEXT':
      return { kind: 'text', ...(first === undefined ? {} : { maxLength: first }) };
    case 'BLOB':
      return name === '' ? { kind: 'untyped' } : sizedBytes(first);
    case 'NUMERIC':
      return { kind: 'untyped' };
  }
}

function sizedBytes(maxLength: number | undefined): ColumnType {
  return { kind: 'bytes', ...(maxLength === undefined ? {} : { maxLength }) };
}

function decimal(precision: number | undefined, scale: number | undefined): ColumnType {
  return { kind: 'decimal', ...(precision === undefined ? {} : { precision, scale: scale ?? 0 }) };
}
