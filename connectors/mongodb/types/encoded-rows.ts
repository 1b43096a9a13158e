import type { Rows } from '../../../core/batch.ts';
import { type EncodedRows, type EncodeOptions, ValueRows } from './row-encoder.ts';
import { WholeRows } from './whole-rows.ts';

export function encodeRows(rows: Rows, options: EncodeOptions): EncodedRows {
  return new EncodedOnce(
    'rows' in rows ? new ValueRows(rows.rows, rows.deletions ?? [], options) : new WholeRows(rows.chunks),
  );
}

/** A row is checked before any is sent, and may be sent several times: it is encoded once, so that a generated `_id` stays the same. */
class EncodedOnce implements EncodedRows {
  readonly #rows: EncodedRows;
  readonly #keys: (string | undefined)[];
  readonly #documents: (Buffer | undefined)[];
  readonly #upserts: (Buffer | undefined)[];

  constructor(rows: EncodedRows) {
    this.#rows = rows;
    this.#keys = new Array(rows.count);
    this.#documents = new Array(rows.count);
    this.#upserts = new Array(rows.count);
  }

  get count(): number {
    return this.#rows.count;
  }

  isDeletion(row: number): boolean {
    return this.#rows.isDeletion(row);
  }

  keyOf(row: number): string {
    const known = this.#keys[row];
    if (known !== undefined) return known;
    const key = this.#rows.keyOf(row);
    this.#keys[row] = key;
    return key;
  }

  document(row: number): Buffer {
    const known = this.#documents[row];
    if (known !== undefined) return known;
    const document = this.#rows.document(row);
    this.#documents[row] = document;
    return document;
  }

  upsert(row: number): Buffer {
    const known = this.#upserts[row];
    if (known !== undefined) return known;
    const upsert = this.#rows.upsert(row);
    this.#upserts[row] = upsert;
    return upsert;
  }

  deletion(row: number): Buffer {
    return this.#rows.deletion(row);
  }
}
