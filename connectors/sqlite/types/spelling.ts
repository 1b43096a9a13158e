import { withoutEnd } from '../../../core/text-end.ts';
import type { ColumnType } from '../../../core/values.ts';
import { canonicalUuid, plainDigits, type Stored } from './decode.ts';
import { canonicalTimestamp } from './time-text.ts';

/**
 * SQLite stores most types as text and compares the texts: a UUID in two cases, `1.0` and `1.00`, or a time with `T` and with a blank are
 * different keys in SQLite and one key elsewhere.
 */
export interface Spelling {
  /** Different texts of one style are different values everywhere; texts of `noStyle` may be the same value. */
  styleOf(stored: Stored): string;
  /** Equal for values that another system treats as equal. */
  keyOf(stored: Stored): string;
}

export const noStyle = '';

/** Undefined if different values of the type are different values everywhere, or are refused when they are written. */
export function spellingOf(type: ColumnType): Spelling | undefined {
  switch (type.kind) {
    case 'uuid':
      return ofText(styleOfUuid, canonicalUuid);
    case 'decimal':
      return ofText(styleOfDecimal, normalDecimal);
    case 'time':
      return ofText(styleOfTime, normalTime);
    case 'timestamp':
      return ofText(styleOfTime, (text) => normalTime(canonicalTimestamp(text, false)));
    case 'bit':
      return ofText(
        (text) => String(text.length),
        (text) => text.replace(/^0+(?=.)/, ''),
      );
    case 'untyped':
      return { styleOf: kindOf, keyOf: plainText };
    default:
      return undefined;
  }
}

function ofText(styleOf: (text: string) => string, keyOf: (text: string) => string): Spelling {
  return {
    styleOf: (stored) => (typeof stored === 'string' ? styleOf(stored) : kindOf(stored)),
    keyOf: (stored) => keyOf(plainText(stored)),
  };
}

function kindOf(stored: Stored): string {
  return typeof stored === 'bigint' ? 'number' : stored instanceof Uint8Array ? 'bytes' : typeof stored;
}

function plainText(stored: Stored): string {
  if (stored instanceof Uint8Array) return `x'${Buffer.from(stored).toString('hex')}'`;
  return typeof stored === 'number' ? plainDigits(stored) : String(stored);
}

/** Digits only are the same text in both cases. */
function styleOfUuid(text: string): string {
  const shape = text.replaceAll(/[0-9a-f]/gi, 'x');
  if (!/[A-F]/.test(text)) return `${shape} lower`;
  return /[a-f]/.test(text) ? noStyle : `${shape} upper`;
}

function styleOfDecimal(text: string): string {
  const match = /^-?(?:0|[1-9]\d*)(?:\.(\d+))?$/.exec(text);
  return match && !/^-[0.]*$/.test(text) ? `scale ${match[1]?.length ?? 0}` : noStyle;
}

function normalDecimal(text: string): string {
  const match = /^([+-]?)(\d*)(?:\.(\d*))?$/.exec(text);
  if (!match || text.length === 0) return text;
  const [, sign, digits = '', behind = ''] = match;
  const whole = digits.replace(/^0+/, '') || '0';
  const fraction = withoutEnd(behind, '0');
  const value = fraction === '' ? whole : `${whole}.${fraction}`;
  return sign === '-' && value !== '0' ? `-${value}` : value;
}

/** All characters except the digits, including the zone. */
function styleOfTime(text: string): string {
  const zone = /[+-]\d{2}(:?\d{2}){0,2}$/.exec(text.slice(5))?.[0] ?? '';
  return text.slice(0, text.length - zone.length).replaceAll(/\d/g, '0') + zone;
}

function normalTime(text: string): string {
  const [, start = text, fraction = '', end = ''] = /^([^.]*)\.(\d*)((?:[Z+-].*)?)$/s.exec(text) ?? [];
  const kept = withoutEnd(fraction, '0');
  return `${start}${kept === '' ? '' : `.${kept}`}${end}`
    .replace(/^(-?)0+(?=\d{2}:)/, '$1')
    .replace(/^-(?=[0:.]+$)/, '')
    .replace(/([+-]\d{2})(:00)+$/, '$1')
    .replace(/-00$/, '+00');
}
