import type { Acceptance } from '../../../core/column-plan.ts';
import type { Column, ColumnType } from '../../../core/values.ts';

/** Rules for existing columns that are the same in all systems (TypeTable.accepts). */
export type Of<K extends ColumnType['kind']> = Extract<ColumnType, { kind: K }>;

export const yes: Acceptance = { isAccepted: true };
export const asText: Acceptance = { isAccepted: true, note: 'as text' };

export function no(reason: string): Acceptance {
  return { isAccepted: false, reason };
}

/** `native` is the existing column's type in its system's syntax. */
export function mismatch(native: string, type: ColumnType): Acceptance {
  return no(`${native} does not keep every ${type.kind}`);
}

export function acceptsLabels(target: Of<'enum'>, type: Of<'enum'>, native: string): Acceptance {
  const missing = type.values.filter((each) => !target.values.includes(each));
  return missing.length === 0 ? yes : no(`${native} lacks ${missing.join(', ')}`);
}

export function acceptsOther(target: Of<'other'>, type: ColumnType, native: string): Acceptance {
  return type.kind === 'other' && type.system === target.system && type.name === target.name
    ? yes
    : mismatch(native, type);
}

/**
 * For a system whose keys have a length limit: a key column without limit gets `openLength` when the table is created, and is accepted
 * with it in an existing table.
 */
export function acceptsAsKey(
  { type: target }: Column,
  type: ColumnType,
  openLength: number,
): Acceptance | undefined {
  if ((target.kind !== 'text' && target.kind !== 'bytes') || target.isFixed) return undefined;
  if ((target.kind === 'bytes') !== (type.kind === 'bytes') || (target.maxLength ?? 0) < openLength)
    return undefined;
  const isText = type.kind === 'text' || type.kind === 'enum' || type.kind === 'bytes';
  return {
    isAccepted: true,
    ...(isText ? {} : { note: 'as text' }),
    misfits: `keys longer than ${target.maxLength} ${target.kind === 'bytes' ? 'bytes' : 'characters'} do not fit`,
  };
}

/** Maximum number of characters of the canonical text; undefined if no limit is known. */
export function longestText(type: ColumnType): number | undefined {
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
    case 'date':
      return 16;
    case 'time':
      return 32;
    case 'timestamp':
      return 48;
    case 'interval':
      return 255;
    case 'bit':
      return type.length;
    case 'decimal':
      return type.precision === undefined ? undefined : longestDecimal(type.precision, type.scale);
    default:
      return undefined;
  }
}

/** `-0.` before the digits. A scale may be negative (hundreds), or larger than the precision (0.00012). */
export function longestDecimal(precision: number, scale = 0): number {
  return Math.max(precision - Math.min(0, scale), scale) + 3;
}
