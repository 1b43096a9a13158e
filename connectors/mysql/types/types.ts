import {
  type ColumnUse,
  type NativeType,
  type TypeRefusal,
  type TypeTable,
  textOrder,
} from '../../../core/column-plan.ts';
import type { ColumnType } from '../../../core/values.ts';
import { nameParts } from '../../sql/names.ts';
import { longestDecimal, type Of } from '../../sql/types/acceptance.ts';
import { keyRefusal } from '../../sql/types/key-types.ts';
import { keyText, keyType, type LimitedKeys, longest } from '../../sql/types/limited-keys.ts';
import { rowFindings } from '../destination/row-width.ts';
import { accepts, minusZero, openKeyLength } from './accepts.ts';
import { utcComment } from './column-types.ts';
import { isBinaryOther, partsOf } from './type-name.ts';

/**
 * Which types MySQL and MariaDB can store, and how (Invariant 6). The collation of texts is added when the table is created, because the
 * collation that compares as bytes depends on the server.
 */
export const types: TypeTable = {
  columnFor,
  accepts,
  keyRefusal: keyRefusal({
    kinds: ['enum'],
    others: /^(set\(.*\)|inet[46])$/s,
  }),
  orderOf,
  names: { maxLength: 64, unit: 'characters', fold: (name) => name.toLowerCase(), partsOf: nameParts },
  rowFindings,
};

function orderOf(nativeType: string): string | undefined {
  if (/^uuid$/i.test(nativeType)) return 'the parts of a UUID from the last to the first';
  return /^(var)?char\b|^(tiny|medium|long)?text\b/i.test(nativeType) ? textOrder : undefined;
}

/** An index has 3072 bytes, at four per character; three columns of openKeyLength fit into one key. */
const maxKeyCharacters = 768;
const maxKeyBytes = 3_072;
/** Longer ones would use up the 65,535 bytes shared by a row's VARCHARs. */
const maxVarchar = 255;
const maxDecimal = { precision: 65, scale: 30 };
const secondDigits = 6;

/** Types of only one of the two servers, or dependent on session settings: the plan does not know which server creates the table. */
const notPortable = new Set(['uuid', 'inet4', 'inet6', 'vector', 'xmltype']);

/** A name that is not a known type may come from another server, or from an attacker. */
function isPortable(base: string, type: ColumnType): boolean {
  return !notPortable.has(base) && (type.kind !== 'other' || base === 'set' || isBinaryOther(base));
}

function columnFor(type: ColumnType, use: ColumnUse): NativeType | TypeRefusal {
  const own = use.nativeType === undefined ? undefined : partsOf(use.nativeType);
  if (use.nativeType !== undefined && own && isPortable(own.base, type)) {
    if (!use.isKey)
      return { ddl: ownDdl(use.nativeType, type), ...(type.kind === 'float' && { note: minusZero }) };
    if (!/text|blob|json|point|linestring|polygon|geo/.test(own.base))
      return { ddl: ownDdl(use.nativeType, type) };
  }
  return use.isKey ? keyTypeFor(type) : plainType(type);
}

/** A DATETIME that holds instants is marked by its comment. */
function ownDdl(nativeType: string, type: ColumnType): string {
  const isUtc = type.kind === 'timestamp' && type.hasZone && /^datetime/i.test(nativeType);
  return isUtc ? `${nativeType} COMMENT '${utcComment}'` : nativeType;
}

const keys: LimitedKeys = {
  title: 'MySQL',
  text: (units) => `VARCHAR(${units})`,
  bytes: (length) => `VARBINARY(${length})`,
  openText: 'LONGTEXT',
  maxUnits: maxKeyCharacters,
  maxBytes: maxKeyBytes,
  openLength: openKeyLength,
  unitsPerCharacter: 1,
  plainType,
};

function keyTypeFor(type: ColumnType): NativeType | TypeRefusal {
  const isText = type.kind === 'bit' && !/^BIT/.test(bitFor(type).ddl);
  return isText ? { ...keyText(type.length, keys), note: 'stored as text of 0 and 1' } : keyType(type, keys);
}

function plainType(type: ColumnType): NativeType | TypeRefusal {
  switch (type.kind) {
    case 'boolean':
      return { ddl: 'TINYINT(1)' };
    case 'int':
      return { ddl: integerFor(type) };
    case 'float':
      return {
        ddl: type.bits === 32 ? 'FLOAT' : 'DOUBLE',
        note: minusZero,
        misfits: 'MySQL has no NaN and no infinities',
        isRare: true,
      };
    case 'decimal':
      return decimalFor(type);
    case 'text':
      return textFor(type.maxLength);
    case 'enum':
      return {
        ...textFor(longest(type.values)),
        note: 'the values are kept, the list of allowed values is not',
      };
    case 'bytes':
      return {
        ddl:
          type.maxLength !== undefined && type.maxLength <= maxVarchar
            ? `VARBINARY(${Math.max(1, type.maxLength)})`
            : 'LONGBLOB',
      };
    case 'date':
      return { ddl: 'DATE', misfits: yearsMisfit, isRare: true };
    case 'time':
      return timeFor(type);
    case 'timestamp':
      return timestampFor(type);
    case 'uuid':
      return { ddl: 'CHAR(36) CHARACTER SET ascii COLLATE ascii_bin' };
    case 'bit':
      return bitFor(type);
    case 'json':
      return { ddl: 'LONGTEXT', note: "kept as text: MySQL's own JSON turns long numbers into doubles" };
    case 'array':
      return { ddl: 'LONGTEXT', note: 'stored as a JSON array' };
    case 'interval':
      return { ddl: 'VARCHAR(255)', note: 'stored as text (ISO 8601)' };
    case 'other':
      return { ddl: 'LONGTEXT', note: `stored as text: ${type.name} of ${type.system}` };
    case 'untyped':
      return { ddl: 'LONGTEXT', note: 'numbers arrive as text', misfits: 'a blob is not text' };
  }
}

const yearsMisfit = 'MySQL has the years 1 to 9999 and no infinities';

function integerFor({ bits, isUnsigned = false }: Of<'int'>): string {
  const names = { 8: 'TINYINT', 16: 'SMALLINT', 24: 'MEDIUMINT', 32: 'INT', 64: 'BIGINT' } as const;
  return `${names[bits]}${isUnsigned ? ' UNSIGNED' : ''}`;
}

function decimalFor({ precision, scale = 0, isUnsigned }: Of<'decimal'>): NativeType {
  const unsigned = isUnsigned ? ' UNSIGNED' : '';
  if (precision === undefined) {
    const { precision: most, scale: fraction } = maxDecimal;
    return {
      ddl: `DECIMAL(${most},${fraction})${unsigned}`,
      misfits: `MySQL keeps ${most - fraction} digits before the point and ${fraction} after it, no NaN and no infinities`,
    };
  }
  // PostgreSQL's scale may be negative (hundreds), or larger than the precision (0.00012).
  const fraction = Math.max(0, scale);
  const digits = Math.max(precision - Math.min(0, scale), fraction);
  if (digits > maxDecimal.precision || fraction > maxDecimal.scale) {
    return {
      ...textFor(longestDecimal(precision, scale)),
      note: `stored as text: MySQL's DECIMAL has ${maxDecimal.precision} digits, ${maxDecimal.scale} of them after the point`,
    };
  }
  return { ddl: `DECIMAL(${digits},${fraction})${unsigned}`, misfits: 'MySQL has no NaN', isRare: true };
}

function textFor(maxLength: number | undefined): NativeType {
  return {
    ddl:
      maxLength !== undefined && maxLength <= maxVarchar ? `VARCHAR(${Math.max(1, maxLength)})` : 'LONGTEXT',
  };
}

function timeFor({ precision, hasZone }: Of<'time'>): NativeType {
  if (hasZone) return { ddl: 'VARCHAR(32)', note: "stored as text: MySQL's TIME has no zone" };
  if (precision > secondDigits)
    return { ddl: 'VARCHAR(32)', note: 'stored as text: MySQL keeps six digits of a second' };
  return { ddl: `TIME${fraction(precision)}` };
}

function timestampFor({ precision, hasZone }: Of<'timestamp'>): NativeType {
  if (precision > secondDigits)
    return { ddl: 'VARCHAR(48)', note: 'stored as text: MySQL keeps six digits of a second' };
  const ddl = `DATETIME${fraction(precision)}`;
  if (!hasZone) return { ddl, misfits: yearsMisfit, isRare: true };
  return {
    ddl: `${ddl} COMMENT '${utcComment}'`,
    note: 'in UTC: TIMESTAMP ends in 2038',
    misfits: yearsMisfit,
    isRare: true,
  };
}

function bitFor({ length, isVarying }: Of<'bit'>): NativeType {
  if (!isVarying && length !== undefined && length <= 64) return { ddl: `BIT(${length})` };
  return { ...textFor(length), note: 'stored as text of 0 and 1' };
}

function fraction(precision: number): string {
  return precision === 0 ? '' : `(${precision})`;
}
