import type { RowFormat } from '../../../core/batch.ts';
import type { Column } from '../../../core/values.ts';

/** What the shared SQL code requires of a system. Uses literals, not parameters, because COPY accepts none. */
export interface SqlDialect {
  quote(identifier: string): string;
  /** Canonical text (scalarText) as a literal of the column's own type, so that indexes can be used. */
  literal(text: string, column: Column): string;
  /** The select item of a column: canonical if rows are transferred as values, otherwise as specified by the raw request at `index`. */
  selectItem(column: Column, rowFormat: RowFormat, index: number): string;
  /**
   * The operator between a column and a literal of its type; default: the symbol. For systems with user-defined operators: the operator
   * that defines the order of the index, regardless of the session's search path.
   */
  operator?(symbol: Comparison, column: Column): string;
  /** Condition that a group has more than one row; default: `count(*) > 1`. For the same systems. */
  readonly isSeveral?: string;
  /** `(a, b) > (x, y)` uses an index (PostgreSQL, SQLite), or must be written out (MySQL, SQL Server). */
  readonly hasIndexedRowComparison: boolean;
  /** How a SELECT names the number of rows: `SELECT TOP (n)`; default: LIMIT at its end. */
  readonly limit?: 'top';
}

export type Comparison = '<' | '<=' | '=' | '>=' | '>';

/** Something to select from: `"public"."orders"`, or `(select ...) AS "q"`. */
export type FromClause = string;
