import type { RowList, Rows } from '../../../core/batch.ts';
import { softDeleteColumn, type WritePlan } from '../../../core/connector.ts';
import type { Row, Value } from '../../../core/values.ts';
import {
  deterministicId,
  type IdForm,
  idName,
  isFoundById,
  randomId,
  writeObjectId,
} from '../destination/document-keys.ts';
import { type Encoder, encoderOf } from './encode.ts';
import { type BsonValue, BsonWriter, bson, bytesOf, fieldOf } from './format.ts';
import { recordsIn } from './row-formats.ts';

/** The rows of a batch as statements of bulk commands, in BSON. Methods throw RowMisfit for a value that MongoDB cannot keep. */
export interface EncodedRows {
  readonly count: number;
  isDeletion(row: number): boolean;
  /** Equal for rows of one key. */
  keyOf(row: number): string;
  /** A document to insert. */
  document(row: number): Buffer;
  upsert(row: number): Buffer;
  deletion(row: number): Buffer;
}

export class RowMisfit extends Error {
  readonly column: string;

  constructor(column: string, reason: string) {
    super(`the value ${reason}`);
    this.column = column;
  }
}

export interface EncodeOptions {
  readonly plan: WritePlan;
  readonly form: IdForm;
  /** Rows that are written again after a failure must get the same generated ids. */
  readonly isRepeatable: boolean;
}

export function encodeRows(rows: Rows, options: EncodeOptions): EncodedRows {
  return 'rows' in rows
    ? new ValueRows(rows.rows, rows.deletions ?? [], options)
    : new WholeRows(rows.chunks);
}

interface Field {
  readonly name: string;
  readonly encode: Encoder;
  readonly index: number;
}

class ValueRows implements EncodedRows {
  readonly #rows: readonly Row[];
  readonly #deletions: ReadonlySet<number>;
  readonly #options: EncodeOptions;
  readonly #fields: readonly Field[];
  /** Sorted by name, so that the order of a manifest does not change the `_id`. */
  readonly #key: readonly Field[];
  /** A name with a dot or $ would be taken for a path by $set. */
  readonly #isSettable: boolean;
  readonly #occurrences = new Map<string, number>();

  constructor(rows: RowList, deletions: readonly number[], options: EncodeOptions) {
    this.#rows = [...rows];
    this.#deletions = new Set(deletions);
    this.#options = options;
    const { columns } = options.plan.columns;
    this.#fields = columns.map(({ name, source }, index) => ({
      name,
      encode: encoderOf(source.type),
      index,
    }));
    const key = options.plan.key.toSorted();
    this.#key = key
      .map((name) => this.#fields.find((each) => each.name === name))
      .filter((each) => each !== undefined);
    this.#isSettable = this.#fields.every(({ name }) => !/^\$|\./.test(name));
  }

  get count(): number {
    return this.#rows.length;
  }

  isDeletion(row: number): boolean {
    return this.#deletions.has(row);
  }

  keyOf(row: number): string {
    const writer = new BsonWriter(64);
    const start = writer.beginDocument();
    for (const field of this.#key) this.#put(writer, field.name, field, this.#cells(row));
    writer.endDocument(start);
    return writer.written.toString('latin1');
  }

  document(row: number): Buffer {
    const writer = new BsonWriter(256);
    const start = writer.beginDocument();
    this.#putId(writer, row);
    this.#putFields(writer, row);
    writer.endDocument(start);
    return writer.written;
  }

  upsert(row: number): Buffer {
    return statement((writer) => {
      this.#putFilter(writer, row, undefined);
      if (this.#isSettable) this.#putChange(writer, row);
      else {
        writer.name(bson.object, 'u');
        writer.raw(this.#replacement(row));
      }
      writer.name(bson.boolean, 'upsert');
      writer.byte(1);
    });
  }

  deletion(row: number): Buffer {
    return statement((writer) => {
      const isSoft = this.#options.plan.deletes === 'Soft';
      this.#putFilter(writer, row, isSoft ? softDeleteColumn : undefined);
      if (!isSoft) {
        writer.name(bson.int32, 'limit');
        return writer.int32(1);
      }
      const field = this.#fields.find(({ name }) => name === softDeleteColumn);
      nested(writer, 'u', () =>
        nested(writer, '$set', () => field && this.#put(writer, field.name, field, this.#cells(row))),
      );
    });
  }

  #cells(row: number): Row {
    return this.#rows[row] ?? [];
  }

  #putId(writer: BsonWriter, row: number): void {
    const { form, isRepeatable, plan } = this.#options;
    if (form === 'derived') this.#putDerived(writer, row);
    if (form !== 'generated') return;
    if (!isRepeatable) {
      writeObjectId(writer, randomId());
      return;
    }
    const content = this.#replacement(row);
    const text = content.toString('latin1');
    const occurrence = (this.#occurrences.get(text) ?? 0) + 1;
    this.#occurrences.set(text, occurrence);
    writeObjectId(writer, deterministicId(plan.uid, content, occurrence));
  }

  #putDerived(writer: BsonWriter, row: number): void {
    const [only, ...others] = this.#key;
    if (!only) return;
    if (others.length === 0) {
      this.#put(writer, idName, only, this.#cells(row));
      return;
    }
    nested(writer, idName, () => {
      for (const field of this.#key) this.#put(writer, field.name, field, this.#cells(row));
    });
  }

  /** Without `_id`, unless it is a column: a NULL is left out. */
  #replacement(row: number): Buffer {
    const writer = new BsonWriter(256);
    const start = writer.beginDocument();
    this.#putFields(writer, row);
    writer.endDocument(start);
    return writer.written;
  }

  #putFields(writer: BsonWriter, row: number): void {
    const cells = this.#cells(row);
    for (const field of this.#fields)
      if (cells[field.index] !== null) this.#put(writer, field.name, field, cells);
  }

  /** Fields that a document has besides the columns stay. */
  #putChange(writer: BsonWriter, row: number): void {
    const cells = this.#cells(row);
    const others = this.#fields.filter(({ name }) => name !== idName);
    const set = others.filter(({ index }) => cells[index] !== null);
    const unset = others.filter(({ index }) => cells[index] === null);
    nested(writer, 'u', () => {
      if (set.length > 0)
        nested(writer, '$set', () => {
          for (const field of set) this.#put(writer, field.name, field, cells);
        });
      if (unset.length > 0)
        nested(writer, '$unset', () => {
          for (const { name } of unset) {
            writer.name(bson.int32, name);
            writer.int32(1);
          }
        });
      // A document that consists of its _id.
      if (set.length === 0 && unset.length === 0) nested(writer, '$setOnInsert', () => {});
    });
  }

  #putFilter(writer: BsonWriter, row: number, missing: string | undefined): void {
    nested(writer, 'q', () => {
      const { form, plan } = this.#options;
      const isOwnId = form === 'own' && isFoundById(form, plan);
      if (form === 'derived') this.#putDerived(writer, row);
      else
        for (const field of this.#key) {
          // A value that is a document would be taken for operators.
          nested(writer, isOwnId ? idName : field.name, () =>
            this.#put(writer, '$eq', field, this.#cells(row)),
          );
        }
      if (missing !== undefined) writer.name(bson.null, missing);
    });
  }

  #put(writer: BsonWriter, name: string, { encode, index, name: column }: Field, cells: Row): void {
    const value: Value = cells[index] ?? null;
    if (name.includes('\0')) throw new RowMisfit(column, 'has a name with a zero character');
    if (value === null) return void writer.name(bson.null, name);
    const refusal = encode(writer, name, value);
    if (refusal !== undefined) throw new RowMisfit(column, refusal);
  }
}

/** Documents as they are. */
class WholeRows implements EncodedRows {
  readonly #records: readonly { readonly document: BsonValue; readonly isDeletion: boolean }[];

  constructor(chunks: readonly Buffer[]) {
    this.#records = [...recordsIn(chunks)];
  }

  get count(): number {
    return this.#records.length;
  }

  isDeletion(row: number): boolean {
    return this.#records[row]?.isDeletion ?? false;
  }

  keyOf(row: number): string {
    const id = this.#id(row);
    return `${id.type} ${bytesOf(id).toString('latin1')}`;
  }

  document(row: number): Buffer {
    return bytesOf(this.#record(row));
  }

  upsert(row: number): Buffer {
    return statement((writer) => {
      this.#putFilter(writer, row);
      writer.name(bson.object, 'u');
      writer.raw(this.document(row));
      writer.name(bson.boolean, 'upsert');
      writer.byte(1);
    });
  }

  deletion(row: number): Buffer {
    return statement((writer) => {
      this.#putFilter(writer, row);
      writer.name(bson.int32, 'limit');
      writer.int32(1);
    });
  }

  #putFilter(writer: BsonWriter, row: number): void {
    nested(writer, 'q', () => nested(writer, idName, () => writer.element('$eq', this.#id(row))));
  }

  #record(row: number): BsonValue {
    const record = this.#records[row];
    if (!record) throw new RangeError(`no row ${row}`);
    return record.document;
  }

  #id(row: number): BsonValue {
    const id = fieldOf(this.#record(row), idName);
    if (!id) throw new RowMisfit(idName, 'is missing');
    return id;
  }
}

function statement(write: (writer: BsonWriter) => void): Buffer {
  const writer = new BsonWriter(512);
  const start = writer.beginDocument();
  write(writer);
  writer.endDocument(start);
  return writer.written;
}

function nested(writer: BsonWriter, name: string, write: () => void): void {
  writer.name(bson.object, name);
  const start = writer.beginDocument();
  write();
  writer.endDocument(start);
}
