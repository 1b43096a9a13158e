import {
  type ColumnUse,
  type NativeType,
  type TypeRefusal,
  type TypeTable,
  textOrder,
} from '../../../core/column-plan.ts';
import type { Column, ColumnType } from '../../../core/values.ts';
import { nameParts } from '../../sql/names.ts';
import { longestDecimal, type Of } from '../../sql/types/acceptance.ts';
import { keyRefusal } from '../../sql/types/key-types.ts';
import { keyType, type LimitedKeys, longest } from '../../sql/types/limited-keys.ts';
import { accepts, openKeyLength } from './accepts.ts';
import { readRefusal } from './column-types.ts';
import { partsOf } from './type-name.ts';

/** Which types SQL Server can store, and how (Invariant 6). Collations of texts are added when the table is created. */
export const types: TypeTable = {
  columnFor,
  accepts,
  keyRefusal: refuseKey,
  orderOf,
  names: { maxLength: 128, unit: 'characters', fold: (name) => name.toLowerCase(), partsOf: nameParts },
};

const refuseByType = keyRefusal({ kinds: ['enum'], others: /^$/ });
const notCompared = new Set(['text', 'ntext', 'image', 'xml', 'json', 'geometry', 'geography']);

function refuseKey(column: Column): string | undefined {
  const { base } = partsOf(column.nativeType);
  if (notCompared.has(base)) return `SQL Server does not compare values of type ${base}`;
  return refuseByType(column);
}

function orderOf(nativeType: string): string | undefined {
  const { base } = partsOf(nativeType);
  if (base === 'uniqueidentifier') return 'the parts of a UUID from the last to the first';
  return /char$|^n?text$/.test(base) ? textOrder : undefined;
}

/** The key of a nonclustered index has 1,700 bytes, at two per character; three open columns fit into one key. */
const maxKeyUnits = 850;
const maxKeyBytes = 1_700;
const maxUnits = 4_000;
const maxDecimal = { precision: 38, scale: 10 } as const;
const maxDigits = 7;

function columnFor(type: ColumnType, use: ColumnUse): NativeType | TypeRefusal {
  const own = use.nativeType === undefined ? undefined : ownType(use.nativeType, use.isKey);
  return own ?? (use.isKey ? keyType(type, keys) : plainType(type));
}

/** A type of SQL Server itself is kept by name. A rowversion cannot be written, so its bytes are. */
function ownType(nativeType: string, isKey: boolean): NativeType | TypeRefusal | undefined {
  const { base, isMax } = partsOf(nativeType);
  const refusal = readRefusal(nativeType);
  if (refusal !== undefined) return { refusal: `a ${base} is not kept: ${refusal}` };
  if (base === 'rowversion')
    return { ddl: 'binary(8)', note: 'the bytes: the server numbers a rowversion itself' };
  if (isKey && (isMax || notCompared.has(base))) return undefined;
  if (base === 'datetimeoffset') return { ddl: nativeType, note: 'the same instants, in UTC' };
  return { ddl: nativeType };
}

const keys: LimitedKeys = {
  title: 'SQL Server',
  text: (units) => `nvarchar(${units})`,
  bytes: (length) => `varbinary(${length})`,
  openText: 'nvarchar(max)',
  maxUnits: maxKeyUnits,
  maxBytes: maxKeyBytes,
  openLength: openKeyLength,
  unitsPerCharacter: 2,
  plainType,
};

function plainType(type: ColumnType): NativeType | TypeRefusal {
  switch (type.kind) {
    case 'boolean':
      return { ddl: 'bit' };
    case 'int':
      return { ddl: integerFor(type) };
    case 'float':
      return {
        ddl: type.bits === 32 ? 'real' : 'float',
        misfits: 'SQL Server has no NaN and no infinities',
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
      return bytesFor(type.maxLength);
    case 'date':
      return { ddl: 'date', misfits: yearsMisfit, isRare: true };
    case 'time':
      return timeFor(type);
    case 'timestamp':
      return timestampFor(type);
    case 'uuid':
      return { ddl: 'uniqueidentifier' };
    case 'bit':
      return { ...asciiText(type.length), note: 'stored as text of 0 and 1' };
    case 'json':
      return { ddl: 'nvarchar(max)', note: 'kept as text' };
    case 'array':
      return { ddl: 'nvarchar(max)', note: 'stored as a JSON array' };
    case 'interval':
      return { ddl: 'nvarchar(255)', note: 'stored as text (ISO 8601)' };
    case 'other':
      return { ddl: 'nvarchar(max)', note: `stored as text: ${type.name} of ${type.system}` };
    case 'untyped':
      return { ddl: 'nvarchar(max)', note: 'numbers arrive as text', misfits: 'a blob is not text' };
  }
}

const yearsMisfit = 'SQL Server has the years 1 to 9999 and no infinities';

/** tinyint has the values 0 to 255. */
function integerFor({ bits, isUnsigned = false }: Of<'int'>): string {
  if (!isUnsigned) return { 8: 'smallint', 16: 'smallint', 24: 'int', 32: 'int', 64: 'bigint' }[bits];
  return { 8: 'tinyint', 16: 'int', 24: 'int', 32: 'bigint', 64: 'decimal(20,0)' }[bits];
}

function decimalFor({ precision, scale = 0 }: Of<'decimal'>): NativeType {
  const most = maxDecimal.precision;
  if (precision === undefined) {
    return {
      ddl: `decimal(${most},${maxDecimal.scale})`,
      misfits: `SQL Server keeps ${most - maxDecimal.scale} digits before the point and ${maxDecimal.scale} after it, no NaN and no infinities`,
    };
  }
  // PostgreSQL's scale may be negative (hundreds), or larger than the precision (0.00012).
  const fraction = Math.max(0, scale);
  const digits = Math.max(precision - Math.min(0, scale), fraction);
  if (digits <= most)
    return { ddl: `decimal(${digits},${fraction})`, misfits: 'SQL Server has no NaN', isRare: true };
  return {
    ...asciiText(longestDecimal(precision, scale)),
    note: `stored as text: SQL Server's decimal has ${most} digits`,
  };
}

/** A length counts 16-bit units, and a character of the source may take two. */
function textFor(maxLength: number | undefined): NativeType {
  return asciiText(maxLength === undefined ? undefined : 2 * maxLength);
}

function asciiText(length: number | undefined): NativeType {
  return {
    ddl: length !== undefined && length <= maxUnits ? `nvarchar(${Math.max(1, length)})` : 'nvarchar(max)',
  };
}

function bytesFor(maxLength: number | undefined): NativeType {
  return {
    ddl:
      maxLength !== undefined && maxLength <= 8_000
        ? `varbinary(${Math.max(1, maxLength)})`
        : 'varbinary(max)',
  };
}

function timeFor({ precision, hasZone, isDuration }: Of<'time'>): NativeType {
  if (hasZone) return { ddl: 'nvarchar(32)', note: "stored as text: SQL Server's time has no zone" };
  if (precision > maxDigits) return { ddl: 'nvarchar(32)', note: tooManyDigits };
  if (isDuration)
    return { ddl: 'nvarchar(32)', note: "stored as text: SQL Server's time is a time of a day" };
  return {
    ddl: `time(${precision})`,
    misfits: 'SQL Server has no time 24:00:00',
    isRare: true,
  };
}

const tooManyDigits = 'stored as text: SQL Server keeps seven digits of a second';

function timestampFor({ precision, hasZone }: Of<'timestamp'>): NativeType {
  if (precision > maxDigits) return { ddl: 'nvarchar(48)', note: tooManyDigits };
  const ddl = `${hasZone ? 'datetimeoffset' : 'datetime2'}(${precision})`;
  return { ddl, ...(hasZone && { note: 'in UTC' }), misfits: yearsMisfit, isRare: true };
}
