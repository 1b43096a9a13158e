import { idName } from '../destination/document-keys.ts';
import { BsonArena, type BsonWriter } from './bson-writer.ts';
import { type BsonValue, bson, bytesOf, fieldOf } from './format.ts';
import { type EncodedRows, RowMisfit } from './row-encoder.ts';
import { recordsIn } from './row-formats.ts';

/** Documents as they are. */
export class WholeRows implements EncodedRows {
  readonly #records: readonly { readonly document: BsonValue; readonly isDeletion: boolean }[];

  readonly #arena = new BsonArena();

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
    return this.#arena.document((writer) => {
      this.#putFilter(writer, row);
      writer.name(bson.object, 'u');
      writer.raw(this.document(row));
      writer.name(bson.boolean, 'upsert');
      writer.byte(1);
    });
  }

  deletion(row: number): Buffer {
    return this.#arena.document((writer) => {
      this.#putFilter(writer, row);
      writer.name(bson.int32, 'limit');
      writer.int32(1);
    });
  }

  #putFilter(writer: BsonWriter, row: number): void {
    writer.nested('q', () => writer.nested(idName, () => writer.element('$eq', this.#id(row))));
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
