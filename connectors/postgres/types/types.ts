import type { Acceptance, ColumnUse, NativeType, TypeRefusal, TypeTable } from '../../../core/column-plan.ts';
import type { Column, ColumnType } from '../../../core/values.ts';
import { intRange, isWithin } from '../../sql/types/int-range.ts';
import { keyRefusal } from '../../sql/types/key-types.ts';
import { isBuiltIn, parseTypeName } from './type-name.ts';

type Of<K extends ColumnType['kind']> = Extract<ColumnType, { kind: K }>;

/** What PostgreSQL can store, and as what (Invariant 6). */
export const types: TypeTable = {
  columnFor,
  accepts,
  keyRefusal: keyRefusal({
    kinds: ['enum', 'interval'],
    others: /^(inet|cidr|macaddr8?|money|pg_lsn|(int4|int8|num|ts|tstz|date)range)$/,
  }),
  names: { maxLength: 63, unit: 'bytes', fold: (name) => name },
};

const maxVarchar = 10_485_760;
const maxNumericPrecision = 1_000;
const withoutEquality = new Set([
  'json',
  'xml',
  'point',
  'polygon',
  'box',
  'line',
  'lseg',
  'path',
  'circle',
  'jsonpath',
]);

function columnFor(type: ColumnType, use: ColumnUse): NativeType | TypeRefusal {
  const native = nativeFor(type, use);
  if (use.isKey && !('refusal' in native) && withoutEquality.has(native.ddl)) {
    return { refusal: `${native.ddl} cannot be part of a key in PostgreSQL: it has no order` };
  }
  return native;
}

function nativeFor(type: ColumnType, use: ColumnUse): NativeType | TypeRefusal {
  switch (type.kind) {
    case 'boolean':
      return { ddl: 'boolean' };
    case 'int':
      return { ddl: integerFor(type) };
    case 'float':
      return { ddl: type.bits === 32 ? 'real' : 'double precision' };
    case 'decimal':
      return decimalFor(type);
    case 'text':
      return textFor(type, use);
    case 'bytes':
      return { ddl: 'bytea' };
    case 'date':
      return { ddl: 'date', ...zeroMisfits(type) };
    case 'time':
      return timeFor(type);
    case 'timestamp':
      if (type.precision > 6)
        return { ddl: 'text', note: 'stored as text: PostgreSQL keeps six digits of a second' };
      return { ddl: `timestamp${fraction(type.precision)} ${zone(type.hasZone)}`, ...zeroMisfits(type) };
    case 'uuid':
      return { ddl: 'uuid' };
    case 'json':
      // json keeps the text as it is; jsonb where the source's column is one.
      return { ddl: use.nativeType === 'jsonb' ? 'jsonb' : 'json' };
    case 'enum':
      return { ddl: 'text', note: 'stored as text: the list of values is not created' };
    case 'array':
      return arrayFor(type, use);
    case 'interval':
      return { ddl: 'interval' };
    case 'bit':
      return {
        ddl: `bit${type.isVarying ? ' varying' : ''}${type.length === undefined ? '' : `(${type.length})`}`,
      };
    case 'other':
      return otherFor(type, use);
    case 'untyped':
      return { ddl: 'text', note: 'numbers arrive as text', misfits: 'a blob is not text' };
  }
}

function zeroMisfits({ canBeZero }: Of<'date'> | Of<'timestamp'>): Pick<NativeType, 'misfits'> {
  return canBeZero ? { misfits: 'a zero date of MySQL is no date' } : {};
}

function integerFor({ bits, isUnsigned = false }: Of<'int'>): string {
  if (bits === 64) return isUnsigned ? 'numeric(20,0)' : 'bigint';
  if (bits === 32) return isUnsigned ? 'bigint' : 'integer';
  if (bits === 24) return 'integer';
  return bits === 16 && isUnsigned ? 'integer' : 'smallint';
}

function decimalFor({ precision, scale = 0 }: Of<'decimal'>): NativeType | TypeRefusal {
  if (precision === undefined) return { ddl: 'numeric' };
  if (precision > maxNumericPrecision) return { refusal: `numeric keeps ${maxNumericPrecision} digits` };
  return { ddl: `numeric(${precision},${scale})` };
}

function textFor({ maxLength, isFixed }: Of<'text'>, use: ColumnUse): NativeType {
  if (/(^|\.)citext$/.test(use.nativeType ?? ''))
    return { ddl: 'text', note: 'stored as text: comparisons heed case' };
  if (maxLength === undefined || maxLength > maxVarchar || maxLength === 0) return { ddl: 'text' };
  return { ddl: isFixed ? `character(${maxLength})` : `character varying(${maxLength})` };
}

function timeFor({ precision, hasZone, isDuration }: Of<'time'>): NativeType {
  if (precision > 6) return { ddl: 'text', note: 'stored as text: PostgreSQL keeps six digits of a second' };
  if (isDuration)
    return { ddl: 'interval', note: 'stored as interval: it may be negative or longer than a day' };
  return { ddl: `time${fraction(precision)} ${zone(hasZone)}` };
}

function arrayFor(type: Of<'array'>, use: ColumnUse): NativeType | TypeRefusal {
  const element = use.nativeType?.replace(/(\[\])+$/, '');
  const native = nativeFor(
    type.of,
    element === undefined ? { isKey: false } : { isKey: false, nativeType: element },
  );
  return 'refusal' in native ? native : { ...native, ddl: `${native.ddl}[]` };
}

/** Types that are written by the server alone, and no column or no input takes. */
const withoutInput = new Set([
  'pg_node_tree',
  'pg_ndistinct',
  'pg_dependencies',
  'pg_mcv_list',
  'pg_brin_bloom_summary',
  'pg_brin_minmax_multi_summary',
  'pg_ddl_command',
  'anyarray',
  'record',
  '_record',
  'cstring',
  'unknown',
]);

/** A built-in type stays what it is; one of an extension or a user may not exist where the table is made. */
function otherFor(type: Of<'other'>, use: ColumnUse): NativeType {
  const own = use.nativeType === undefined ? undefined : parseTypeName(use.nativeType);
  const isKept = type.system === 'postgres' && !type.name.includes('.') && !withoutInput.has(type.name);
  if (isKept && own && isBuiltIn(own)) return { ddl: own.name };
  return { ddl: 'text', note: `stored as text: ${type.name} of ${type.system} is not created` };
}

function fraction(precision: number): string {
  return precision === 6 ? '' : `(${precision})`;
}

function zone(hasZone: boolean): string {
  return hasZone ? 'with time zone' : 'without time zone';
}

const yes: Acceptance = { isAccepted: true };
function no(reason: string): Acceptance {
  return { isAccepted: false, reason };
}

function accepts(existing: Column, type: ColumnType): Acceptance {
  return acceptsType(existing.type, type, existing.nativeType);
}

function acceptsType(target: ColumnType, type: ColumnType, native: string): Acceptance {
  switch (target.kind) {
    case 'text':
      return acceptsAsText(target, type, native);
    case 'int':
      return type.kind === 'int' && isWithin(intRange(type), intRange(target)) ? yes : mismatch(native, type);
    case 'float':
      return acceptsAsFloat(target, type, native);
    case 'decimal':
      return acceptsAsDecimal(target, type, native);
    case 'timestamp':
      if (type.kind === 'date' && !target.hasZone) return { isAccepted: true, note: 'as midnight' };
      if (type.kind !== 'timestamp' || type.hasZone !== target.hasZone) return mismatch(native, type);
      return type.precision <= target.precision
        ? yes
        : no(`${native} keeps ${target.precision} digits of a second, not ${type.precision}`);
    case 'time':
      if (type.kind !== 'time' || type.hasZone !== target.hasZone || type.isDuration)
        return mismatch(native, type);
      return type.precision <= target.precision
        ? yes
        : no(`${native} keeps ${target.precision} digits of a second, not ${type.precision}`);
    case 'interval':
      return type.kind === 'interval' || (type.kind === 'time' && type.isDuration)
        ? yes
        : mismatch(native, type);
    case 'json':
      if (type.kind !== 'json' && type.kind !== 'array') return mismatch(native, type);
      return native === 'jsonb'
        ? { isAccepted: true, note: 'as jsonb writes it: without blanks, the last of equal names' }
        : yes;
    case 'enum':
      return type.kind === 'enum' ? acceptsLabels(target, type, native) : mismatch(native, type);
    case 'array':
      return type.kind === 'array'
        ? acceptsType(target.of, type.of, native.replace(/(\[\])+$/, ''))
        : mismatch(native, type);
    case 'bit':
      return type.kind === 'bit' ? acceptsBits(target, type, native) : mismatch(native, type);
    case 'other':
      if (withoutInput.has(target.name)) return no(`${native} is written by the server alone`);
      return type.kind === 'other' && type.system === target.system && type.name === target.name
        ? yes
        : mismatch(native, type);
    default:
      return type.kind === target.kind ? yes : mismatch(native, type);
  }
}

function mismatch(native: string, type: ColumnType): Acceptance {
  return no(`${native} does not keep every ${type.kind}`);
}

function acceptsAsText(target: Of<'text'>, type: ColumnType, native: string): Acceptance {
  if (type.kind === 'bytes' || type.kind === 'array') return mismatch(native, type);
  if (type.kind === 'text' && type.maxBytes !== undefined && type.maxBytes <= (target.maxBytes ?? 0))
    return yes;
  const length = longestText(type);
  const limit = target.maxBytes !== undefined ? Math.floor(target.maxBytes / 4) : target.maxLength;
  if (target.isFixed && !(type.kind === 'text' && type.isFixed && type.maxLength === target.maxLength)) {
    return no(`${native} pads with blanks what is shorter`);
  }
  if (limit !== undefined && (length === undefined || length > limit)) return no(`${native} is narrower`);
  if (type.kind === 'text' || type.kind === 'enum') return yes;
  if (type.kind === 'untyped')
    return { isAccepted: true, note: 'numbers arrive as text', misfits: 'a blob is not text' };
  return { isAccepted: true, note: 'as text' };
}

/** Characters at most; undefined: no limit known. */
function longestText(type: ColumnType): number | undefined {
  switch (type.kind) {
    case 'text':
      return type.maxLength ?? type.maxBytes;
    case 'enum':
      return Math.max(0, ...type.values.map((each) => each.length));
    case 'boolean':
      return 5;
    case 'int':
      return 20;
    case 'uuid':
      return 36;
    case 'decimal':
      return type.precision === undefined ? undefined : type.precision + 3;
    default:
      return undefined;
  }
}

function acceptsAsFloat(target: Of<'float'>, type: ColumnType, native: string): Acceptance {
  if (type.kind === 'float') return type.bits <= target.bits ? yes : no(`${native} is less precise`);
  if (type.kind === 'int' && type.bits <= (target.bits === 64 ? 32 : 16)) return yes;
  return mismatch(native, type);
}

function acceptsAsDecimal(target: Of<'decimal'>, type: ColumnType, native: string): Acceptance {
  if (type.kind !== 'int' && type.kind !== 'decimal') return mismatch(native, type);
  if (target.precision === undefined) return yes;
  const { whole, scale } = digits(type);
  if (whole === undefined) return no(`${native} has fixed digits, the source's numeric any`);
  const targetScale = target.scale ?? 0;
  return scale <= targetScale && whole <= target.precision - targetScale
    ? yes
    : no(`${native} has fewer digits`);
}

function digits(type: Of<'int'> | Of<'decimal'>): {
  readonly whole: number | undefined;
  readonly scale: number;
} {
  if (type.kind === 'decimal') {
    const scale = type.scale ?? 0;
    return { whole: type.precision === undefined ? undefined : type.precision - scale, scale };
  }
  return { whole: String(intRange(type).max).length, scale: 0 };
}

function acceptsLabels(target: Of<'enum'>, type: Of<'enum'>, native: string): Acceptance {
  const missing = type.values.filter((each) => !target.values.includes(each));
  return missing.length === 0 ? yes : no(`${native} lacks ${missing.join(', ')}`);
}

function acceptsBits(target: Of<'bit'>, type: Of<'bit'>, native: string): Acceptance {
  if (!target.isVarying)
    return !type.isVarying && type.length === target.length ? yes : no(`${native} has a fixed length`);
  if (target.length === undefined) return yes;
  return type.length !== undefined && type.length <= target.length ? yes : no(`${native} is narrower`);
}
