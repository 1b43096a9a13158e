import { isUtf8 } from 'node:buffer';
import { stepsOf } from '../../../core/records/columns.ts';
import { jsonAccess } from '../../../core/records/json.ts';
import { JsonError, type JsonValue, parseJson } from '../../../core/records/json-parser.ts';
import type { RecordColumn } from '../../../core/records/record-column.ts';
import type { RowMaker } from '../../../core/records/rows.ts';
import type { Column, Value } from '../../../core/values.ts';
import { type JsonCursor, type ReadValue, skipValue, valueReader } from './json-values.ts';
import type { Position, PositionAt, RecordFormat } from './record-object.ts';

export interface JsonRowsInit<M> {
  /** Of the rows, in their order. */
  readonly columns: readonly Column[];
  readonly recordColumns: readonly RecordColumn[];
  readonly maker: Pick<RowMaker<JsonValue, M>, 'row' | 'unreadable'>;
  /** Values that are the same in each row of the object, by the names of their columns. */
  readonly constants: ReadonlyMap<string, Value>;
  /** The column with the number of the record; -1: there is none. */
  readonly counter: number;
  readonly of: (position: Position) => M;
  readonly nameOf: (position: Position) => string;
  /** Fields without a column are looked for. */
  readonly findsNewFields: boolean;
}

interface FieldPlan {
  readonly name: Buffer;
  /** -1: no column has it. */
  readonly column: number;
  readonly read: ReadValue;
}

const [openBrace, closeBrace, quote, colon, comma, backslash, lineBreak] = [
  0x7b, 0x7d, 0x22, 0x3a, 0x2c, 0x5c, 0x0a,
];

/**
 * Rows of lines of JSON. A line of the usual form (the fields of the columns, without escapes in their names) is read in one pass;
 * whatever else is left to the parser of core/records, which also says what does not fit. Both give the same rows.
 */
export class JsonRows<M> implements RecordFormat {
  readonly #init: JsonRowsInit<M>;
  readonly #template: readonly Value[];
  readonly #fields: ReadonlyMap<string, FieldPlan> | undefined;
  /** The fields of the last line in their order: most lines have the same. */
  readonly #order: FieldPlan[] = [];
  row: Value[] | undefined;
  readonly #required: readonly number[];
  readonly #cursor: JsonCursor;
  /** By column: the number of the line in which it was set last. */
  readonly #setIn: Int32Array;
  #lineCount = 0;
  readonly #block: JsonBlock = new JsonBlock();

  constructor(init: JsonRowsInit<M>) {
    this.#init = init;
    this.#template = init.columns.map(({ name }) => init.constants.get(name) ?? null);
    this.#fields = fieldPlans(init);
    this.#required = init.columns.flatMap(({ name, isNullable }, index) =>
      isNullable || init.constants.has(name) || index === init.counter ? [] : [index],
    );
    this.#setIn = new Int32Array(init.columns.length);
    this.#cursor = { buffer: Buffer.alloc(0), text: '', at: 0 };
  }

  endOf(buffer: Buffer, at: number, isLast: boolean, from: number): number {
    const found = buffer.indexOf(0x0a, Math.max(at, from));
    if (found >= 0) return found + 1;
    return isLast ? buffer.length : -1;
  }

  read(buffer: Buffer, at: number, isLast: boolean, from: number, positionAt: PositionAt): number {
    this.#block.enter(buffer);
    if (this.#block.isUsual && at < this.#block.end) {
      const row = this.#fastRow(buffer, at);
      if (row) {
        const { at: end } = this.#cursor;
        if (this.#init.counter >= 0) row[this.#init.counter] = BigInt(positionAt(end).records);
        this.row = row;
        return end;
      }
    }
    const end = this.endOf(buffer, at, isLast, from);
    if (end >= 0) this.row = this.#slowRow(buffer.subarray(at, end), positionAt(end));
    return end;
  }

  #slowRow(bytes: Buffer, position: Position): Value[] | undefined {
    const { maker, of, nameOf } = this.#init;
    if (bytes.every(isSpaceOrBreak)) return undefined;
    const name = nameOf(position);
    if (!isUtf8(bytes)) {
      maker.unreadable(name, 'is not valid UTF-8');
      return undefined;
    }
    let record: JsonValue;
    try {
      record = parseJson(bytes.toString('utf8'));
    } catch (thrown) {
      if (!(thrown instanceof JsonError)) throw thrown;
      maker.unreadable(name, `is not JSON: ${thrown.message}`);
      return undefined;
    }
    if (jsonAccess.read(record).kind !== 'object') {
      maker.unreadable(name, 'is not a JSON object');
      return undefined;
    }
    return maker.row(record, of(position), name);
  }

  /** Undefined: the line is not of the usual form. Its line break ends every loop, so nothing behind it is read. */
  #fastRow(buffer: Buffer, start: number): Value[] | undefined {
    if (!this.#fields || buffer[start] !== openBrace) return undefined;
    const row = this.#template.slice();
    const cursor = this.#cursor;
    cursor.buffer = buffer;
    cursor.text = this.#block.text;
    cursor.at = start + 1;
    this.#lineCount += 1;
    for (let index = 0; ; index++) {
      const field = this.#fieldAt(cursor, index);
      if (!field) return undefined;
      const value = field.read(cursor);
      if (value === undefined) return undefined;
      const { column } = field;
      if (column >= 0) {
        // Of several fields of one name the last one counts, also if one before it does not fit.
        if (this.#setIn[column] === this.#lineCount) return undefined;
        this.#setIn[column] = this.#lineCount;
        row[column] = value;
      }
      const next = nextByte(cursor);
      if (next === closeBrace) break;
      if (next !== comma) return undefined;
    }
    if (nextByte(cursor) !== lineBreak) return undefined;
    for (const column of this.#required) if (row[column] === null) return undefined;
    return row;
  }

  /** The field whose name is next; moves to its value. */
  #fieldAt(cursor: JsonCursor, index: number): FieldPlan | undefined {
    if (nextByte(cursor) !== quote) return undefined;
    const { buffer, at } = cursor;
    const expected = this.#order[index];
    const field = expected && isAt(buffer, at, expected.name) ? expected : this.#lookUp(buffer, at, index);
    if (!field) return undefined;
    cursor.at = at + field.name.length + 1;
    if (nextByte(cursor) !== colon) return undefined;
    while (isSpace(buffer[cursor.at])) cursor.at += 1;
    return field;
  }

  #lookUp(buffer: Buffer, start: number, index: number): FieldPlan | undefined {
    const end = buffer.indexOf(quote, start);
    const bytes = buffer.subarray(start, Math.max(start, end));
    if (end < 0 || bytes.some((byte) => byte < 0x20 || byte === backslash)) return undefined;
    const known = this.#fields?.get(bytes.toString('utf8'));
    if (!known && this.#init.findsNewFields) return undefined;
    const field = known ?? { name: Buffer.from(bytes), column: -1, read: skipValue };
    if (index < 1_000) this.#order[index] = field;
    return field;
  }
}

/** A buffer with whole lines, and what is known of all of them. */
class JsonBlock {
  #buffer: Buffer | undefined;
  /** Each byte as a character, so that parts of it cost no call into the runtime. */
  text = '';
  /** Behind the last line break. */
  end = 0;
  isUsual = false;

  enter(buffer: Buffer): void {
    if (this.#buffer === buffer) return;
    this.#buffer = buffer;
    this.end = buffer.lastIndexOf(lineBreak) + 1;
    this.isUsual = isUtf8(buffer.subarray(0, this.end));
    this.text = buffer.toString('latin1', 0, this.end);
  }
}

function fieldPlans<M>({
  columns,
  recordColumns,
  constants,
}: JsonRowsInit<M>): Map<string, FieldPlan> | undefined {
  const fields = new Map<string, FieldPlan>();
  for (const [index, column] of columns.entries()) {
    if (constants.has(column.name)) continue;
    const field = recordColumns.find(({ name }) => name === column.name);
    if (!field) continue;
    const [step, ...more] = stepsOf(field);
    // Two columns of one field, and values within objects, are left to the parser.
    if (typeof step !== 'string' || more.length > 0 || fields.has(step)) return undefined;
    fields.set(step, { name: Buffer.from(step), column: index, read: valueReader(column.type) });
  }
  return fields;
}

function isAt(buffer: Buffer, start: number, name: Buffer): boolean {
  for (let index = 0; index < name.length; index++) if (buffer[start + index] !== name[index]) return false;
  return buffer[start + name.length] === quote;
}

/** The next byte that is not space; moves behind it. A line break is not space. */
function nextByte(cursor: JsonCursor): number | undefined {
  let byte = cursor.buffer[cursor.at++];
  while (isSpace(byte)) byte = cursor.buffer[cursor.at++];
  return byte;
}

function isSpace(byte: number | undefined): boolean {
  return byte === 0x20 || byte === 0x0d || byte === 0x09;
}

function isSpaceOrBreak(byte: number): boolean {
  return isSpace(byte) || byte === lineBreak;
}
