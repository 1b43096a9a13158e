import type { RowFormat } from '../../../core/batch.ts';
import { permanent } from '../../../core/errors.ts';
import type { Column } from '../../../core/values.ts';
import { quoteBacktick } from '../../sql/names.ts';
import type { SqlDialect } from '../../sql/types/dialect.ts';
import { isBinaryOther, labelsOf, partsOf } from './type-name.ts';

export const dialect: SqlDialect = {
  quote: quoteBacktick,
  literal,
  selectItem: (column: Column, _rowFormat: RowFormat) => selectItem(column),
  hasIndexedRowComparison: false,
};

/** Assumes that NO_BACKSLASH_ESCAPES is off: Idra sets the session's sql_mode. */
export function literalText(text: string): string {
  return `'${text.replaceAll('\\', '\\\\').replaceAll("'", "''").replaceAll('\0', '\\0')}'`;
}

/** Canonical text as a literal of the column's own type: a number is compared with a number, otherwise an index could not be used. */
function literal(text: string, column: Column): string {
  const { type } = column;
  switch (type.kind) {
    case 'boolean':
    case 'int':
    case 'decimal':
      return number(text === 'true' ? '1' : text === 'false' ? '0' : text, column);
    case 'float':
      return float(number(text, column), type.bits);
    case 'bytes':
      return `x'${digits(text, column, /^([0-9a-f]{2})*$/i)}'`;
    case 'bit':
      // MySQL compares b'..' with a column as doubles, which loses the last of 64 bits.
      return String(BigInt(`0b${digits(text, column, /^[01]+$/)}`));
    case 'timestamp':
      return literalText(text.replace(/Z$/, ''));
    case 'time':
      return `TIME${literalText(text)}`;
    case 'enum':
      return String(enumIndex(text, type.values, column));
    case 'other':
      return type.name.startsWith('set(') ? setMask(text, column) : literalText(text);
    default:
      return literalText(text);
  }
}

/** A FLOAT is compared as the double that it is; its shortest text (PostgreSQL's 0.1) denotes another double. */
function float(text: string, bits: 32 | 64): string {
  const exact = bits === 32 ? String(Math.fround(Number(text))) : text;
  return `${exact}${/e/i.test(exact) ? '' : 'e0'}`;
}

function number(text: string, column: Column): string {
  return digits(text, column, /^[+-]?(\d+(\.\d*)?|\.\d+)(e[+-]?\d+)?$/i);
}

function digits(text: string, column: Column, shape: RegExp): string {
  if (shape.test(text)) return text;
  throw permanent('OffsetInvalid', `the offset of column ${column.name} is not a valid ${column.nativeType}`);
}

/** Enums sort by position; compared with text they would sort by text. */
function enumIndex(text: string, labels: readonly string[], column: Column): number {
  const index = labels.indexOf(text);
  if (index >= 0) return index + 1;
  if (text === '') return 0;
  throw permanent('OffsetInvalid', `the offset of column ${column.name} is not one of its values`);
}

function setMask(text: string, column: Column): string {
  const members = labelsOf(partsOf(column.nativeType).inner);
  const chosen = text === '' ? [] : text.split(',');
  return String(chosen.reduce((mask, each) => mask | (1n << BigInt(Math.max(0, members.indexOf(each)))), 0n));
}

/**
 * The expression that returns the canonical value or its text: the server's text of a FLOAT has six digits, and the driver's numbers lose
 * the last ones.
 */
export function selectItem(column: Column): string {
  const name = quoteBacktick(column.name);
  const { type } = column;
  switch (type.kind) {
    case 'float':
      return type.bits === 32 ? `CONCAT(${name} * 1e0)` : `CONCAT(${name})`;
    case 'bit':
      return `LPAD(BIN(${name} + 0), ${type.length ?? 1}, '0')`;
    case 'other':
      return isBinaryOther(type.name) ? `LOWER(HEX(${name}))` : name;
    default:
      return name;
  }
}
