import type { NativeType, TypeRefusal, TypeTable } from '../../../core/column-plan.ts';
import { textOrder } from '../../../core/column-plan.ts';
import type { ColumnType } from '../../../core/values.ts';

/** Digits of a decimal. */
const mostDigits = 34;

/** A value of any type, as it is. */
export const anyValue: ColumnType = { kind: 'other', system: 'mongodb', name: 'any' };

/** Types are named as by the operator $type. */
export const types: TypeTable = {
  columnFor: (type) => nativeType(type),
  accepts: () => ({ isAccepted: true }),
  keyRefusal({ type }) {
    switch (type.kind) {
      case 'other':
        return type.system === 'mongodb' ? undefined : severalTypes;
      case 'json':
      case 'array':
      case 'untyped':
        return severalTypes;
      default:
        return undefined;
    }
  },
  orderOf: (native) => (native === 'string' ? textOrder : undefined),
  names: {
    maxLength: 120,
    unit: 'bytes',
    fold: (name) => name,
    partsOf: (name) => [name],
  },
};

const severalTypes = 'its values may be of several types';

function nativeType(type: ColumnType): NativeType | TypeRefusal {
  switch (type.kind) {
    case 'boolean':
      return { ddl: 'bool' };
    case 'int':
      return intType(type);
    case 'float':
      return { ddl: 'double' };
    case 'decimal':
      return decimalType(type);
    case 'text':
    case 'enum':
      return { ddl: 'string' };
    case 'bytes':
      return { ddl: 'binData' };
    case 'uuid':
      return { ddl: 'binData', note: 'stored as binary data of subtype 4' };
    case 'date':
      return dateType(type.canBeZero ?? false, 'stored as midnight in UTC');
    case 'timestamp':
      return timestampType(type);
    case 'json':
      return {
        ddl: 'object',
        note: 'numbers keep their value, but not zeros at their end: 1.10 becomes 1.1',
        misfits: 'numbers of more than 34 digits do not fit',
        isRare: true,
      };
    case 'array': {
      const of = nativeType(type.of);
      return 'refusal' in of ? of : { ...of, ddl: 'array' };
    }
    case 'other':
      return type.system === 'mongodb' ? { ddl: 'any' } : { ddl: 'string', note: 'stored as text' };
    case 'untyped':
      return { ddl: 'any', note: 'each value is stored with its own type' };
    default:
      return { ddl: 'string', note: 'stored as text' };
  }
}

function intType({ bits, isUnsigned }: Extract<ColumnType, { kind: 'int' }>): NativeType {
  if (bits === 64) return isUnsigned ? { ddl: 'decimal', note: 'stored as a decimal' } : { ddl: 'long' };
  return { ddl: bits === 32 && isUnsigned ? 'long' : 'int' };
}

function decimalType({ precision }: Extract<ColumnType, { kind: 'decimal' }>): NativeType {
  if (precision !== undefined && precision <= mostDigits) return { ddl: 'decimal' };
  return { ddl: 'decimal', misfits: `values with more than ${mostDigits} digits do not fit` };
}

function dateType(canBeZero: boolean, note: string): NativeType {
  return canBeZero
    ? { ddl: 'date', note, misfits: 'zero dates do not fit' }
    : { ddl: 'date', note, misfits: 'infinite dates do not fit', isRare: true };
}

function timestampType(type: Extract<ColumnType, { kind: 'timestamp' }>): NativeType {
  if (type.precision > 3)
    return { ddl: 'string', note: 'stored as text in ISO 8601, because a date of MongoDB has milliseconds' };
  if (!type.hasZone) return dateType(type.canBeZero ?? false, 'stored as if in UTC');
  return { ddl: 'date', misfits: 'infinite times do not fit', isRare: true };
}
