import {
  type ColumnUse,
  type NativeType,
  type TypeRefusal,
  type TypeTable,
  textOrder,
} from '../../../core/column-plan.ts';
import { withoutEnd } from '../../../core/text-end.ts';
import type { ColumnType } from '../../../core/values.ts';
import { nameParts } from '../../sql/names.ts';
import type { Of } from '../../sql/types/acceptance.ts';
import { keyRefusal } from '../../sql/types/key-types.ts';
import { accepts, withoutInput } from './accepts.ts';
import { isBuiltIn, parseTypeName } from './type-name.ts';

/** Which types PostgreSQL can store, and how (Invariant 6). */
export const types: TypeTable = {
  columnFor,
  accepts,
  keyRefusal: keyRefusal({
    kinds: ['enum', 'interval'],
    others: /^(inet|cidr|macaddr8?|money|pg_lsn|(int4|int8|num|ts|tstz|date)range)$/,
  }),
  orderOf: (nativeType) =>
    /^(text|citext|bpchar|char|character|varchar)\b/.test(nativeType) ? textOrder : undefined,
  names: { maxLength: 63, unit: 'bytes', fold: (name) => name, partsOf: nameParts },
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
      // json keeps the text unchanged; jsonb is used if the source's column is jsonb.
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
  return canBeZero ? { misfits: 'a zero date of MySQL is not a date' } : {};
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
    return { ddl: 'text', note: 'stored as text: comparisons are case-sensitive' };
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
  const element = use.nativeType === undefined ? undefined : withoutEnd(use.nativeType, '[]');
  const native = nativeFor(
    type.of,
    element === undefined ? { isKey: false } : { isKey: false, nativeType: element },
  );
  return 'refusal' in native ? native : { ...native, ddl: `${native.ddl}[]` };
}

/** A built-in type stays the same; one of an extension or a user may not exist on the destination. */
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
