import type { ErrorCode } from './error-codes.ts';

/** A row that cannot be written, or a record that does not fit the columns. */
export interface Rejection {
  readonly code: ErrorCode;
  readonly column?: string;
  /** `id 42`, as formatted by core/row-name.ts. */
  readonly row?: string;
  /** Without row data: `year 0 is not a date of MySQL`. */
  readonly message: string;
}
