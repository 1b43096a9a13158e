import type { RowFormat } from '../../../core/batch.ts';
import type { Column } from '../../../core/values.ts';
import type { Comparison, FromClause, SqlDialect } from '../types/dialect.ts';

/** Rows in key order after `after` and up to `upTo`: keyset pagination, never OFFSET. */
export interface Range {
  readonly columns: readonly Column[];
  /** Columns that rows are ordered and paged by; unique together, according to the catalog or to a check of the pages. */
  readonly orderBy: readonly Column[];
  /** Exclusive: canonical texts of the orderBy columns; null to start at the beginning. */
  readonly after: readonly string[] | null;
  /** Bound of the first orderBy column. */
  readonly upTo: UpTo | undefined;
  /** Undefined for no limit. */
  readonly maxRows: number | undefined;
}

export interface UpTo {
  readonly text: string;
  readonly isInclusive: boolean;
}

export function selectRange(
  dialect: SqlDialect,
  from: FromClause,
  range: Range,
  rowFormat: RowFormat,
): string {
  const items = range.columns.map((column, index) => dialect.selectItem(column, rowFormat, index)).join(', ');
  const order = range.orderBy.map((column) => dialect.quote(column.name)).join(', ');
  const { maxRows } = range;
  const isTop = dialect.limit === 'top';
  return [
    `SELECT ${isTop && maxRows !== undefined ? `TOP (${maxRows}) ` : ''}${items} FROM ${from}`,
    whereRange(dialect, range),
    order && `ORDER BY ${order}`,
    !isTop && maxRows !== undefined && `LIMIT ${maxRows}`,
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
    conditions.push(compared(dialect, first, range.upTo.isInclusive ? '<=' : '<', range.upTo.text));
  }
  return conditions.length === 0 ? '' : `WHERE ${conditions.join(' AND ')}`;
}

/** A comparison of a column with a canonical text. */
export function compared(dialect: SqlDialect, column: Column, symbol: Comparison, text: string): string {
  return `${dialect.quote(column.name)} ${operatorOf(dialect, column, symbol)} ${dialect.literal(text, column)}`;
}

function operatorOf(dialect: SqlDialect, column: Column, symbol: Comparison): string {
  return dialect.operator?.(symbol, column) ?? symbol;
}

/**
 * `(a, b) > (x, y)`, written as `a >= x AND (a > x OR (a = x AND b > y))` if the system's row comparison uses no index. Fewer values than
 * columns mean a position after all rows that begin with them.
 */
export function greaterThan(
  dialect: SqlDialect,
  columns: readonly Column[],
  after: readonly string[],
): string {
  return compareRows(dialect, columns, after, '>');
}

/** Rows from one position to another, both included. Undefined means from the beginning. */
export function withinRows(
  dialect: SqlDialect,
  columns: readonly Column[],
  from: readonly string[] | null,
  to: readonly string[],
): string {
  const [first] = columns;
  if (!first) throw new RangeError('no key column to page by');
  const end = compared(dialect, first, '<=', to[0] ?? '');
  return [
    ...(from ? [compareRows(dialect, columns, from, '>=')] : []),
    ...(to.length > 1 ? [end, `NOT (${greaterThan(dialect, columns, to)})`] : [end]),
  ].join(' AND ');
}

function compareRows(
  dialect: SqlDialect,
  columns: readonly Column[],
  position: readonly string[],
  last: '>' | '>=',
): string {
  if (position.length > columns.length)
    throw new RangeError(`offset has ${position.length} values for ${columns.length} key columns`);
  const given = columns.slice(0, position.length);
  const is = (index: number, symbol: Comparison) =>
    compared(dialect, given[index] as Column, symbol, position[index] ?? '');
  const [first] = given;
  if (!first) throw new RangeError('no key column to page by');
  if (given.length === 1) return is(0, last);
  const operator = operatorOf(dialect, first, last);
  if (
    dialect.hasIndexedRowComparison &&
    given.every((each) => operatorOf(dialect, each, last) === operator)
  ) {
    const names = given.map((column) => dialect.quote(column.name));
    const literals = given.map((column, index) => dialect.literal(position[index] ?? '', column));
    return `(${names.join(', ')}) ${operator} (${literals.join(', ')})`;
  }
  const alternatives = given.map((_, index) =>
    [
      ...given.slice(0, index).map((_before, at) => is(at, '=')),
      is(index, index === given.length - 1 ? last : '>'),
    ].join(' AND '),
  );
  return `${is(0, '>=')} AND (${alternatives.map((each) => `(${each})`).join(' OR ')})`;
}
