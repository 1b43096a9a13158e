import type { RawRequest } from '../../../core/batch.ts';
import { canonicalCheck } from '../../../core/canonical-check.ts';
import type { PlannedColumn } from '../../../core/column-plan.ts';
import type { WritePlan } from '../../../core/connector.ts';
import type { ColumnType, Row, Value } from '../../../core/values.ts';
import { isNumbered, nullNotNumbered } from '../../sql/destination/numbered-columns.ts';
import { arrayJson } from '../../sql/types/array-json.ts';
import { keepsNumbers } from './json-numbers.ts';
import { isBinaryOther, partsOf } from './type-name.ts';

/** Why a value cannot be stored, without the value. */
export class Misfit {
  readonly why: string;
  constructor(why: string) {
    this.why = why;
  }
}

export type Encode = (value: Exclude<Value, null>) => string | Misfit;

/**
 * How the text of a column in a line becomes its value: as it is, from hexadecimal digits, from binary digits, or as a FLOAT, because the
 * largest FLOAT as PostgreSQL writes it is out of range.
 */
export type Form = 'text' | 'hex' | 'bits' | 'float';

/** One column of the loaded lines. */
export interface LoadColumn {
  readonly name: string;
  readonly form: Form;
  readonly encode: Encode;
  /** The table would replace NULL with a number or time of its own. */
  readonly isFilled: boolean;
}

const binaryTypes = new Set(['binary', 'varbinary', 'tinyblob', 'blob', 'mediumblob', 'longblob']);
const textTypes = new Set(['char', 'varchar', 'tinytext', 'text', 'mediumtext', 'longtext']);

export function loadColumn(planned: PlannedColumn, plan: WritePlan, isMariaDb: boolean): LoadColumn {
  const native = baseOf(planned, isMariaDb);
  const encode = encoderOf(planned.source.type, native);
  return { name: planned.name, form: formOf(native), encode, isFilled: isFilled(planned, plan) };
}

/** A TIMESTAMP that is NOT NULL turns NULL into the current time: on MariaDB always, on MySQL in LOAD DATA. */
function isFilled(planned: PlannedColumn, plan: NumberedPlan): boolean {
  const { existing } = planned;
  const isTimestamp = existing !== null && partsOf(existing.nativeType).base === 'timestamp';
  return isNumbered(planned, plan) || (isTimestamp && !existing.isNullable);
}

function formOf(native: string): Form {
  if (binaryTypes.has(native) || isBinaryOther(native)) return 'hex';
  return native === 'bit' ? 'bits' : native === 'float' ? 'float' : 'text';
}

/** MariaDB's JSON is an alias of LONGTEXT. */
function baseOf(planned: PlannedColumn, isMariaDb: boolean): string {
  const { base } = partsOf(planned.existing?.nativeType ?? planned.ddl);
  return isMariaDb && base === 'json' ? 'longtext' : base;
}

/** The parts of a plan that show which columns the table numbers itself. */
interface NumberedPlan extends Pick<WritePlan, 'key' | 'hasUniqueKey'> {
  readonly columns: Pick<WritePlan['columns'], 'columns'>;
}

/**
 * How a source could produce the lines itself. Undefined if a value must be checked first: YEAR takes `70` for 1970, MySQL's JSON
 * converts long numbers to doubles, a NULL that the table would fill is refused, and the type in an untyped column is known only from the
 * value.
 */
export function tsvRequest(plan: NumberedPlan, isMariaDb: boolean): RawRequest | undefined {
  const as: string[] = [];
  for (const planned of plan.columns.columns) {
    if (planned.source.isNullable && isFilled(planned, plan)) return undefined;
    const encoding = tsvEncoding(planned.source.type, baseOf(planned, isMariaDb));
    if (encoding === undefined) return undefined;
    as.push(encoding);
  }
  return { format: 'tsv', as };
}

function tsvEncoding(type: ColumnType, native: string): string | undefined {
  if (native === 'year' || native === 'json' || isBinaryOther(native)) return undefined;
  switch (type.kind) {
    case 'untyped':
      return undefined;
    case 'boolean':
      return textTypes.has(native) ? undefined : 'boolean01';
    case 'bytes':
      return binaryTypes.has(native) ? 'hex' : undefined;
    case 'timestamp':
      if (!type.hasZone) return 'text';
      return textTypes.has(native) ? undefined : 'utc';
    case 'array':
    case 'json':
      return 'json';
    default:
      return 'text';
  }
}

/** Converts a canonical value of `source` to the text that LOAD DATA reads for a column of the native type. */
function encoderOf(source: ColumnType, native: string): Encode {
  if (native === 'year') return encodeYear;
  if (binaryTypes.has(native)) return encodeBytes;
  if (native === 'json') return encodeMysqlJson(source);
  const write = writerOf(source, native);
  const check = textTypes.has(native) ? undefined : canonicalCheck(source);
  if (!check) return write;
  return (value) => {
    const why = check(value);
    return why === undefined ? write(value) : new Misfit(why);
  };
}

function writerOf(source: ColumnType, native: string): Encode {
  if (source.kind === 'json') return encodeJson;
  if (source.kind === 'array') {
    return (value) => (Array.isArray(value) ? arrayJson(value, source.of) : encodeText(value));
  }
  if (textTypes.has(native)) return encodeText;
  switch (source.kind) {
    case 'boolean':
      return (value) => (value === true ? '1' : '0');
    case 'int':
      return shaped(/^-?\d+$/, 'not a valid integer');
    case 'float':
      return native === 'float'
        ? (value) => encodeFloat(typeof value === 'number' ? Math.fround(value) : value)
        : encodeFloat;
    case 'timestamp':
      return source.hasZone ? (value) => String(value).replace('Z', '') : encodeText;
    default:
      return encodeText;
  }
}

/** MySQL parses many texts that are not numbers as numbers, so only text with the form of a number is sent. */
function shaped(shape: RegExp, why: string): Encode {
  return (value) => {
    const text = encodeText(value);
    return typeof text === 'string' && !shape.test(text) ? new Misfit(why) : text;
  };
}

const encodeFloat = shaped(
  /^[+-]?(\d+(\.\d*)?|\.\d+)(e[+-]?\d+)?$/i,
  'MySQL has no NaN, no infinities and no text as a number',
);

function encodeText(value: Exclude<Value, null>): string | Misfit {
  switch (typeof value) {
    case 'string':
      return value;
    case 'number':
      return Object.is(value, -0) ? '-0' : String(value);
    case 'boolean':
    case 'bigint':
      return String(value);
    default:
      return Buffer.isBuffer(value) ? new Misfit('a blob is not text') : new Misfit('MySQL has no arrays');
  }
}

function encodeBytes(value: Exclude<Value, null>): string | Misfit {
  return Buffer.isBuffer(value) ? value.toString('hex') : new Misfit('not bytes');
}

/** Two digits would mean a year of this or the last century, and `0` the year 2000. */
function encodeYear(value: Exclude<Value, null>): string | Misfit {
  const year = Number(value);
  if (year === 0) return '0000';
  return year >= 1901 && year <= 2155 ? String(year) : new Misfit('YEAR has 0 and the years 1901 to 2155');
}

function encodeMysqlJson(source: ColumnType): Encode {
  return (value) => {
    const isArray = source.kind === 'array' && Array.isArray(value);
    const text = isArray ? arrayJson(value, source.of) : encodeText(value);
    if (typeof text !== 'string') return text;
    return keepsNumbers(text) ? text : new Misfit("MySQL's JSON would change a number in it");
  };
}

/** A text column would accept any text. */
function encodeJson(value: Exclude<Value, null>): string | Misfit {
  const text = encodeText(value);
  if (typeof text !== 'string') return text;
  try {
    JSON.parse(text);
    return text;
  } catch {
    return new Misfit('not valid JSON');
  }
}

const escapes: Readonly<Record<string, string>> = { '\\': '\\\\', '\n': '\\n', '\r': '\\r', '\t': '\\t' };

function escaped(text: string): string {
  return /[\\\n\r\t]/.test(text) ? text.replaceAll(/[\\\n\r\t]/g, (char) => escapes[char] ?? char) : text;
}

export interface RefusedValue {
  readonly column: string;
  readonly why: string;
  readonly code: 'ValueNotKept' | 'ConstraintViolated';
}

/** The line of a row, or the column and reason why it has none. */
export function encodeRow(row: Row, columns: readonly LoadColumn[]): string | RefusedValue {
  let line = '';
  for (let index = 0; index < columns.length; index++) {
    if (index > 0) line += '\t';
    const value = row[index];
    const column = columns[index];
    if (value === null && column?.isFilled)
      return { column: column.name, why: nullNotNumbered, code: 'ConstraintViolated' };
    if (value === null || value === undefined || !column) {
      line += '\\N';
      continue;
    }
    const text = column.encode(value);
    if (typeof text !== 'string') return { column: column.name, why: text.why, code: 'ValueNotKept' };
    line += escaped(text);
  }
  return `${line}\n`;
}
