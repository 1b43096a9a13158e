import type { BatchLimits } from '../../../core/batch.ts';
import { scalarText } from '../../../core/offset.ts';
import { type PackedRows, RowPacker } from '../../../core/packed-rows.ts';
import type { Column, Scalar, Value } from '../../../core/values.ts';
import { keyIsNull } from './order-check.ts';
import type { Part } from './range-reader.ts';

/** For drivers that hand over a row as an array of values: what a statement selects, and how large a part of it may be. */
export interface SelectedRows {
  /** The select list. */
  readonly columns: readonly Column[];
  /** Indexes of the orderBy columns in the select list. */
  readonly keys: readonly number[];
  readonly limits: BatchLimits;
}

/** With its last row instead of its key, which may be NULL: that is an error for the reader, not for the stream. */
export interface UnkeyedPart extends Omit<Part, 'lastKey'> {
  readonly rows: { readonly format: 'values'; readonly rows: PackedRows };
  readonly last: readonly Value[];
}

type Decode = (cell: never) => Value;
type Cells = unknown[];

/** The rows of one part as they arrive: they become canonical values and are packed. */
export class PartRows {
  readonly #limits: BatchLimits;
  readonly #packer: RowPacker;
  #last: Cells = [];
  #count = 0;
  #bytes = 0;

  constructor({ columns, limits }: SelectedRows, decoderOf: (column: Column) => Decode | undefined) {
    this.#limits = limits;
    const decoders = columns.flatMap((column, at) => {
      const decode = decoderOf(column);
      return decode ? [{ at, decode }] : [];
    });
    this.#packer = new RowPacker((rows) => {
      for (const { at, decode } of decoders) {
        for (const row of rows) if (row[at] !== null) row[at] = decode(row[at] as never);
      }
    });
  }

  /** False if the row does not fit. A row that is larger than a part is a part of its own. */
  push(row: Cells): boolean {
    const { maxRows, maxBytes } = this.#limits;
    const size = rowBytes(row);
    if (this.#count >= maxRows || (this.#count > 0 && this.#bytes + size > maxBytes)) return false;
    this.#packer.push(row);
    this.#last = row;
    this.#count += 1;
    this.#bytes += size;
    return true;
  }

  /** Call once. Undefined: there are no rows. */
  finish(): UnkeyedPart | undefined {
    if (this.#count === 0) return undefined;
    return {
      rows: { format: 'values', rows: this.#packer.finish() },
      rowCount: this.#count,
      byteCount: this.#bytes,
      last: this.#last as Value[],
    };
  }
}

/** Throws KeyNullable. */
export function withKey({ last, ...part }: UnkeyedPart, { keys, columns }: SelectedRows): Part {
  const lastKey = keys.map((at) => {
    const value = last[at] ?? null;
    if (value === null) throw keyIsNull(columns[at] as Column);
    return scalarText(value as Scalar);
  });
  return { ...part, lastKey };
}

/** The place of a value in its row. A thousand empty texts would otherwise be a row of no bytes. */
const placeBytes = 8;

function rowBytes(row: Cells): number {
  let bytes = 0;
  for (const cell of row)
    bytes +=
      typeof cell === 'string' || Buffer.isBuffer(cell) ? Math.max(placeBytes, cell.length) : placeBytes;
  return bytes;
}
