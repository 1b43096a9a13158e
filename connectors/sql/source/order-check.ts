import type { ReadRequest } from '../../../core/connector.ts';
import { counted } from '../../../core/counted.ts';
import { permanent } from '../../../core/errors.ts';
import { nameRow } from '../../../core/row-name.ts';
import { isUniqueBy } from '../../../core/unique-order.ts';
import type { Column } from '../../../core/values.ts';
import { withinRows } from './keyset.ts';
import type { RangeReader } from './range-reader.ts';

/** Rows from one position to another, both included. */
export interface Span {
  readonly from: readonly string[] | null;
  readonly to: readonly string[];
}

/**
 * Checks the rows of an order that no key in the catalog guarantees: of two rows at one position a page may contain only one, and the
 * other would never be read. The server compares them, with its own collations, whatever the row format. Rows are checked before they are
 * handed on.
 */
export class OrderCheck {
  readonly #reader: RangeReader;
  readonly #request: ReadRequest;
  readonly #orderBy: readonly Column[];
  readonly isNeeded: boolean;

  constructor(reader: RangeReader, request: ReadRequest, orderBy: readonly Column[]) {
    this.#reader = reader;
    this.#request = request;
    this.#orderBy = orderBy;
    const names = orderBy.map((column) => column.name);
    this.isNeeded = orderBy.length > 0 && !isUniqueBy(request.relation, names);
  }

  /** Throws KeyNotUnique or KeyNullable. */
  async requireDistinct(span: Span, signal: AbortSignal): Promise<void> {
    if (!this.isNeeded) return;
    const { dialect } = this.#reader;
    const names = this.#orderBy.map((column) => dialect.quote(column.name)).join(', ');
    const where = withinRows(dialect, this.#orderBy, span.from, span.to);
    const isSeveral = dialect.isSeveral ?? 'count(*) > 1';
    const tail = `WHERE ${where} GROUP BY ${names} HAVING ${isSeveral} ORDER BY ${names}`;
    const values: (string | null)[] = [];
    for (const column of this.#orderBy) {
      const value = await this.#reader.first(column, tail, signal);
      if (value === undefined && values.length === 0) break;
      values.push(value ?? null);
    }
    if (values.length > 0) throw this.#notUnique(values);
    if (this.#request.mode !== 'Snapshot') await this.#requireKeys(span, signal);
  }

  /** Rows with NULL in a column that identifies rows. For a Snapshot this is checked at its end, because no page contains such rows. */
  async requireNoNulls(signal: AbortSignal): Promise<void> {
    if (!this.isNeeded || this.#request.mode !== 'Snapshot') return;
    await this.#refuseNulls(this.#orderBy, '', signal);
  }

  /** NULL in a column after the cursor field: whether such a row is read depends on where the pages are cut. */
  async #requireKeys({ from, to }: Span, signal: AbortSignal): Promise<void> {
    const [field, ...rest] = this.#orderBy;
    if (!field) return;
    const range = withinRows(this.#reader.dialect, [field], from?.slice(0, 1) ?? null, to.slice(0, 1));
    await this.#refuseNulls(rest, `${range} AND `, signal);
  }

  async #refuseNulls(columns: readonly Column[], range: string, signal: AbortSignal): Promise<void> {
    const nullable = columns.filter((column) => column.isNullable);
    if (nullable.length === 0) return;
    const isNull = nullable
      .map((column) => `${this.#reader.dialect.quote(column.name)} IS NULL`)
      .join(' OR ');
    const count = await this.#reader.count(`WHERE ${range}(${isNull})`, signal);
    if (count === 0) return;
    throw keyNullable(
      count,
      this.#request.relation.name,
      nullable.map((column) => column.name),
    );
  }

  #notUnique(values: readonly (string | null)[]): Error {
    const { relation, redactsKeys, mode } = this.#request;
    const columns = this.#orderBy.map((column) => column.name);
    const row = nameRow({ columns, values }, redactsKeys ?? false);
    return permanent(
      'KeyNotUnique',
      `several rows of ${relation.name} have ${row}: rows with the same value at the edge of two batches would be lost`,
      {
        path: mode === 'Id' && columns.length === 1 ? 'spec.source.idField' : 'spec.source.key',
        fix: 'name the columns that identify a row in source.key, or write a query that returns one row for each',
      },
    );
  }
}

/** The error for `count` rows with NULL in one of these columns. */
export function keyNullable(count: number, relation: string, columns: readonly string[]): Error {
  return permanent(
    'KeyNullable',
    `${counted(count, 'row')} of ${relation} ${count === 1 ? 'has' : 'have'} NULL in ${columns.join(', ')}: such rows cannot be ordered, and are not read`,
    {
      path: 'spec.source.key',
      fix: 'leave such rows out with a query (WHERE ... IS NOT NULL), or name other columns in source.key',
    },
  );
}

/** The last row of a part has NULL in a column that the next part must start from. */
export function keyIsNull(column: Pick<Column, 'name'>): Error {
  return permanent(
    'KeyNullable',
    `column ${column.name} is NULL in a row, and such a row cannot be ordered`,
    {
      path: 'spec.source.key',
      fix: 'leave such rows out with a query, or name other columns in source.key',
    },
  );
}
