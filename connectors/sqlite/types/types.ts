import {
  type ColumnUse,
  type NativeType,
  type TypeRefusal,
  type TypeTable,
  textOrder,
} from '../../../core/column-plan.ts';
import type { ColumnType } from '../../../core/values.ts';
import { nameParts } from '../../sql/names.ts';
import { keyRefusal } from '../../sql/types/key-types.ts';
import { accepts, nanIsNull } from './accepts.ts';

/**
 * The names that end in _TEXT have the affinity TEXT (because they contain that word), which keeps every digit. They also name the type,
 * so that a sync back from SQLite finds it again.
 */
export const types: TypeTable = {
  columnFor,
  accepts,
  keyRefusal: keyRefusal({
    kinds: ['untyped'],
    others: /^$/,
  }),
  orderOf: (nativeType) =>
    /CHAR|CLOB|TEXT|DURATION|INTERVAL|TIMETZ/i.test(nativeType) ? textOrder : undefined,
  names: { unit: 'bytes', fold: foldAscii, partsOf: nameParts },
};

/** SQLite ignores the case of ASCII letters only. */
function foldAscii(name: string): string {
  return name.replaceAll(/[A-Z]/g, (letter) => letter.toLowerCase());
}

function columnFor(type: ColumnType, use: ColumnUse): NativeType | TypeRefusal {
  if (use.nativeType !== undefined) return { ddl: use.nativeType };
  switch (type.kind) {
    case 'boolean':
      return { ddl: 'BOOLEAN' };
    case 'int':
      return type.isUnsigned && type.bits === 64
        ? {
            ddl: 'DECIMAL_TEXT(20,0)',
            note: 'the largest INTEGER is 2^63-1: kept as text, which SQLite sorts as text',
          }
        : { ddl: 'INTEGER' };
    case 'float':
      return { ddl: 'REAL', note: 'minus zero becomes zero', misfits: nanIsNull, isRare: true };
    case 'decimal':
      return {
        ddl: `DECIMAL_TEXT${digits(type)}`,
        note: 'SQLite would convert it to a REAL: kept as text, which SQLite sorts as text',
      };
    case 'text':
      return { ddl: type.maxLength === undefined ? 'TEXT' : `VARCHAR(${type.maxLength})` };
    case 'bytes':
      return { ddl: type.maxLength === undefined ? 'BLOB' : `BLOB(${type.maxLength})` };
    case 'date':
      return { ddl: 'DATE' };
    case 'time':
      return { ddl: `${type.isDuration ? 'DURATION' : type.hasZone ? 'TIMETZ' : 'TIME'}(${type.precision})` };
    case 'timestamp':
      return { ddl: `${type.hasZone ? 'TIMESTAMPTZ' : 'TIMESTAMP'}(${type.precision})` };
    case 'interval':
      return { ddl: 'INTERVAL' };
    case 'uuid':
      return { ddl: 'UUID' };
    case 'json':
      return { ddl: 'JSON_TEXT' };
    case 'bit':
      return {
        ddl: `${type.isVarying ? 'VARBIT_TEXT' : 'BIT_TEXT'}${type.length === undefined ? '' : `(${type.length})`}`,
      };
    case 'enum':
      return { ddl: 'TEXT', note: 'the values are kept, the list of allowed values is not' };
    case 'array':
      return { ddl: 'JSON_TEXT', note: 'kept as a JSON array' };
    case 'other':
      return { ddl: 'TEXT', note: `kept as the text that ${type.system} gives` };
    case 'untyped':
      return { ddl: '' };
  }
}

function digits(type: { readonly precision?: number; readonly scale?: number }): string {
  return type.precision === undefined ? '' : `(${type.precision},${type.scale ?? 0})`;
}
