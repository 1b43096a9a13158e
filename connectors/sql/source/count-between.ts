import type { CountRequest } from '../../../core/connector.ts';
import type { RowCount } from '../../../core/row-count.ts';
import { whereRange, withinRows } from './keyset.ts';
import type { RangeReader } from './range-reader.ts';
import { orderColumns, startAfter } from './read-pass.ts';

/** For the dry run of an offset edit. Undefined: the table has no key, so there is no position to count from. */
export async function countBetween(
  reader: RangeReader,
  { request, upTo }: CountRequest,
  signal: AbortSignal,
): Promise<RowCount | undefined> {
  const { dialect, mostCounted } = reader;
  const orderBy = orderColumns(request);
  if (orderBy.length === 0) return undefined;
  const after = whereRange(dialect, { orderBy, after: startAfter(request), upTo: undefined });
  const end = upTo === 'end' ? undefined : upTo && startAfter({ ...request, after: upTo });
  if (end === null) return { rows: 0, precision: 'exact' };
  const conditions = end === undefined ? [] : [withinRows(dialect, orderBy, null, end)];
  const where = [...(after === '' ? [] : [after.replace(/^WHERE /, '')]), ...conditions].join(' AND ');
  const rows = await reader.count(where === '' ? '' : `WHERE ${where}`, signal);
  return { rows, precision: rows >= mostCounted ? 'atLeast' : 'exact' };
}
