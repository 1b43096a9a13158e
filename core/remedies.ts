/** What to do about a finding of the engine, in the words of one system: its statements, and fields of the manifest. */
export interface Remedies {
  /** What tells its rows apart: `primary key or NOT NULL unique index`. */
  readonly key: string;
  /** Where a Sync that reads this system renames, casts, adds and leaves out columns: `source.query`. */
  readonly columnsField: string;
  /** Makes these columns a key: `CREATE UNIQUE INDEX ON orders (id)`. */
  uniqueKey(object: string, columns: readonly string[]): string;
  /** The same for the order that a mode reads by, or another way to read in an order that cannot be proven. */
  uniqueOrder(object: string, columns: readonly string[]): string;
  /** Sees to it that there is a value in each row: `make id NOT NULL`. */
  requireValues(columns: readonly string[]): string;
  /** Lets an upsert write a column that the system never updates (Column.isNeverUpdated). */
  allowUpdates(object: string, column: string): string;
}
