import type { ColumnType } from '../../../core/values.ts';
import { partsOf } from './type-name.ts';

/** The canonical type of a native type, whose name nativeOf has written. */
export function toColumnType(nativeType: string): ColumnType {
  const { base, numbers } = partsOf(nativeType);
  const [first, second = 0] = numbers;
  const length = first === undefined ? {} : { maxLength: first };
  switch (base) {
    case 'bit':
      return { kind: 'boolean' };
    case 'tinyint':
      return { kind: 'int', bits: 8, isUnsigned: true };
    case 'smallint':
      return { kind: 'int', bits: 16 };
    case 'int':
      return { kind: 'int', bits: 32 };
    case 'bigint':
      return { kind: 'int', bits: 64 };
    case 'real':
      return { kind: 'float', bits: 32 };
    case 'float':
      return { kind: 'float', bits: 64 };
    case 'decimal':
    case 'numeric':
      return { kind: 'decimal', precision: first ?? 18, scale: second };
    case 'money':
      return { kind: 'decimal', precision: 19, scale: 4 };
    case 'smallmoney':
      return { kind: 'decimal', precision: 10, scale: 4 };
    case 'char':
    case 'nchar':
      return { kind: 'text', ...length, isFixed: true };
    case 'varchar':
    case 'nvarchar':
      return { kind: 'text', ...length };
    case 'text':
    case 'ntext':
      return { kind: 'text' };
    case 'binary':
      return { kind: 'bytes', ...length, isFixed: true };
    case 'varbinary':
      return { kind: 'bytes', ...length };
    case 'image':
      return { kind: 'bytes' };
    case 'rowversion':
      return { kind: 'bytes', maxLength: 8, isFixed: true };
    case 'json':
      return { kind: 'json' };
    default:
      return timeType(base, first) ?? otherType(base);
  }
}

function timeType(base: string, digits: number | undefined): ColumnType | undefined {
  switch (base) {
    case 'date':
      return { kind: 'date' };
    case 'time':
      return { kind: 'time', precision: digits ?? 7, hasZone: false };
    case 'datetime':
      return { kind: 'timestamp', precision: 3, hasZone: false };
    case 'smalldatetime':
      return { kind: 'timestamp', precision: 0, hasZone: false };
    case 'datetime2':
      return { kind: 'timestamp', precision: digits ?? 7, hasZone: false };
    case 'datetimeoffset':
      return { kind: 'timestamp', precision: digits ?? 7, hasZone: true };
    default:
      return undefined;
  }
}

function otherType(base: string): ColumnType {
  return base === 'uniqueidentifier' ? { kind: 'uuid' } : { kind: 'other', system: 'sqlserver', name: base };
}

/** Why no text keeps the values of a type; undefined if it can be read. */
export function readRefusal(nativeType: string): string | undefined {
  switch (partsOf(nativeType).base) {
    case 'sql_variant':
      return 'each value has a type of its own, which a text does not keep';
    case 'unknown':
      return 'its type is one of an assembly, or not known to Idra';
    default:
      return undefined;
  }
}

/** The rule by which different values of a column are equal (core/values.ts). */
export function equalityOf(type: ColumnType, collation: string | null | undefined): string | undefined {
  if (!collation || type.kind !== 'text' || isBinary(collation)) return undefined;
  return `sqlserver:${collation}`;
}

/**
 * Compares code units. SQL Server ignores trailing blanks in every collation; where that makes two rows one, the writer refuses the
 * second (batch-writer.ts).
 */
export function isBinary(collation: string): boolean {
  return /_BIN2?(_UTF8)?$/i.test(collation);
}

/** A collation's name becomes part of statements. */
export function isCollationName(name: string): boolean {
  return /^\w{1,128}$/.test(name);
}
