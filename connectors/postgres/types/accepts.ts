import type { Acceptance } from '../../../core/column-plan.ts';
import { withoutEnd } from '../../../core/text-end.ts';
import type { Column, ColumnType } from '../../../core/values.ts';
import {
  acceptsLabels,
  acceptsOther,
  asText,
  longestText,
  mismatch,
  no,
  type Of,
  yes,
} from '../../sql/types/acceptance.ts';
import { intRange, isWithin } from '../../sql/types/int-range.ts';

/** Types that only the server writes: they accept no input, or no column can have them. */
export const withoutInput = new Set([
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

/** Whether an existing column keeps every value of `type`. */
export function accepts(existing: Column, type: ColumnType): Acceptance {
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
        ? { isAccepted: true, note: 'as jsonb writes it: without spaces, only the last of equal names' }
        : yes;
    case 'enum':
      return type.kind === 'enum' ? acceptsLabels(target, type, native) : mismatch(native, type);
    case 'array':
      return type.kind === 'array'
        ? acceptsType(target.of, type.of, withoutEnd(native, '[]'))
        : mismatch(native, type);
    case 'bit':
      return type.kind === 'bit' ? acceptsBits(target, type, native) : mismatch(native, type);
    case 'other':
      if (withoutInput.has(target.name)) return no(`${native} is written only by the server`);
      return acceptsOther(target, type, native);
    default:
      return type.kind === target.kind ? yes : mismatch(native, type);
  }
}

function acceptsAsText(target: Of<'text'>, type: ColumnType, native: string): Acceptance {
  if (type.kind === 'bytes' || type.kind === 'array') return mismatch(native, type);
  if (type.kind === 'text' && type.maxBytes !== undefined && type.maxBytes <= (target.maxBytes ?? 0))
    return yes;
  const length = longestText(type);
  const limit = target.maxBytes !== undefined ? Math.floor(target.maxBytes / 4) : target.maxLength;
  if (target.isFixed && !(type.kind === 'text' && type.isFixed && type.maxLength === target.maxLength)) {
    return no(`${native} pads shorter values with spaces`);
  }
  if (limit !== undefined && (length === undefined || length > limit)) return no(`${native} is narrower`);
  if (type.kind === 'text' || type.kind === 'enum') return yes;
  if (type.kind === 'untyped')
    return { isAccepted: true, note: 'numbers arrive as text', misfits: 'a blob is not text' };
  return asText;
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
  if (whole === undefined)
    return no(`${native} has a fixed number of digits, and the source's numeric does not`);
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

function acceptsBits(target: Of<'bit'>, type: Of<'bit'>, native: string): Acceptance {
  if (!target.isVarying)
    return !type.isVarying && type.length === target.length ? yes : no(`${native} has a fixed length`);
  if (target.length === undefined) return yes;
  return type.length !== undefined && type.length <= target.length ? yes : no(`${native} is narrower`);
}
