import { isUtf8 } from 'node:buffer';
import { stepsOf } from '../../../core/records/columns.ts';
import { type Converter, converterOf } from '../../../core/records/convert.ts';
import { Misfit } from '../../../core/records/misfit.ts';
import type { RecordColumn } from '../../../core/records/record-column.ts';
import type { RowMaker } from '../../../core/records/rows.ts';
import type { Column, Value } from '../../../core/values.ts';
import type { CsvDialect } from './csv-dialect.ts';
import { splitFields } from './csv-fields.ts';
import { type CsvField, type CsvRecord, csvAccess } from './csv-record.ts';
import type { Position, PositionAt, RecordFormat } from './record-object.ts';

export interface CsvRowsInit<M> {
  readonly dialect: CsvDialect;
  readonly columns: readonly Column[];
  readonly recordColumns: readonly RecordColumn[];
  readonly maker: Pick<RowMaker<CsvRecord | CsvField, M>, 'row' | 'unreadable'>;
  readonly constants: ReadonlyMap<string, Value>;
  /** The column with the number of the record; -1: there is none. */
  readonly counter: number;
  readonly of: (position: Position) => M;
  readonly nameOf: (position: Position) => string;
  readonly findsNewFields: boolean;
  /** Names of the fields, if the header was read before. */
  readonly names?: readonly string[] | undefined;
}

interface Cell {
  /** Index among the fields of the object; -1: it has none of this name. */
  readonly field: number;
  /** Undefined: the text is the value. */
  readonly convert: Converter<CsvRecord | CsvField> | undefined;
  readonly isNullable: boolean;
}

/** Rows of records of CSV. The columns of an object may be in an order of its own: its header says which. */
export class CsvRows<M> implements RecordFormat {
  readonly header: RecordFormat['header'];
  row: Value[] | undefined;
  readonly #init: CsvRowsInit<M>;
  readonly #template: readonly Value[];
  #names: readonly string[] | undefined;
  #cells: readonly (Cell & { readonly at: number })[] = [];
  /** A field without a column is to be reported, or a column has the whole record. */
  #isSlow = false;
  /** Why no record of the object is a row. */
  #refusal: string | undefined;
  /** Index of the next quote in the current buffer: most records have none. */
  #quoteIn: Buffer | undefined;
  #nextQuote = -1;

  constructor(init: CsvRowsInit<M>) {
    this.#init = init;
    this.#template = init.columns.map(({ name }) => init.constants.get(name) ?? null);
    if (init.dialect.hasHeader) this.header = (buffer, start, end) => this.#readHeader(buffer, start, end);
    if (init.names) this.#setNames(init.names);
  }

  get names(): readonly string[] | undefined {
    return this.#names;
  }

  endOf(buffer: Buffer, at: number, isLast: boolean): number {
    const lineBreak = buffer.indexOf(0x0a, at);
    const { quote } = this.#init.dialect;
    if (this.#quoteIn !== buffer || (this.#nextQuote >= 0 && this.#nextQuote < at)) {
      this.#quoteIn = buffer;
      this.#nextQuote = buffer.indexOf(quote, at);
    }
    if (lineBreak >= 0 && (this.#nextQuote < 0 || this.#nextQuote > lineBreak)) return lineBreak + 1;
    const end = lineBreak < 0 && this.#nextQuote < 0 ? -1 : this.#quotedEnd(buffer, at, isLast);
    return end < 0 && isLast ? buffer.length : end;
  }

  /** A record with quotes: its end is the first line break outside of them. */
  #quotedEnd(buffer: Buffer, start: number, isLast: boolean): number {
    const { quote, escape: escaping, delimiter } = this.#init.dialect;
    let isQuoted = false;
    let isFieldStart = true;
    for (let at = start; at < buffer.length; at++) {
      const byte = buffer[at];
      if (isQuoted) {
        if (byte === escaping && escaping !== quote) at += 1;
        else if (byte === quote) {
          // Whether it is one of two may show in the next part of the object.
          if (at + 1 === buffer.length && !isLast) return -1;
          if (escaping === quote && buffer[at + 1] === quote) at += 1;
          else isQuoted = false;
        }
      } else if (byte === 0x0a) return at + 1;
      else if (byte === quote && isFieldStart) isQuoted = true;
      isFieldStart = !isQuoted && byte === delimiter;
    }
    return -1;
  }

  read(buffer: Buffer, at: number, isLast: boolean, _from: number, positionAt: PositionAt): number {
    const end = this.endOf(buffer, at, isLast);
    if (end >= 0) this.row = this.#rowOf(buffer, at, end, positionAt);
    return end;
  }

  #rowOf(buffer: Buffer, start: number, end: number, positionAt: PositionAt): Value[] | undefined {
    const { dialect, maker, nameOf, of } = this.#init;
    const bytes = withoutBreak(buffer, start, end);
    // Of one column, an empty line is its empty field.
    if (bytes.length === 0 && this.#names?.length !== 1) return undefined;
    if (!isUtf8(bytes)) {
      maker.unreadable(nameOf(positionAt(end)), 'is not valid UTF-8');
      return undefined;
    }
    const fields = splitFields(bytes, dialect);
    if (typeof fields === 'string') {
      maker.unreadable(nameOf(positionAt(end)), fields);
      return undefined;
    }
    if (!this.#names) this.#setNames(fields.map((_, index) => `column${index + 1}`));
    const names = this.#names ?? [];
    if (fields.length !== names.length) {
      maker.unreadable(
        nameOf(positionAt(end)),
        `has ${fields.length} fields, and its object has ${names.length} columns`,
      );
      return undefined;
    }
    if (this.#refusal !== undefined) {
      maker.unreadable(nameOf(positionAt(end)), this.#refusal);
      return undefined;
    }
    const row = this.#fastRow(fields);
    if (row && this.#init.counter >= 0) row[this.#init.counter] = BigInt(positionAt(end).records);
    if (row) return row;
    const position = positionAt(end);
    return maker.row({ names, fields }, of(position), nameOf(position));
  }

  /** Undefined: a value does not fit, or a field has no column. */
  #fastRow(fields: readonly (string | null)[]): Value[] | undefined {
    if (this.#isSlow) return undefined;
    const row = this.#template.slice();
    for (const { at, field, convert, isNullable } of this.#cells) {
      const text = field < 0 ? null : (fields[field] ?? null);
      const value = text === null || !convert ? text : convert(text);
      if (value instanceof Misfit || (value === null && !isNullable)) return undefined;
      row[at] = value;
    }
    return row;
  }

  #readHeader(buffer: Buffer, start: number, end: number): void {
    const { dialect, maker, nameOf } = this.#init;
    const bytes = withoutBreak(buffer, start, end);
    const fields = isUtf8(bytes) ? splitFields(bytes, dialect) : 'is not valid UTF-8';
    const hasReturn = bytes.includes(0x0d) && !bytes.includes(dialect.quote);
    // The records may all be in it, so nothing else would tell.
    if (typeof fields === 'string' || hasReturn)
      maker.unreadable(
        nameOf({ bytes: 0, records: 0 }),
        `(the header) ${typeof fields === 'string' ? fields : 'has carriage returns: lines must end with a line feed'}`,
      );
    this.#setNames(typeof fields === 'string' ? [] : fields.map((field) => field ?? ''));
  }

  #setNames(names: readonly string[]): void {
    const { columns, recordColumns, constants, findsNewFields } = this.#init;
    this.#names = names;
    this.#cells = columns.flatMap(({ name, type, isNullable }, at) => {
      if (constants.has(name) || at === this.#init.counter) return [];
      const column = recordColumns.find((each) => each.name === name);
      const [step] = column ? stepsOf(column) : [];
      const field = typeof step === 'string' ? names.indexOf(step) : -1;
      const isText = type.kind === 'text' && type.maxLength === undefined;
      return [{ at, field, convert: isText ? undefined : converterOf(type, csvAccess), isNullable }];
    });
    const known = new Set(recordColumns.map((column) => stepsOf(column)[0]));
    this.#refusal = refusalOf(names, known, findsNewFields);
    const hasUnknown = findsNewFields && names.some((name) => name !== '' && !known.has(name));
    this.#isSlow = hasUnknown || known.has(undefined);
  }
}

/** A field that is missing is NULL, but with a wrong delimiter all would be. New fields are the matter of schemaChanges. */
function refusalOf(
  names: readonly string[],
  known: ReadonlySet<string | number | undefined>,
  findsNewFields: boolean,
): string | undefined {
  const isKnown = (name: string) => known.has(name) || known.has(undefined);
  const twice = names.find((name, index) => isKnown(name) && names.indexOf(name) < index);
  if (twice !== undefined) return `is of an object whose header has the field ${JSON.stringify(twice)} twice`;
  // Undefined is the whole record.
  const isOther = known.size > 0 && !known.has(undefined) && !names.some((name) => known.has(name));
  if (!isOther || findsNewFields) return undefined;
  return 'is of an object that has none of the columns: check header, delimiter and encoding';
}

function withoutBreak(buffer: Buffer, start: number, end: number): Buffer {
  let behind = end;
  if (behind > start && buffer[behind - 1] === 0x0a) behind -= 1;
  if (behind > start && buffer[behind - 1] === 0x0d) behind -= 1;
  return buffer.subarray(start, behind);
}
