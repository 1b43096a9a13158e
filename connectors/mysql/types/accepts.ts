import type { Acceptance, ColumnUse } from '../../../core/column-plan.ts';
import type { Column, ColumnType } from '../../../core/values.ts';
import {
  acceptsAsKey,
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
import { partsOf } from './type-name.ts';

/** Whether an existing column keeps every value of `type`. If it would silently change a value, it is refused. */
export function accepts(existing: Column, type: ColumnType, use?: ColumnUse): Acceptance {
  const acceptance = withCharacters(existing, type, acceptsAny(existing, type));
  return acceptance.isAccepted || !use?.isKey
    ? acceptance
    : (acceptsAsKey(existing, type, openKeyLength) ?? acceptance);
}

const asciiKinds = new Set([
  'boolean',
  'int',
  'float',
  'decimal',
  'uuid',
  'date',
  'time',
  'timestamp',
  'interval',
  'bit',
]);

/** A column with a character set other than utf8mb4 does not keep every character; its collation shows the character set. */
function withCharacters(
  { type: target, collation }: Column,
  type: ColumnType,
  acceptance: Acceptance,
): Acceptance {
  const characterSet = collation?.split('_')[0];
  const isWhole = characterSet === undefined || characterSet === 'utf8mb4';
  if (isWhole || target.kind !== 'text' || asciiKinds.has(type.kind) || !acceptance.isAccepted)
    return acceptance;
  const misfits = `characters that ${characterSet} does not have do not fit`;
  return { ...acceptance, misfits: acceptance.misfits ? `${acceptance.misfits}; ${misfits}` : misfits };
}

/**
 * Keys have a length limit in MySQL. A key column without limit gets this length when the table is created, and is accepted with it in an
 * existing table.
 */
export const openKeyLength = 255;

function acceptsAny(existing: Column, type: ColumnType): Acceptance {
  const { type: target, nativeType: native } = existing;
  if (partsOf(native).base === 'year' && type.kind === 'int') {
    return { isAccepted: true, misfits: 'YEAR has 0 and the years 1901 to 2155' };
  }
  switch (target.kind) {
    case 'text':
      return acceptsAsText(target, type, native);
    case 'int':
      if (type.kind === 'boolean') return yes;
      return type.kind === 'int' && isWithin(intRange(type), intRange(target)) ? yes : mismatch(native, type);
    case 'float':
      return acceptsAsFloat(target, type, native);
    case 'decimal':
      return acceptsAsDecimal(target, type, native);
    case 'timestamp':
      return acceptsAsTimestamp(target, type, native);
    case 'time':
      if (type.kind !== 'time' || type.hasZone) return mismatch(native, type);
      return type.precision <= target.precision
        ? yes
        : no(`${native} keeps ${target.precision} digits of a second`);
    case 'bytes':
      return type.kind === 'bytes' ? acceptsBytes(target, type, native) : mismatch(native, type);
    case 'json':
      return acceptsAsJson(type, native);
    case 'enum':
      return type.kind === 'enum' ? acceptsLabels(target, type, native) : mismatch(native, type);
    case 'bit':
      if (type.kind !== 'bit' || type.isVarying) return mismatch(native, type);
      return type.length === target.length ? yes : no(`${native} has another length`);
    case 'other':
      return acceptsOther(target, type, native);
    case 'date':
      return type.kind === 'date'
        ? { isAccepted: true, misfits: 'MySQL has the years 1 to 9999', isRare: true }
        : mismatch(native, type);
    default:
      return type.kind === target.kind ? yes : mismatch(native, type);
  }
}

function acceptsAsText(target: Of<'text'>, type: ColumnType, native: string): Acceptance {
  if (type.kind === 'bytes') return mismatch(native, type);
  const length = longestText(type);
  const limit = target.maxBytes !== undefined ? Math.floor(target.maxBytes / 4) : target.maxLength;
  if (target.isFixed && !keepsInChar(type, target.maxLength)) {
    return no(`${native} removes trailing spaces`);
  }
  if (isEnoughBytes(target, type)) return yes;
  if (limit !== undefined && (length === undefined || length > limit)) {
    const bytes = 'bytes (up to four a character)';
    return no(
      target.maxBytes === undefined
        ? whyNarrower(native, target.maxLength, 'characters')
        : whyNarrower(native, target.maxBytes, bytes),
    );
  }
  if (type.kind === 'text' || type.kind === 'enum') return yes;
  if (type.kind === 'untyped')
    return { isAccepted: true, note: 'numbers arrive as text', misfits: 'a blob is not text' };
  if (type.kind === 'array') return { isAccepted: true, note: 'as a JSON array' };
  return asText;
}

/** The type's name alone is not enough: PostgreSQL's text has no limit, MySQL's holds 65,535 bytes. */
function whyNarrower(native: string, limit: number | undefined, unit: string): string {
  return `MySQL's ${native} keeps ${(limit ?? 0).toLocaleString('en-US')} ${unit}, and the source's may be longer`;
}

/** Both limits are in bytes. */
function isEnoughBytes(target: Of<'text'>, type: ColumnType): boolean {
  return (
    type.kind === 'text' &&
    type.maxBytes !== undefined &&
    target.maxBytes !== undefined &&
    type.maxBytes <= target.maxBytes
  );
}

function keepsInChar(type: ColumnType, length: number | undefined): boolean {
  if (type.kind === 'uuid') return true;
  return type.kind === 'text' && type.isFixed === true && (type.maxLength ?? 0) <= (length ?? 0);
}

export const minusZero = 'MariaDB stores minus zero as zero';

function acceptsAsFloat(target: Of<'float'>, type: ColumnType, native: string): Acceptance {
  const misfits = 'MySQL has no NaN and no infinities';
  if (type.kind === 'float') {
    return type.bits <= target.bits
      ? { isAccepted: true, note: minusZero, misfits, isRare: true }
      : no(`${native} is less precise`);
  }
  if (type.kind === 'int' && type.bits <= (target.bits === 64 ? 32 : 16)) return yes;
  return mismatch(native, type);
}

function acceptsAsDecimal(target: Of<'decimal'>, type: ColumnType, native: string): Acceptance {
  if (type.kind !== 'int' && type.kind !== 'decimal') return mismatch(native, type);
  const { precision = 10, scale: targetScale = 0 } = target;
  if (type.kind === 'decimal' && type.precision === undefined) {
    return {
      isAccepted: true,
      misfits: `${native} keeps ${precision - targetScale} digits before the point and ${targetScale} after it`,
    };
  }
  const { whole, scale } = digitsOf(type);
  const fitsDigits = scale <= targetScale && whole <= precision - targetScale;
  if (!fitsDigits) return no(`${native} has fewer digits`);
  const isNegative = type.kind === 'decimal' ? !type.isUnsigned : intRange(type).min < 0n;
  return target.isUnsigned && isNegative ? no(`${native} has no negative numbers`) : yes;
}

function digitsOf(type: Of<'int'> | Of<'decimal'>): { readonly whole: number; readonly scale: number } {
  if (type.kind === 'int') return { whole: String(intRange(type).max).length, scale: 0 };
  const scale = type.scale ?? 0;
  return { whole: Math.max(0, (type.precision ?? 0) - scale), scale: Math.max(0, scale) };
}

function acceptsAsTimestamp(target: Of<'timestamp'>, type: ColumnType, native: string): Acceptance {
  if (type.kind === 'date')
    return target.hasZone ? mismatch(native, type) : { isAccepted: true, note: 'as midnight' };
  if (type.kind !== 'timestamp') return mismatch(native, type);
  if (type.precision > target.precision) {
    return no(`${native} keeps ${target.precision} digits of a second, not ${type.precision}`);
  }
  if (/^timestamp/i.test(native)) {
    if (!type.hasZone) return no(`${native} holds instants, and the source's timestamp has no zone`);
    return { isAccepted: true, misfits: 'TIMESTAMP has the years 1970 to 2038' };
  }
  const misfits = 'MySQL has the years 1 to 9999';
  return type.hasZone && !target.hasZone
    ? { isAccepted: true, note: 'in UTC', misfits, isRare: true }
    : { isAccepted: true, misfits, isRare: true };
}

function acceptsBytes(target: Of<'bytes'>, type: Of<'bytes'>, native: string): Acceptance {
  if (target.isFixed) {
    const isSame = type.isFixed && type.maxLength === target.maxLength;
    return isSame ? yes : no(`${native} pads shorter values with zeros`);
  }
  const isEnough =
    target.maxLength === undefined || (type.maxLength ?? Number.POSITIVE_INFINITY) <= target.maxLength;
  return isEnough ? yes : no(whyNarrower(native, target.maxLength, 'bytes'));
}

/** MariaDB's JSON is a text. MySQL's keeps 64-bit integers and doubles, so the encoder checks each number (encode.ts). */
function acceptsAsJson(type: ColumnType, native: string): Acceptance {
  if (type.kind !== 'json' && type.kind !== 'array') return mismatch(native, type);
  if (partsOf(native).base !== 'json') return yes;
  return {
    isAccepted: true,
    note: 'as MySQL writes JSON: names in its own order, only the last of equal names',
    misfits: 'numbers that fit neither 64 bits nor a double',
  };
}
