import type { Batch } from '../../../core/batch.ts';
import type { ReadRequest } from '../../../core/connector.ts';
import { RowPacker } from '../../../core/packed-rows.ts';
import type { JsonValue } from '../../../core/records/json-parser.ts';
import type { RowMaker } from '../../../core/records/rows.ts';
import type { Value } from '../../../core/values.ts';
import type { ItemPlace } from './item-reader.ts';
import { offsetAtEnd, offsetWithin, type Progress, type Start } from './position.ts';

/** Rows of a pass as they are collected, cut at the limits of batches. */
export class BatchMaker {
  readonly #request: ReadRequest;
  readonly #start: Start;
  readonly #bound: string | undefined;
  readonly #rows: RowMaker<JsonValue>;
  #packer = new RowPacker();
  #count = 0;
  #bytes = 0;
  #place: ItemPlace | undefined;
  #largest: string | undefined;
  #oldest: string | undefined;
  #hasMisfits = false;

  constructor(request: ReadRequest, start: Start, bound: string | undefined, rows: RowMaker<JsonValue>) {
    this.#request = request;
    this.#start = start;
    this.#bound = bound;
    this.#rows = rows;
    this.#largest = start.progress?.largest;
  }

  /** Whether a row of this size belongs to the next batch. */
  isFullFor(bytes: number): boolean {
    const { maxRows, maxBytes } = this.#request.limits;
    return this.#count > 0 && (this.#count >= maxRows || this.#bytes + bytes > maxBytes);
  }

  get isEmpty(): boolean {
    return this.#count === 0 && !this.#hasMisfits;
  }

  /** `row` undefined: the record does not fit, which the RowMaker has recorded. */
  add(row: Value[] | undefined, bytes: number, place: ItemPlace, value: FieldValue | undefined): void {
    if (row) {
      this.#packer.push(row);
      this.#count += 1;
      this.#bytes += bytes;
    } else this.#hasMisfits = true;
    this.#place = place;
    if (value === undefined) return;
    if (value.isLargest) this.#largest = value.text;
    this.#oldest = value.isOldest(this.#oldest) ? value.text : this.#oldest;
  }

  /** The largest value of the field that was handed on in this pass. */
  get largest(): string | undefined {
    return this.#largest;
  }

  /** A batch with the position after it: `isLast`: the pass has read everything. */
  take(isLast: boolean): Batch {
    const progress: Progress = {
      place: this.#place,
      ...(this.#bound !== undefined && { bound: this.#bound }),
      ...(this.#largest !== undefined && { largest: this.#largest }),
    };
    const batch: Batch = {
      rows: { format: 'values', rows: this.#packer.finish() },
      rowCount: this.#count,
      byteCount: this.#bytes,
      offset: isLast
        ? offsetAtEnd(this.#request, this.#start, progress)
        : offsetWithin(this.#request, this.#start, progress),
      ...(this.#request.mode === 'Timestamp' &&
        this.#oldest !== undefined && { lastTimestamp: this.#oldest }),
      ...this.#rows.take(),
    };
    this.#packer = new RowPacker();
    this.#count = 0;
    this.#bytes = 0;
    this.#oldest = undefined;
    this.#hasMisfits = false;
    return batch;
  }
}

/** The value of idField or timestampField of an item that is handed on. */
export interface FieldValue {
  readonly text: string;
  /** Than all before it in this pass. */
  readonly isLargest: boolean;
  isOldest(than: string | undefined): boolean;
}
