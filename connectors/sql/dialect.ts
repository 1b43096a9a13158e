import type { Wire } from '../../core/batch.ts';
import type { Column } from '../../core/values.ts';

/** What the shared SQL code asks of a system. Literals, not parameters: COPY takes none. */
export interface SqlDialect {
  quote(identifier: string): string;
  /** Canonical text (scalarText) as a literal that compares as the column's own type, so that indexes serve it. */
  literal(text: string, column: Column): string;
  /** The select item of a column: canonical on the `values` wire, else as the raw request at `index` says. */
  selectItem(column: Column, wire: Wire, index: number): string;
  /** `(a, b) > (x, y)` uses an index (PostgreSQL, SQLite), or must be written out (MySQL, SQL Server). */
  readonly hasIndexedRowComparison: boolean;
}

/** Something to select from: `"public"."orders"`, or `(select ...) AS "q"`. */
export type FromClause = string;
