// biome-ignore-all lint/suspicious/noTemplateCurlyInString: what is written here is source text.

import type { Guard } from './guard.ts';

/** What is looked at while rows are read by pages, in every SQL system; and SQLite's own. */
export const ofOrdersAndFiles: readonly Guard[] = [
  {
    name: 'rows of a time that is not over are held back',
    file: 'connectors/sql/source/read-pass.ts',
    from: "(request.mode === 'Id' && !isSetByOthers)",
    to: '!isSetByOthers',
    caughtBy: { test: 'connectors/mysql/source/safety-lag.test.ts', only: 'not over' },
  },
  {
    name: 'a second row of the offset itself is looked for',
    file: 'connectors/sql/source/read-pass.ts',
    from: 'await check.requireDistinct({ from: start, to: start }, signal);',
    to: '',
    caughtBy: { test: 'agent/engine/order.test.ts', only: 'of the offset' },
  },
  {
    name: 'NULL in the key of a query stops a pass by time',
    file: 'connectors/sql/source/order-check.ts',
    from: "if (this.#request.mode !== 'Snapshot') await this.#requireKeys(span, signal);",
    to: '',
    caughtBy: { test: 'agent/engine/order.test.ts', only: 'NULL in the key of a query.*Timestamp' },
  },
  {
    name: 'SQLite: two spellings of one key are refused',
    file: 'connectors/sqlite/destination/distinct-keys.ts',
    from: 'if (twin) throw severalSpellings(keys, twin);',
    to: '',
    caughtBy: { test: 'connectors/sqlite/source/source.test.ts', only: 'two spellings' },
  },
  {
    name: 'SQLite: the spelling of a key that comes later is looked at',
    file: 'connectors/sqlite/source/page-reader.ts',
    from: 'if (styleOf) seen.add(styleOf(row));',
    to: '',
    caughtBy: { test: 'connectors/sqlite/source/source.test.ts', only: 'two spellings' },
  },
  {
    name: 'SQLite: a page is read behind a look at the shape',
    file: 'connectors/sqlite/source/source-file.ts',
    from: "database.exec('BEGIN');\n    try {\n      this.#requirePlanned(request);\n      const rows",
    to: "database.exec('BEGIN');\n    try {\n      const rows",
    caughtBy: { test: 'connectors/sqlite/source/shape.test.ts', only: 'between two pages' },
  },
  {
    name: 'SQLite: a file that was replaced is opened',
    file: 'connectors/sqlite/source/source-file.ts',
    from: 'isBetweenReads && fileIdentity(this.#file) !== this.#identity',
    to: 'isBetweenReads && false',
    caughtBy: { test: 'connectors/sqlite/source/shape.test.ts', only: 'takes the place' },
  },
  {
    name: 'SQLite: a text whose bytes are none is not handed on',
    file: 'connectors/sqlite/source/page-reader.ts',
    from: 'if (mayBeReplaced(row)) scan.requireText();',
    to: '',
    caughtBy: { test: 'connectors/sqlite/source/source.test.ts', only: 'whose bytes are none' },
  },
  {
    name: 'SQLite: NULL in a primary key is counted',
    file: 'connectors/sqlite/source/source.ts',
    from: 'if (count > 0) throw keyNullable(count, request.relation.name, keys);',
    to: '',
    caughtBy: { test: 'connectors/sqlite/source/shape.test.ts', only: 'NULL that comes' },
  },
  {
    name: 'SQLite: a batch goes into the table that was claimed',
    file: 'connectors/sqlite/destination/claim.ts',
    from: 'watch.requireShape(shape);\n      return work(commits);',
    to: 'return work(commits);',
    caughtBy: { test: 'connectors/sqlite/destination/target-shape.test.ts', only: 'between two batches' },
  },
  {
    name: 'SQLite: an offset that was moved is not written over',
    file: 'connectors/sqlite/destination/commit-rows.ts',
    from: 'AND "closed" = 0 AND "offset" IS ? RETURNING',
    to: 'AND "closed" = 0 AND (1 OR "offset" IS ?) RETURNING',
    caughtBy: { test: 'connectors/sqlite/destination/target-shape.test.ts', only: 'has moved' },
  },
  {
    name: 'SQLite: only the owner makes a shadow',
    file: 'connectors/sqlite/destination/claim.ts',
    from: 'commits.requireOwner(owner);\n        shadow.create();',
    to: 'shadow.create();',
    caughtBy: { test: 'connectors/sqlite/destination/target-shape.test.ts', only: 'owner of before' },
  },
  {
    name: 'SQLite: a row that the table leaves out is refused',
    file: 'connectors/sqlite/destination/batch-writer.ts',
    from: 'if (changes > 0 || mayWriteNothing(this.#plan)) return undefined;',
    to: 'return undefined;',
    caughtBy: { test: 'connectors/sqlite/destination/target-shape.test.ts', only: 'leave out by itself' },
  },
  {
    name: 'SQLite: a row does not take the place of another one',
    file: 'connectors/sqlite/destination/ddl.ts',
    from: 'INSERT OR ABORT INTO',
    to: 'INSERT INTO',
    caughtBy: { test: 'connectors/sqlite/destination/target-shape.test.ts', only: 'in the place of another' },
  },
  {
    name: 'SQLite: an adopted row keeps its earlier owner out',
    file: 'connectors/sqlite/destination/commit-rows.ts',
    from: 'SET "closed" = 1, "token" = ? WHERE',
    to: 'SET "closed" = 1, "token" = "token" + 0 * ? WHERE',
    caughtBy: { test: 'connectors/sqlite/destination/target-shape.test.ts', only: 'takes over' },
  },
  {
    name: 'SQLite: a time that is later and sorts before the offset is looked for',
    file: 'connectors/sqlite/source/time-order.ts',
    from: 'if (count === 0n) return;',
    to: 'if (count >= 0n) return;',
    caughtBy: { test: 'connectors/sqlite/source/time-order.test.ts', only: 'sorts below the offset' },
  },
];
