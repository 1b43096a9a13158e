import type { FieldPacket } from 'mysql2';
import { lookUp } from '../../../core/look-up.ts';
import type { ColumnType } from '../../../core/values.ts';
import { labelsOf, partsOf } from './type-name.ts';

/** Further facts about the column from the catalog. */
export interface NativeContext {
  /** For text: `latin1_swedish_ci`; null for bytes and all others. */
  readonly collation: string | null;
  /** MariaDB's JSON is LONGTEXT with a CHECK of json_valid. */
  readonly isJson?: boolean;
  /** A DATETIME with this comment holds instants in UTC. types.ts writes it, since TIMESTAMP ends in 2038. */
  readonly comment?: string;
}

export const utcComment = 'UTC';

const intBits: Readonly<Record<string, 8 | 16 | 24 | 32 | 64>> = {
  tinyint: 8,
  smallint: 16,
  mediumint: 24,
  int: 32,
  integer: 32,
  bigint: 64,
};

/** Maximum bytes of a type; for text this is a limit in bytes, not characters. */
const textBytes: Readonly<Record<string, number | undefined>> = {
  tinytext: 255,
  text: 65_535,
  mediumtext: 16_777_215,
  longtext: undefined,
};
const blobBytes: Readonly<Record<string, number | undefined>> = {
  tinyblob: 255,
  blob: 65_535,
  mediumblob: 16_777_215,
  longblob: undefined,
};

export function toColumnType(nativeType: string, context: NativeContext): ColumnType {
  const { base, inner, isUnsigned } = partsOf(nativeType);
  if (context.isJson || base === 'json') return { kind: 'json' };
  const bits = lookUp(intBits, base);
  // tinyint(1) is called BOOLEAN, but accepts every number of a tinyint.
  if (bits) return { kind: 'int', bits, ...(isUnsigned && { isUnsigned }) };
  if (Object.hasOwn(textBytes, base)) return unlimited('text', 'maxBytes', textBytes[base]);
  if (Object.hasOwn(blobBytes, base)) return unlimited('bytes', 'maxLength', blobBytes[base]);
  return (
    sized(base, inner, isUnsigned, context) ?? {
      kind: 'other',
      system: 'mysql',
      name: otherName(base, inner),
    }
  );
}

function unlimited(
  kind: 'text' | 'bytes',
  limit: 'maxBytes' | 'maxLength',
  bytes: number | undefined,
): ColumnType {
  return { kind, ...(bytes !== undefined && { [limit]: bytes }) };
}

function sized(
  base: string,
  inner: string,
  isUnsigned: boolean,
  context: NativeContext,
): ColumnType | undefined {
  const precision = inner === '' ? 0 : Number(inner);
  switch (base) {
    case 'year':
      return { kind: 'int', bits: 16 };
    case 'decimal':
    case 'numeric': {
      const [digits = 10, scale = 0] = inner === '' ? [] : inner.split(',').map(Number);
      return { kind: 'decimal', precision: digits, scale, ...(isUnsigned && { isUnsigned }) };
    }
    case 'float':
      return { kind: 'float', bits: 32 };
    case 'double':
    case 'real':
      return { kind: 'float', bits: 64 };
    case 'char':
      return { kind: 'text', maxLength: inner === '' ? 1 : Number(inner), isFixed: true };
    case 'varchar':
      return { kind: 'text', maxLength: Number(inner) };
    case 'binary':
      return { kind: 'bytes', maxLength: inner === '' ? 1 : Number(inner), isFixed: true };
    case 'varbinary':
      return { kind: 'bytes', maxLength: Number(inner) };
    case 'date':
      return { kind: 'date', canBeZero: true };
    case 'time':
      return { kind: 'time', precision, hasZone: false, isDuration: true };
    case 'datetime':
      return { kind: 'timestamp', precision, hasZone: context.comment === utcComment, canBeZero: true };
    case 'timestamp':
      return { kind: 'timestamp', precision, hasZone: true, canBeZero: true };
    case 'bit':
      return { kind: 'bit', length: inner === '' ? 1 : Number(inner) };
    case 'uuid':
      return { kind: 'uuid' };
    case 'enum':
      return { kind: 'enum', values: labelsOf(inner) };
    default:
      return undefined;
  }
}

/** A set's members are part of its type. A geometry has one of many kinds and is transferred as hexadecimal digits. */
function otherName(base: string, inner: string): string {
  return base === 'set' ? `set(${inner})` : base;
}

/** Types of the protocol, for result columns that belong to no table. */
const protocolTypes: Readonly<Record<number, string>> = {
  1: 'tinyint',
  2: 'smallint',
  3: 'int',
  4: 'float',
  5: 'double',
  6: 'varchar(1)',
  8: 'bigint',
  9: 'mediumint',
  10: 'date',
  13: 'year',
  245: 'json',
  255: 'geometry',
  242: 'vector',
};

const unsignedFlag = 32;
const enumFlag = 256;
const setFlag = 2_048;
const binaryCharset = 63;
/** For utf8mb4, the character set of results. */
const bytesPerCharacter = 4;

/** Whether it is an ENUM or SET, which are returned as texts. */
export function hasLabels(field: FieldPacket): boolean {
  return (Number(field.flags) & (enumFlag | setFlag)) !== 0;
}

/** The type of a query's column, as a table would have it. */
export function nativeOfField(field: FieldPacket): string {
  const type = field.columnType ?? 0;
  const length = field.columnLength ?? 0;
  const unsigned = (Number(field.flags) & unsignedFlag) !== 0 ? ' unsigned' : '';
  const plain = protocolTypes[type];
  if (field.extendedFormat === 'json') return 'longtext';
  if (field.extendedTypeName) return field.extendedTypeName;
  if (plain) return /int$/.test(plain) ? `${plain}${unsigned}` : plain;
  const fraction = field.decimals > 0 && field.decimals <= 6 ? `(${field.decimals})` : '';
  switch (type) {
    case 7:
      return `timestamp${fraction}`;
    case 11:
      return `time${fraction}`;
    case 12:
      return `datetime${fraction}`;
    case 16:
      return `bit(${length})`;
    case 0:
    case 246: {
      const digits = length - (unsigned === '' ? 1 : 0) - (field.decimals > 0 ? 1 : 0);
      return `decimal(${Math.max(1, Math.min(65, digits))},${field.decimals})${unsigned}`;
    }
    default:
      return textOfField(field.characterSet === binaryCharset, length, type === 253 || type === 254);
  }
}

function textOfField(isBytes: boolean, length: number, isShort: boolean): string {
  if (isBytes) return isShort && length <= 65_535 ? `varbinary(${length})` : 'longblob';
  const characters = Math.floor(length / bytesPerCharacter);
  return isShort && characters <= 16_383 ? `varchar(${characters})` : 'longtext';
}
