import type { Offset } from './offset.ts';
import { PackedRows } from './packed-rows.ts';
import type { RecordColumn } from './records/record-column.ts';
import type { Rejection } from './rejection.ts';
import type { Row } from './values.ts';

/**
 * Name of a format in which rows travel as bytes that both ends understand and nothing in between decodes. The connectors that write and
 * read a format define it; the name `values` is reserved. Formats:
 * - `pgcopy-binary`: PostgreSQL protocol CopyData frames ('d', int32 length, one row of COPY BINARY without file header and trailer);
 * - `tsv`: lines of tab-separated text, `\N` for NULL, backslash escapes for backslash, tab, newline, carriage return (the common subset
 *   of PostgreSQL's COPY text and MySQL's LOAD DATA), UTF-8;
 * - `sqlite`: chunks of several rows, packed by core/packed-rows.ts: values as SQLite stores them.
 */
export type RawFormat = string;

/** An array, or rows that wait outside of the heap: core/packed-rows.ts. */
export interface RowList extends Iterable<Row> {
  readonly length: number;
  at(index: number): Row | undefined;
}

/** Distinguished by `'rows' in batch.rows`. */
export type Rows =
  | {
      readonly format: 'values';
      readonly rows: RowList;
      /**
       * Ascending indexes of the rows that are deletions: the columns of the source's key (Relation.keys[0]) have values, the others are
       * null. Rows and deletions are in the order of the source; the last change of a key in a batch is the one that counts. Raw formats
       * contain their deletions themselves.
       */
      readonly deletions?: readonly number[];
    }
  | { readonly format: RawFormat; readonly chunks: readonly Buffer[] };

/** Rows in the order of the read plan's columns, and the offset to store once they are durable at the destination. */
export interface Batch {
  readonly rows: Rows;
  readonly rowCount: number;
  /** Size in the format in which the rows travel. */
  readonly byteCount: number;
  readonly offset: Offset;
  /** Canonical text: of the last row's timestampField in timestamp modes, of the last change's commit (with zone) in Stream. */
  readonly lastTimestamp?: string;
  /** Records that do not fit the columns, so that they are not among the rows. The engine handles them by onError. */
  readonly misfits?: Misfits;
  /** Fields that the columns do not have, if ReadRequest.findsNewFields. The engine handles them by schemaChanges. */
  readonly newFields?: readonly RecordColumn[];
}

export interface Misfits {
  readonly count: number;
  /** Fewer than `count` if there are very many. */
  readonly rejections: readonly Rejection[];
}

/** Memory of the objects for a row of values, in addition to what they contain: measured with one column, and rounded. */
export const rowObjectBytes = 64;

/** What a batch counts for in the memory of the process. A million rows of one number are 4 MB in transit, and 63 MB of objects. */
export function memoryOf({ rows, byteCount }: Batch): number {
  if (!('rows' in rows)) return byteCount;
  return rows.rows instanceof PackedRows
    ? Math.max(byteCount, rows.rows.byteCount)
    : byteCount + rows.rows.length * rowObjectBytes;
}

/** Call when the batch is written. Raw formats consist of parts of larger buffers. */
export function freeRows({ rows }: Batch): void {
  if ('rows' in rows && rows.rows instanceof PackedRows) rows.rows.free();
}

export interface BatchLimits {
  readonly maxRows: number;
  readonly maxBytes: number;
}

/** A raw row format that a destination would accept: for each column the form in which the source must deliver it. */
export interface RawRequest {
  readonly format: RawFormat;
  /**
   * One per column, in order. `pgcopy-binary`: the PostgreSQL type to cast to. `tsv`: an encoding:
   * `text` (the system's own text form), `boolean01`, `hex` (bytes as hexadecimal digits), `utc` (timestamp with zone as UTC without a zone suffix),
   * `json` (arrays and JSON as JSON text). `sqlite`: `stored`.
   */
  readonly as: readonly string[];
}

/** How rows travel: agreed between source and destination once per claim. Distinguished by `'as' in rowFormat`. */
export type RowFormat = { readonly format: 'values' } | RawRequest;
