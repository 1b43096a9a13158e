import type { Rows } from '../../../core/batch.ts';
import type { BoundReport, ReadRequest } from '../../../core/connector.ts';
import { requireUsualKey } from '../../../core/offset-size.ts';
import type { Column } from '../../../core/values.ts';
import type { SqlDialect } from '../types/dialect.ts';
import type { Range, UpTo } from './keyset.ts';

/** Rows of one statement, cut at the batch limits, without their offset yet. */
export interface Part {
  readonly rows: Rows;
  readonly rowCount: number;
  readonly byteCount: number;
  /** Canonical texts of the orderBy columns of its last row. */
  readonly lastKey: readonly string[];
}

/** How far it is safe to read now (Invariant 10). */
export interface PassBound {
  /** `none`: nothing is final yet. `all`: no limit (Snapshot). */
  readonly upTo: UpTo | 'none' | 'all';
  readonly report: BoundReport;
}

/** What a SQL system provides to the shared pass: it runs statements and takes bounds. */
export interface RangeReader {
  /** Streams one statement's rows in parts within the limits. */
  readRange(range: Range, request: ReadRequest, signal: AbortSignal): AsyncIterable<Part>;
  /** Taken once per pass, before its first statement, so that everything up to it is visible to later snapshots. */
  takeBound(request: ReadRequest, field: Column, signal: AbortSignal): Promise<PassBound>;
  readonly dialect: SqlDialect;
  /** Canonical text of the field in the first row of `SELECT field FROM object tail`; undefined if there is no row, or for NULL. */
  first(field: Column, tail: string, signal: AbortSignal): Promise<string | undefined>;
  /** Rows of the object; may stop counting at `mostCounted`, when more rows make no difference. */
  readonly mostCounted: number;
  count(where: string, signal: AbortSignal): Promise<number>;
  /** The largest id that the field's own generator (sequence, AUTO_INCREMENT) has issued; undefined if it has none or it cannot be read. */
  largestIssued?(field: Column, signal: AbortSignal): Promise<bigint | undefined>;
}

/** max() is not used, because some sortable types do not support it. */
export async function largest(
  reader: Pick<RangeReader, 'dialect' | 'first'>,
  field: Column,
  signal: AbortSignal,
): Promise<string | undefined> {
  const name = reader.dialect.quote(field.name);
  const text = await reader.first(field, `WHERE ${name} IS NOT NULL ORDER BY ${name} DESC`, signal);
  if (text !== undefined) requireUsualKey([text]);
  return text;
}
