import { typeUnreadable } from '../../sql/types/type-name.ts';
import type { Field } from '../connection/statements.ts';

/** What the catalogue says about the type of a column. */
export interface CataloguedType {
  /** Of the system type on which the column's type is based: `nvarchar`. */
  readonly base: string;
  /** Bytes; -1 for (max). */
  readonly maxLength: number;
  readonly precision: number;
  readonly scale: number;
}

/** How the parts of a type are written in a statement. Types that are in none of these lists have no values that Idra can move. */
const plain = new Set(
  'bit tinyint smallint int bigint real float money smallmoney date datetime smalldatetime uniqueidentifier xml text ntext image json hierarchyid geometry geography sql_variant'.split(
    ' ',
  ),
);
const scaled = new Set(['time', 'datetime2', 'datetimeoffset']);
const exact = new Set(['decimal', 'numeric']);
const bytes = new Set(['char', 'varchar', 'binary', 'varbinary']);
const units = new Set(['nchar', 'nvarchar']);

/** The type as it is written in a statement, from the parts and never from a text of the server. Throws TypeUnreadable. */
export function nativeOf(
  { base, maxLength, precision, scale }: CataloguedType,
  column: string,
  relation: string,
  path: string,
): string {
  const unreadable = () => typeUnreadable(column, relation, path);
  const whole = (value: number, most: number) => {
    if (!Number.isInteger(value) || value < 0 || value > most) throw unreadable();
    return value;
  };
  if (base === 'timestamp' || base === 'rowversion') return 'rowversion';
  if (plain.has(base)) return base;
  if (scaled.has(base)) return `${base}(${whole(scale, 7)})`;
  if (exact.has(base)) return `${base}(${whole(precision, 38)},${whole(scale, 38)})`;
  if (maxLength === -1 && (bytes.has(base) || units.has(base))) return `${base}(max)`;
  if (bytes.has(base)) return `${base}(${whole(maxLength, 8_000)})`;
  if (units.has(base)) return `${base}(${whole(maxLength / 2, 4_000)})`;
  // Types of assemblies, vectors, and what later versions add.
  if (/^[\w ]{1,128}$/.test(base)) return 'unknown';
  throw unreadable();
}

export interface TypeParts {
  /** Lower case: `nvarchar`. */
  readonly base: string;
  /** Undefined for (max), and without parentheses. */
  readonly numbers: readonly number[];
  readonly isMax: boolean;
}

export function partsOf(nativeType: string): TypeParts {
  const [, base = '', inner = ''] = /^(\w+)(?:\(([^)]*)\))?$/.exec(nativeType.trim()) ?? [];
  const isMax = inner.toLowerCase() === 'max';
  return {
    base: base.toLowerCase(),
    numbers: inner === '' || isMax ? [] : inner.split(',').map(Number),
    isMax,
  };
}

/** Names of the driver for types of a fixed size, which are the same with and without NULL. */
const ofDriver: Readonly<Record<string, string>> = {
  Bit: 'bit',
  BitN: 'bit',
  TinyInt: 'tinyint',
  SmallInt: 'smallint',
  Int: 'int',
  BigInt: 'bigint',
  Real: 'real',
  Float: 'float',
  Money: 'money',
  SmallMoney: 'smallmoney',
  DateTime: 'datetime',
  SmallDateTime: 'smalldatetime',
  Date: 'date',
  UniqueIdentifier: 'uniqueidentifier',
  Text: 'text',
  NText: 'ntext',
  Image: 'image',
  Xml: 'xml',
  Variant: 'sql_variant',
  Decimal: 'decimal',
  DecimalN: 'decimal',
  Numeric: 'numeric',
  NumericN: 'numeric',
  Time: 'time',
  DateTime2: 'datetime2',
  DateTimeOffset: 'datetimeoffset',
  Char: 'char',
  VarChar: 'varchar',
  Binary: 'binary',
  VarBinary: 'varbinary',
  NChar: 'nchar',
  NVarChar: 'nvarchar',
};

const bySize: Readonly<Record<string, Readonly<Record<number, string>>>> = {
  IntN: { 1: 'tinyint', 2: 'smallint', 4: 'int', 8: 'bigint' },
  FloatN: { 4: 'real', 8: 'float' },
  MoneyN: { 4: 'smallmoney', 8: 'money' },
  DateTimeN: { 4: 'smalldatetime', 8: 'datetime' },
};

const maxOfProtocol = 0xff_ff;

/** The type of a result's column, as the protocol describes it. */
export function typeOfField({ type, length = 0, precision = 0, scale = 0 }: Field): CataloguedType {
  return {
    base: bySize[type]?.[length] ?? ofDriver[type] ?? 'unknown',
    maxLength: length === maxOfProtocol ? -1 : length,
    precision,
    scale,
  };
}
