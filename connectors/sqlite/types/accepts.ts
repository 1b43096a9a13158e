import type { Acceptance } from '../../../core/column-plan.ts';
import type { Column, ColumnType } from '../../../core/values.ts';
import { no, type Of, yes } from '../../sql/types/acceptance.ts';
import { type Affinity, affinityOf, typeOfDeclared } from './column-types.ts';

/** A REAL keeps 15 digits. */
const realDigits = 15;
export const nanIsNull = 'SQLite stores NaN as NULL';

/** By affinity: whether the value read back is the value written. */
export function accepts(existing: Column, type: ColumnType): Acceptance {
  const affinity = affinityOf(existing.nativeType);
  if (affinity === 'BLOB')
    return type.kind === 'float'
      ? { isAccepted: true, misfits: nanIsNull, isRare: true }
      : { isAccepted: true };
  const isSameKind = typeOfDeclared(existing.nativeType).kind === type.kind;
  switch (type.kind) {
    case 'boolean':
      return affinity === 'TEXT' || affinity === 'REAL'
        ? refused(existing, 'it would hold another kind of value')
        : yes;
    case 'int':
      return acceptsInt(existing, affinity, type);
    case 'float':
      if (affinity === 'TEXT') return { isAccepted: true, note: 'kept as text' };
      return affinity === 'INTEGER'
        ? refused(existing, 'it converts whole numbers to integers')
        : { isAccepted: true, note: 'minus zero becomes zero', misfits: nanIsNull, isRare: true };
    case 'decimal':
      return acceptsDecimal(existing, affinity, type);
    case 'date':
    case 'time':
    case 'timestamp':
    case 'interval':
    case 'uuid':
      return affinity === 'TEXT' || affinity === 'NUMERIC' || isSameKind
        ? yes
        : refused(existing, 'it is for numbers');
    case 'bytes':
      return isSameKind ? yes : refused(existing, 'it is not for bytes');
    case 'untyped':
      return isSameKind
        ? { isAccepted: true, misfits: 'text that looks like a number would become one' }
        : refused(existing, 'it would change values of other kinds');
    case 'json':
      if (affinity !== 'TEXT' && isSameKind)
        return { isAccepted: true, misfits: 'JSON that is one number would become one of SQLite' };
      return affinity === 'TEXT' ? yes : refused(existing, textIsChanged);
    default:
      return affinity === 'TEXT' ? yes : refused(existing, textIsChanged);
  }
}

const textIsChanged = 'it converts text that looks like a number to a number';

function acceptsInt(existing: Column, affinity: Affinity, type: Of<'int'>): Acceptance {
  if (affinity === 'TEXT') return { isAccepted: true, note: 'kept as text' };
  if (affinity === 'REAL')
    return type.bits === 64 ? refused(existing, 'a REAL keeps integers to 2^53 only') : yes;
  return type.bits === 64 && type.isUnsigned
    ? { isAccepted: true, misfits: 'integers above 2^63-1 do not fit' }
    : yes;
}

function acceptsDecimal(existing: Column, affinity: Affinity, type: Of<'decimal'>): Acceptance {
  if (affinity === 'TEXT') return yes;
  if (affinity === 'INTEGER') return refused(existing, 'it is for whole numbers');
  if (type.precision === undefined)
    return { isAccepted: true, misfits: `SQLite keeps ${realDigits} digits of a decimal` };
  return type.precision <= realDigits
    ? { isAccepted: true, note: 'kept as a number: trailing zeros of the fraction are lost' }
    : refused(existing, `SQLite converts it to a REAL and keeps ${realDigits} digits`);
}

function refused(existing: Column, why: string): Acceptance {
  return no(`${existing.nativeType} has the affinity ${affinityOf(existing.nativeType)}: ${why}`);
}
