import type { ReadColumn } from '../../../core/column-plan.ts';
import { type Converter, converterOf } from '../../../core/records/convert.ts';
import { Misfit } from '../../../core/records/misfit.ts';
import type { RecordColumn } from '../../../core/records/record-column.ts';
import type { ColumnType, Value } from '../../../core/values.ts';
import { type RecordNode, recordAccess } from './record-node.ts';

const [quote, comma, minus, point, zero, nine] = [0x22, 0x2c, 0x2d, 0x2e, 0x30, 0x39];
const [openBrace, closeBrace] = [0x7b, 0x7d];
/** Whole numbers with so many digits are exact as JavaScript numbers. */
const exactDigits = 15;
/** An escape, or a character that JSON does not allow in a text. */
// biome-ignore lint/suspicious/noControlCharactersInRegex: these are looked for
const special = /[\u0000-\u001f\\]/;

interface Cell {
  /** Where its value goes in a row. */
  readonly at: number;
  /** `"name":`. */
  readonly token: string;
  readonly type: ColumnType;
  readonly convert: Converter<RecordNode>;
}

/** What was scanned last. */
interface Scan {
  end: number;
  value: Value;
}

/**
 * Rows of JSON objects that a program writes: flat, without spaces, with their fields in one order. Such messages become rows in one walk
 * over the text, without objects between. Whatever is not of this form is left to the parser, so the result is the same.
 */
export class FlatJson {
  readonly #width: number;
  #cells: readonly Cell[];
  readonly #scan: Scan = { end: 0, value: null };
  #misses = 0;

  /** Undefined: a column is not a field of the object itself. */
  static of(columns: readonly RecordColumn[], read: readonly ReadColumn[]): FlatJson | undefined {
    const cells: Cell[] = [];
    for (const { name, path } of columns) {
      const at = read.findIndex(({ column }) => column.name === name);
      const column = read[at]?.column;
      // A field that is not read is unknown to this walk.
      if (!column || !/^[^.[\]]+$/.test(path) || JSON.stringify(path) !== `"${path}"`) return undefined;
      const convert = converterOf(column.type, recordAccess);
      cells.push({ at, token: `${JSON.stringify(path)}:`, type: column.type, convert });
    }
    return cells.length === 0 ? undefined : new FlatJson(cells, read.length);
  }

  private constructor(cells: readonly Cell[], width: number) {
    this.#cells = cells;
    this.#width = width;
  }

  /** The row, with null for columns that are not in the object; undefined: use the parser. */
  row(text: string): Value[] | undefined {
    if (this.#misses > mostMisses) return undefined;
    const row = this.#walk(text);
    if (row) this.#misses = 0;
    else this.#misses += 1;
    return row;
  }

  #walk(text: string): Value[] | undefined {
    const cells = this.#cells;
    if (text.charCodeAt(0) !== openBrace) return undefined;
    const row: Value[] = new Array(this.#width).fill(null);
    let position = 1;
    for (let index = 0; ; index++) {
      // Fields that are left out are NULL.
      while (index < cells.length && !text.startsWith((cells[index] as Cell).token, position)) index++;
      const cell = cells[index];
      if (!cell) return undefined;
      if (!this.#value(text, position + cell.token.length, cell)) return undefined;
      row[cell.at] = this.#scan.value;
      position = this.#scan.end;
      const next = text.charCodeAt(position);
      if (next === comma) position += 1;
      else return next === closeBrace && position === text.length - 1 ? row : undefined;
    }
  }

  #value(text: string, from: number, cell: Cell): boolean {
    const code = text.charCodeAt(from);
    if (code === quote) return this.#text(text, from, cell);
    if (code === minus || (code >= zero && code <= nine)) return this.#number(text, from, cell);
    for (const [word, node] of words) {
      if (!text.startsWith(word, from)) continue;
      return this.#converted(node, from + word.length, cell);
    }
    return false;
  }

  #text(text: string, from: number, cell: Cell): boolean {
    const end = text.indexOf('"', from + 1);
    if (end < 0) return false;
    const value = text.slice(from + 1, end);
    if (special.test(value)) return false;
    if (cell.type.kind !== 'text' || cell.type.maxLength !== undefined)
      return this.#converted(value, end + 1, cell);
    this.#scan.value = value;
    this.#scan.end = end + 1;
    return true;
  }

  #number(text: string, from: number, { type }: Cell): boolean {
    const isNegative = text.charCodeAt(from) === minus;
    const start = isNegative ? from + 1 : from;
    let [at, whole] = [start, 0];
    let code = text.charCodeAt(at);
    for (; code >= zero && code <= nine; code = text.charCodeAt(++at)) whole = whole * 10 + (code - zero);
    const digits = at - start;
    let fraction = 0;
    if (code === point) {
      const first = at + 1;
      do code = text.charCodeAt(++at);
      while (code >= zero && code <= nine);
      fraction = at - first;
      if (fraction === 0) return false;
    }
    // Exponents, zeros in front, minus zero and very long numbers are left to the parser.
    const isPlain = (code === comma || code === closeBrace) && digits > 0 && digits + fraction <= exactDigits;
    if (!isPlain || (text.charCodeAt(start) === zero && digits > 1) || (isNegative && whole === 0))
      return false;
    const value = numberOf(type, text, from, at, { whole: isNegative ? -whole : whole, digits, fraction });
    if (value === undefined) return false;
    this.#scan.value = value;
    this.#scan.end = at;
    return true;
  }

  #converted(node: RecordNode, end: number, { convert }: Cell): boolean {
    const value = convert(node);
    if (value instanceof Misfit) return false;
    this.#scan.value = value;
    this.#scan.end = end;
    return true;
  }
}

/** After so many messages in a row of another form, the walk is not tried any more. */
const mostMisses = 100;

const words: readonly (readonly [string, RecordNode])[] = [
  ['null', null],
  ['true', true],
  ['false', false],
];

interface Digits {
  readonly whole: number;
  readonly digits: number;
  readonly fraction: number;
}

/** The canonical value of a number; undefined: it may not fit the column. */
function numberOf(
  type: ColumnType,
  text: string,
  from: number,
  end: number,
  { whole, digits, fraction }: Digits,
): Value | undefined {
  switch (type.kind) {
    case 'int':
      if (fraction > 0 || type.isUnsigned) return undefined;
      if (type.bits === 64) return BigInt(whole);
      return Math.abs(whole) < 2 ** (type.bits - 1) ? whole : undefined;
    case 'decimal': {
      const { precision, scale = 0 } = type;
      const fits = precision === undefined || (fraction <= scale && digits <= precision - scale);
      return fits && !type.isUnsigned ? text.slice(from, end) : undefined;
    }
    case 'float':
      return type.bits === 64 ? Number(text.slice(from, end)) : undefined;
    default:
      return undefined;
  }
}
