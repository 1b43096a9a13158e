import type { Offset } from './offset.ts';
import type { Row } from './values.ts';

/**
 * Name of a format in which rows travel as bytes that both ends understand, untouched on the way. Whoever writes and reads it says what it
 * is; `values` is taken. Known so far:
 * - `pgcopy-binary`: PostgreSQL protocol CopyData frames ('d', int32 length, one row of COPY BINARY without file header and trailer);
 * - `tsv`: lines of tab-separated text, `\N` for NULL, backslash escapes for backslash, tab, newline, carriage return (as PostgreSQL's
 *   COPY text and MySQL's LOAD DATA agree on), UTF-8;
 * - `sqlite`: chunks of some rows each, packed by connectors/sqlite/connection/packing.ts: values as SQLite stores them.
 */
export type RawFormat = string;

/** Told apart by what they have: `'rows' in batch.rows`. */
export type Rows =
  | { readonly format: 'values'; readonly rows: readonly Row[] }
  | { readonly format: RawFormat; readonly chunks: readonly Buffer[] };

/** Rows in the order of the read plan's columns, and the offset that holds once they are durable at the destination. */
export interface Batch {
  readonly rows: Rows;
  readonly rowCount: number;
  /** Bytes as they travel. */
  readonly byteCount: number;
  readonly offset: Offset;
  /** Canonical text of the last row's timestampField; modes by timestamp only. */
  readonly lastTimestamp?: string;
}

export interface BatchLimits {
  readonly maxRows: number;
  readonly maxBytes: number;
}

/** A way of passing rows untouched that a destination would accept: for each column what the source must make of it. */
export interface RawRequest {
  readonly format: RawFormat;
  /**
   * One per column, in order. `pgcopy-binary`: the PostgreSQL type to cast to. `tsv`: an encoding:
   * `text` (the system's own text form), `boolean01`, `hex` (bytes as hexadecimal digits), `utc` (timestamp with zone as UTC without a zone suffix),
   * `json` (arrays and JSON as JSON text). `sqlite`: `stored`.
   */
  readonly as: readonly string[];
}

/** How rows travel: agreed between source and destination once per claim. Told apart by `'as' in rowFormat`. */
export type RowFormat = { readonly format: 'values' } | RawRequest;
