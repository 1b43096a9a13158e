import type { ColumnType } from '../../../core/values.ts';
import { quoteDouble } from '../../sql/names.ts';

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

/** Words and lengths; only words that occur in types, so that none can end the type and begin something else. */
const plainType = /^[a-z]\w*( [a-z]\w*)*( ?\([+-]?\d{1,10}(, ?[+-]?\d{1,10})?\))?$/i;
const typeWords = new Set(
  `INT INTEGER INT2 INT4 INT8 TINYINT SMALLINT MEDIUMINT BIGINT BIG UNSIGNED SIGNED LONG SERIAL
   CHAR CHARACTER VARCHAR VARYING NCHAR NVARCHAR NATIVE STRING TEXT TINYTEXT MEDIUMTEXT LONGTEXT CLOB
   BLOB TINYBLOB MEDIUMBLOB LONGBLOB BINARY VARBINARY BYTEA REAL FLOAT FLOAT4 FLOAT8 DOUBLE PRECISION
   NUMERIC DECIMAL DEC NUMBER MONEY DECIMAL_TEXT BOOLEAN BOOL BIT BIT_TEXT VARBIT_TEXT
   DATE DATETIME TIME TIMETZ TIMESTAMP TIMESTAMPTZ DURATION INTERVAL WITH WITHOUT ZONE UUID JSON JSONB JSON_TEXT XML ANY`
    .trim()
    .split(/\s+/),
);

/**
 * A declared type as SQL. SQLite accepts a type in quotation marks, reports it without them, and keeps any contents. So a type that is
 * not plain is quoted, and has the same meaning.
 */
export function typeDdl(declared: string): string {
  if (declared === '') return '';
  const words = declared
    .toUpperCase()
    .replace(/ ?\(.*$/s, '')
    .split(' ');
  const isPlain = plainType.test(declared) && words.every((word) => typeWords.has(word));
  return isPlain ? declared : quoteDouble(declared);
}

/** Only this exact name makes a single primary key column an alias of the rowid. */
export function isRowidType(declared: string): boolean {
  return declared.trim().toUpperCase() === 'INTEGER';
}

function parseDeclared(declared: string): {
  name: string;
  first: number | undefined;
  second: number | undefined;
} {
  const match = /^([^(]*)(?:\(\s*(\d+)\s*(?:,\s*(\d+)\s*)?\))?(.*)$/s.exec(declared.trim().toUpperCase());
  const name = `${match?.[1]?.trim() ?? ''} ${match?.[4]?.trim() ?? ''}`.trim().replace(/\s+/g, ' ');
  return { name, first: toNumber(match?.[2]), second: toNumber(match?.[3]) };
}

function toNumber(digits: string | undefined): number | undefined {
  return digits === undefined ? undefined : Number(digits);
}

function sizedBytes(maxLength: number | undefined): ColumnType {
  return { kind: 'bytes', ...(maxLength === undefined ? {} : { maxLength }) };
}

function decimal(precision: number | undefined, scale: number | undefined): ColumnType {
  return { kind: 'decimal', ...(precision === undefined ? {} : { precision, scale: scale ?? 0 }) };
}
