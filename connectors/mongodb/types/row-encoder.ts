import type { RowList } from '../../../core/batch.ts';
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
import { BsonArena, BsonWriter } from './bson-writer.ts';
import { columnEncoder, type Encoder } from './encode.ts';
import { bson } from './format.ts';

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
  /**
   * Where this batch begins, for generated ids: a batch that is written again after a failure begins there too, and its rows get the same
   * ids, while equal rows of another batch get others. Undefined: ids are random.
   */
  readonly repeatedFrom?: string;
}

interface Field {
  readonly name: string;
  readonly encode: Encoder;
  readonly index: number;
}

export class ValueRows implements EncodedRows {
  readonly #rows: readonly Row[];
  readonly #deletions: ReadonlySet<number>;
  readonly #options: EncodeOptions;
  readonly #fields: readonly Field[];
  /** Sorted by name, so that the order of a manifest does not change the `_id`. */
  readonly #key: readonly Field[];
  /** A name with a dot or $ would be taken for a path by $set. */
  readonly #isSettable: boolean;
  readonly #occurrences = new Map<string, number>();
  readonly #arena = new BsonArena();
  /** They are made while a document of the other arena is not complete. */
  readonly #replacements = new BsonArena();
  readonly #keys = new BsonWriter(64);

  constructor(rows: RowList, deletions: readonly number[], options: EncodeOptions) {
    this.#rows = [...rows];
    this.#deletions = new Set(deletions);
    this.#options = options;
    const { columns } = options.plan.columns;
    this.#fields = columns.map(({ name, source }, index) => ({
      name,
      encode: columnEncoder(source.type),
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
    const writer = this.#keys;
    writer.cutTo(0);
    for (const field of this.#key) this.#put(writer, field.name, field, this.#cells(row));
    return writer.written.toString('latin1');
  }

  document(row: number): Buffer {
    return this.#arena.document((writer) => {
      this.#putId(writer, row);
      this.#putFields(writer, row);
    });
  }

  upsert(row: number): Buffer {
    return this.#arena.document((writer) => {
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
    return this.#arena.document((writer) => {
      const isSoft = this.#options.plan.deletes === 'Soft';
      this.#putFilter(writer, row, isSoft ? softDeleteColumn : undefined);
      if (!isSoft) {
        writer.name(bson.int32, 'limit');
        return writer.int32(1);
      }
      const field = this.#fields.find(({ name }) => name === softDeleteColumn);
      writer.nested('u', () =>
        writer.nested('$set', () => field && this.#put(writer, field.name, field, this.#cells(row))),
      );
    });
  }

  #cells(row: number): Row {
    return this.#rows[row] ?? [];
  }

  #putId(writer: BsonWriter, row: number): void {
    const { form, repeatedFrom, plan } = this.#options;
    if (form === 'derived') this.#putDerived(writer, row);
    if (form !== 'generated') return;
    if (repeatedFrom === undefined) {
      writeObjectId(writer, randomId());
      return;
    }
    const content = this.#replacement(row);
    const text = content.toString('latin1');
    const occurrence = (this.#occurrences.get(text) ?? 0) + 1;
    this.#occurrences.set(text, occurrence);
    writeObjectId(writer, deterministicId(`${plan.uid} ${repeatedFrom}`, content, occurrence));
  }

  #putDerived(writer: BsonWriter, row: number): void {
    const [only, ...others] = this.#key;
    if (!only) return;
    if (others.length === 0) {
      this.#put(writer, idName, only, this.#cells(row));
      return;
    }
    writer.nested(idName, () => {
      for (const field of this.#key) this.#put(writer, field.name, field, this.#cells(row));
    });
  }

  /** Without `_id`, unless it is a column: a NULL is left out. */
  #replacement(row: number): Buffer {
    return this.#replacements.document((writer) => this.#putFields(writer, row));
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
    writer.nested('u', () => {
      if (set.length > 0)
        writer.nested('$set', () => {
          for (const field of set) this.#put(writer, field.name, field, cells);
        });
      if (unset.length > 0)
        writer.nested('$unset', () => {
          for (const { name } of unset) {
            writer.name(bson.int32, name);
            writer.int32(1);
          }
        });
      // A document that consists of its _id.
      if (set.length === 0 && unset.length === 0) writer.nested('$setOnInsert', () => {});
    });
  }

  #putFilter(writer: BsonWriter, row: number, missing: string | undefined): void {
    writer.nested('q', () => {
      const { form, plan } = this.#options;
      const isOwnId = form === 'own' && isFoundById(form, plan);
      if (form === 'derived') this.#putDerived(writer, row);
      else
        for (const field of this.#key) {
          // A value that is a document would be taken for operators.
          writer.nested(isOwnId ? idName : field.name, () =>
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
