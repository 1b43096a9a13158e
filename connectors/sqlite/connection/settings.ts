import type { Database } from 'better-sqlite3';

/**
 * Connection settings that change which rows a statement sees, or what a write does, each with the reason for its value. They are not
 * stored in the file, but a build of SQLite may have other defaults. Settings stored in a file are its owner's choice and change no
 * value: encoding (text is read as UTF-8, and each file sorts by its own), journal_mode, auto_vacuum, page_size.
 */
export const pinned: readonly (readonly [pragma: string, value: number, reason: string])[] = [
  ['reverse_unordered_selects', 0, 'rows of a table without a key are read in their usual order'],
  ['read_uncommitted', 0, 'uncommitted rows are not read'],
  ['trusted_schema', 0, 'views, triggers and defaults of a file cannot call functions with side effects'],
  ['writable_schema', 0, 'the schema table cannot be written'],
  ['ignore_check_constraints', 0, 'CHECK constraints of the destination apply'],
  ['recursive_triggers', 0, 'triggers fire as they do for other writers'],
  ['defer_foreign_keys', 0, 'a foreign key is checked with its row, so that onError can name it'],
  ['count_changes', 0, 'statements that write return no row'],
  ['legacy_alter_table', 0, 'renaming updates references; only the swap of Replace uses the old behaviour'],
  ['cell_size_check', 1, 'a damaged page is an error instead of wrong rows'],
];

export function pin(database: Database): void {
  // Not in the list, because it cannot be read back. LIKE in a query behaves as in SQLite's documentation.
  database.pragma('case_sensitive_like = 0');
  for (const [name, value] of pinned) database.pragma(`${name} = ${value}`);
}
