import type { Acceptance, ColumnUse } from '../../../core/column-plan.ts';
import type { Column, ColumnType } from '../../../core/values.ts';
import {
  acceptsAsKey,
  acceptsOther,
  asText,
  longestText,
  mismatch,
  no,
  type Of,
  yes,
} from '../../sql/types/acceptance.ts';
import { intRange, isWithin } from '../../sql/types/int-range.ts';
import { partsOf } from './type-name.ts';

/** Keys have a length limit. A key column without limit gets this length when the table is created, and is accepted with it later. */
export const openKeyLength = 255;

/** Whether an existing column keeps every value of `type`. If it would silently change a value, it is refused. */
export function accepts(existing: Column, type: ColumnType, use?: ColumnUse): Acceptance {
  const { type: target, nativeType: native } = existing;
  const { base } = partsOf(native);
  const acceptance = byNative(base, native, type, use) ?? byKind(target, type, native, base);
  return acceptance.isAccepted || !use?.isKey
    ? acceptance
    : (acceptsAsKey(existing, type, openKeyLength) ?? acceptance);
}

/** Types of which the canonical type does not say everything. */
function byNative(
  base: string,
  native: string,
  type: ColumnType,
  use: ColumnUse | undefined,
): Acceptance | undefined {
  switch (base) {
    case 'datetime':
      return isOf(use, 'datetime', 'smalldatetime') ||
        (type.kind === 'timestamp' && type.precision === 0 && !type.hasZone)
        ? yearsFrom(1753, type, native)
        : no('datetime keeps every third or fourth millisecond: use datetime2');
    case 'smalldatetime':
      return isOf(use, 'smalldatetime') ? yes : no('smalldatetime keeps no seconds: use datetime2');
    case 'money':
    case 'smallmoney':
      return isOf(use, base) ? yes : undefined;
    case 'sql_variant':
      return no('a sql_variant does not keep the type of a value');
    case 'rowversion':
      return no('the server numbers a rowversion itself');
    case 'hierarchyid':
    case 'geometry':
    case 'geography':
    case 'xml':
      return isOf(use, base) ? yes : mismatch(native, type);
    default:
      return undefined;
  }
}

function isOf(use: ColumnUse | undefined, ...bases: readonly string[]): boolean {
  return use?.nativeType !== undefined && bases.includes(partsOf(use.nativeType).base);
}

function yearsFrom(year: number, type: ColumnType, native: string): Acceptance {
  if (type.kind !== 'timestamp') return mismatch(native, type);
  return { isAccepted: true, misfits: `${native} has the years ${year} to 9999`, isRare: true };
}

function byKind(target: ColumnType, type: ColumnType, native: string, base: string): Acceptance {
  switch (target.kind) {
    case 'text':
      return acceptsAsText(target, type, native, base);
    case 'boolean':
      return type.kind === 'boolean' ? yes : mismatch(native, type);
    case 'int':
      if (type.kind === 'boolean') return yes;
      return type.kind === 'int' && isWithin(intRange(type), intRange(target)) ? yes : mismatch(native, type);
    case 'float':
      return acceptsAsFloat(target, type, native);
    case 'decimal':
      return acceptsAsDecimal(target, type, native, base);
    case 'timestamp':
      return acceptsAsTimestamp(target, type, native);
    case 'time':
      if (type.kind !== 'time' || type.hasZone || type.isDuration) return mismatch(native, type);
      return type.precision <= target.precision
        ? rare('SQL Server has no time 24:00:00')
        : digits(native, target);
    case 'bytes':
      return acceptsAsBytes(target, type, native);
    case 'json':
      return type.kind === 'json' ? yes : mismatch(native, type);
    case 'date':
      return type.kind === 'date' ? rare('SQL Server has the years 1 to 9999') : mismatch(native, type);
    case 'other':
      return acceptsOther(target, type, native);
    default:
      return type.kind === target.kind ? yes : mismatch(native, type);
  }
}

function rare(misfits: string): Acceptance {
  return { isAccepted: true, misfits, isRare: true };
}

function digits(native: string, { precision }: { readonly precision: number }): Acceptance {
  return no(`${native} keeps ${precision} digits of a second`);
}

const inPlane = 'characters outside the basic plane count twice';

function acceptsAsText(target: Of<'text'>, type: ColumnType, native: string, base: string): Acceptance {
  if (type.kind === 'bytes') return mismatch(native, type);
  const length = longestText(type);
  const limit = target.maxLength;
  if (target.isFixed && !isPadded(type, limit)) return no(`${native} adds trailing blanks`);
  if (limit !== undefined && (length === undefined || length > limit))
    return no(`${native} keeps ${limit.toLocaleString('en-US')} characters, and the source's may be longer`);
  const isText = type.kind === 'text' || type.kind === 'enum' || type.kind === 'untyped';
  const misfits = [
    ...(isText && /^(var)?char$|^text$/.test(base)
      ? ['characters that its collation does not have do not fit']
      : []),
    ...(type.kind === 'untyped' ? ['a blob is not text'] : []),
  ];
  const misfit = misfits.length > 0 ? { misfits: misfits.join('; ') } : undefined;
  const few =
    isText && limit !== undefined && (length ?? 0) * 2 > limit
      ? { misfits: inPlane, isRare: true as const }
      : {};
  const known = misfit ?? few;
  if (type.kind === 'text' || type.kind === 'enum') return { isAccepted: true, ...known };
  if (type.kind === 'untyped') return { isAccepted: true, note: 'numbers arrive as text', ...known };
  if (type.kind === 'array') return { isAccepted: true, note: 'as a JSON array' };
  return asText;
}

function isPadded(type: ColumnType, limit: number | undefined): boolean {
  return type.kind === 'text' && type.isFixed === true && type.maxLength === limit;
}

function acceptsAsFloat(target: Of<'float'>, type: ColumnType, native: string): Acceptance {
  if (type.kind === 'int') {
    const most = target.bits === 64 ? 32 : 16;
    return type.bits <= most ? yes : mismatch(native, type);
  }
  if (type.kind !== 'float') return mismatch(native, type);
  return type.bits <= target.bits
    ? rare('SQL Server has no NaN and no infinities')
    : no(`${native} has single precision`);
}

function acceptsAsDecimal(target: Of<'decimal'>, type: ColumnType, native: string, base: string): Acceptance {
  const scale = target.scale ?? 0;
  const whole = (target.precision ?? 0) - scale;
  if (type.kind === 'int') {
    const range = intRange(type);
    const most = 10n ** BigInt(whole);
    return range.max < most && -range.min < most ? yes : mismatch(native, type);
  }
  if (type.kind !== 'decimal') return mismatch(native, type);
  if (type.precision === undefined) {
    const misfits = `SQL Server keeps ${whole} digits before the point and ${scale} after it, no NaN and no infinities`;
    return target.precision === 38
      ? { isAccepted: true, misfits }
      : no(`${native} keeps ${whole} digits before the point`);
  }
  const fraction = Math.max(0, type.scale ?? 0);
  const needed = type.precision - (type.scale ?? 0);
  if (fraction > scale) return no(`${native} keeps ${scale} digits after the point`);
  if (needed > whole) return no(`${native} keeps ${whole} digits before the point`);
  if (base.endsWith('money') && needed === whole)
    return { isAccepted: true, misfits: `${native} ends at 922337203685477.5807 or 214748.3647` };
  return rare('SQL Server has no NaN');
}

function acceptsAsTimestamp(target: Of<'timestamp'>, type: ColumnType, native: string): Acceptance {
  if (type.kind !== 'timestamp') return mismatch(native, type);
  if (type.hasZone !== target.hasZone)
    return no(`${native} has ${target.hasZone ? 'a zone, and the source has none' : 'no zone'}`);
  if (type.precision > target.precision) return digits(native, target);
  return rare('SQL Server has the years 1 to 9999 and no infinities');
}

function acceptsAsBytes(target: Of<'bytes'>, type: ColumnType, native: string): Acceptance {
  if (type.kind !== 'bytes') return mismatch(native, type);
  const { maxLength } = target;
  if (target.isFixed && !(type.isFixed && type.maxLength === maxLength))
    return no(`${native} adds zero bytes`);
  if (maxLength === undefined || (type.maxLength !== undefined && type.maxLength <= maxLength)) return yes;
  return no(`${native} keeps ${maxLength} bytes`);
}
