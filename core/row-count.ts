import type { ReadRequest } from './connector.ts';
import type { Offset } from './offset.ts';

/** Rows after `request.after`, up to and including a second position; `end`: all of them. */
export interface CountRequest {
  readonly request: ReadRequest;
  /** Null: before the first row. */
  readonly upTo: Offset | 'end' | null;
}

export interface RowCount {
  readonly rows: number;
  /** atLeast: it stopped counting there. atMost: positions without a row are counted with them. */
  readonly precision: 'exact' | 'atLeast' | 'atMost';
}
