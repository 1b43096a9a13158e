/** Remedies for findings of the engine, in the terms of one system: its statements, and fields of the manifest. */
export interface Remedies {
  /** What identifies its rows: `primary key or NOT NULL unique index`. */
  readonly key: string;
  /** The field of a Sync with which columns are renamed, cast, added and left out when reading this system: `source.query`. */
  readonly columnsField: string;
  /** Makes these columns a key: `CREATE UNIQUE INDEX ON orders (id)`. */
  uniqueKey(object: string, columns: readonly string[]): string;
  /** The same for the order that a mode reads by, or another way to read an order that cannot be proven. */
  uniqueOrder(object: string, columns: readonly string[]): string;
  /** Ensures that each row has a value: `make id NOT NULL`. */
  requireValues(columns: readonly string[]): string;
  /** Makes a column updatable that the system never updates (Column.isNeverUpdated). */
  allowUpdates(object: string, column: string): string;
}
