import type { Wire } from '../../core/batch.ts';
import type { Column } from '../../core/values.ts';
import type { FromClause, SqlDialect } from './dialect.ts';

/** Rows in key order after `after` and up to `upTo`: keyset pagination, never OFFSET. */
export interface Range {
  readonly columns: readonly Column[];
  /** What rows are ordered and paged by; unique together (but for Id, whose field should be). */
  readonly orderBy: readonly Column[];
  /** Exclusive: canonical texts of the orderBy columns; null from the beginning. */
  readonly after: readonly string[] | null;
  /** Bound of the first orderBy column. */
  readonly upTo: UpTo | undefined;
  /** Undefined: no limit. */
  readonly maxRows: number | undefined;
}

export interface UpTo {
  readonly text: string;
  readonly isInclusive: boolean;
}

export function selectRange(dialect: SqlDialect, from: FromClause, range: Range, wire: Wire): string {
  const items = range.columns.map((column, index) => dialect.selectItem(column, wire, index)).join(', ');
  const order = range.orderBy.map((column) => dialect.quote(column.name)).join(', ');
  return [
    `SELECT ${items} FROM ${from}`,
    whereRange(dialect, range),
    order && `ORDER BY ${order}`,
    range.maxRows !== undefined && `LIMIT ${range.maxRows}`,
  ]
    .filter(Boolean)
    .join(' ');
}

export function whereRange(dialect: SqlDialect, range: Pick<Range, 'orderBy' | 'after' | 'upTo'>): string {
  const conditions: string[] = [];
  if (range.after) conditions.push(greaterThan(dialect, range.orderBy, range.after));
  const first = range.orderBy[0];
  if (first && !range.after && first.isNullable) conditions.push(`${dialect.quote(first.name)} IS NOT NULL`);
  if (first && range.upTo) {
    conditions.push(
      `${dialect.quote(first.name)} ${range.upTo.isInclusive ? '<=' : '<'} ${dialect.literal(range.upTo.text, first)}`,
    );
  }
  return conditions.length === 0 ? '' : `WHERE ${conditions.join(' AND ')}`;
}

/** `(a, b) > (x, y)`, written out as `a >= x AND (a > x OR (a = x AND b > y))` where row comparison uses no index. */
export function greaterThan(
  dialect: SqlDialect,
  columns: readonly Column[],
  after: readonly string[],
): string {
  const pairs = columns.map((column, index) => {
    const text = after[index];
    if (text === undefined)
      throw new RangeError(`offset has ${after.length} values for ${columns.length} key columns`);
    return { name: dialect.quote(column.name), literal: dialect.literal(text, column) };
  });
  const [first] = pairs;
  if (!first) throw new RangeError('no key column to page by');
  if (pairs.length === 1) return `${first.name} > ${first.literal}`;
  if (dialect.hasIndexedRowComparison) {
    return `(${pairs.map((pair) => pair.name).join(', ')}) > (${pairs.map((pair) => pair.literal).join(', ')})`;
  }
  const alternatives = pairs.map((pair, index) =>
    [
      ...pairs.slice(0, index).map((before) => `${before.name} = ${before.literal}`),
      `${pair.name} > ${pair.literal}`,
    ].join(' AND '),
  );
  return `${first.name} >= ${first.literal} AND (${alternatives.map((each) => `(${each})`).join(' OR ')})`;
}
