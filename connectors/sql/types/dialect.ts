import type { RowFormat } from '../../../core/batch.ts';
import type { Column } from '../../../core/values.ts';

/** What the shared SQL code asks of a system. Literals, not parameters: COPY takes none. */
export interface SqlDialect {
  quote(identifier: string): string;
  /** Canonical text (scalarText) as a literal that compares as the column's own type, so that indexes serve it. */
  literal(text: string, column: Column): string;
  /** The select item of a column: canonical where rows travel as values, else as the raw request at `index` says. */
  selectItem(column: Column, rowFormat: RowFormat, index: number): string;
  /**
   * The operator as it stands between a column and a literal of its type; left out, it is the symbol. For systems where users define
   * operators: the one that means what the order of an index means, wherever the session looks for names.
   */
  operator?(symbol: Comparison, column: Column): string;
  /** Of a group, that it has more than one row; left out: `count(*) > 1`. For the same systems. */
  readonly isSeveral?: string;
  /** `(a, b) > (x, y)` uses an index (PostgreSQL, SQLite), or must be written out (MySQL, SQL Server). */
  readonly hasIndexedRowComparison: boolean;
}

export type Comparison = '<' | '<=' | '=' | '>=' | '>';

/** Something to select from: `"public"."orders"`, or `(select ...) AS "q"`. */
export type FromClause = string;
