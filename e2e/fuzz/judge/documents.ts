import { canonical } from '../../pairs/canonical.ts';
import type { Kind } from '../../pairs/type-case.ts';
import type { DocumentValue } from '../document-reader.ts';
import { canonicalText } from '../table-reader.ts';

/**
 * Whether a column of this kind has the value of a document, as docs/columns.md says. `any`: a value of another document, whose own type is
 * not known here.
 */
export function isKept(value: DocumentValue, found: string, kind: Kind | 'any'): boolean {
  switch (kind) {
    case 'any':
      return (
        found === value.plain ||
        isSameNumber(value, found) ||
        isSameTime(value, found) ||
        isSameJson(value.json, found) ||
        isTextOf(value, found)
      );
    case 'json':
      return isSameJson(value.json, found);
    case 'int':
      // MySQL and MariaDB have no type of their own for true and false.
      return (
        isSameNumber(value, found) ||
        (value.type === 'boolean' && canonical('boolean', found) === value.plain)
      );
    case 'decimal':
      return isSameNumber(value, found);
    case 'float32':
    case 'float64':
      return isNumber(value) && isSameFloat(Number(found), Number(value.plain));
    case 'boolean':
      return canonical('boolean', found) === value.plain && ['boolean', 'text'].includes(value.type);
    case 'timestamp':
    case 'date':
      return isSameTime(value, found);
    case 'bytes':
      return isSameBytes(value, found);
    default:
      return isTextOf(value, found);
  }
}

/** A text column accepts every scalar: numbers as they are written, times in ISO 8601, bytes in base64. Some systems keep JSON as text. */
function isTextOf(value: DocumentValue, found: string): boolean {
  if (isSameJson(value.json, found)) return true;
  switch (value.type) {
    case 'number':
      return isSameNumber(value, found);
    case 'date':
      return isSameTime(value, found);
    case 'bytes':
      return Buffer.from(value.plain, 'hex').toString('base64') === found;
    case 'json':
      return false;
    case 'other':
      return true;
    default:
      return value.plain === found;
  }
}

function isNumber({ type, plain }: DocumentValue): boolean {
  return type === 'number' || (type === 'text' && plain !== '' && Number.isFinite(Number(plain)));
}

function isSameNumber(value: DocumentValue, found: string): boolean {
  return isNumber(value) && digitsOf(value.plain) === digitsOf(found);
}

function isSameFloat(one: number, other: number): boolean {
  return one === other || (Number.isNaN(one) && Number.isNaN(other));
}

function isSameTime({ type, plain }: DocumentValue, found: string): boolean {
  if (type !== 'date' && type !== 'text') return false;
  const one = canonicalText('timestamp', plain);
  const other = canonicalText('timestamp', found.replace(/(\d)T(\d)/, '$1 $2').replace(/Z$/, ''));
  return one === other;
}

function isSameBytes({ type, plain }: DocumentValue, found: string): boolean {
  if (type === 'uuid') return plain.replaceAll('-', '') === found;
  return type === 'text' ? Buffer.from(plain, 'base64').toString('hex') === found : plain === found;
}

/** A number as a sign, its digits without zeros at the ends, and an exponent; other texts as they are. */
export function digitsOf(text: string): string {
  const match = /^([+-]?)(\d+)(?:\.(\d*))?(?:[eE]([+-]?\d+))?$/.exec(text);
  if (!match) return text;
  const [, sign = '', whole = '', fraction = '', exponent = '0'] = match;
  const digits = `${whole}${fraction}`.replace(/^0+/, '');
  if (digits === '') return '0';
  const short = digits.replace(/0+$/, '');
  const power = Number(exponent) - fraction.length + (digits.length - short.length);
  return `${sign === '-' ? '-' : ''}${short}e${power}`;
}

/** Numbers are compared by their value: databases write them in their own way. */
export function isSameJson(one: string, other: string): boolean {
  return canonicalNumbers(one) === canonicalNumbers(other);
}

function canonicalNumbers(text: string): string {
  const keep = (name: string, value: unknown, context: { readonly source?: string }) => {
    if (typeof value === 'number') return `#${digitsOf(context.source ?? '')}`;
    return name === '$numberDecimal' ? digitsOf(String(value)) : value;
  };
  try {
    // The third argument is not in this TypeScript version's types yet.
    return JSON.stringify(sorted(JSON.parse(text, keep as (name: string, value: unknown) => unknown)));
  } catch {
    return `not JSON: ${text}`;
  }
}

function sorted(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(sorted);
  if (typeof value !== 'object' || value === null) return value;
  const fields = Object.entries(value).sort(([one], [other]) => (one < other ? -1 : 1));
  return Object.fromEntries(fields.map(([name, each]) => [name, sorted(each)]));
}
