// biome-ignore-all lint/suspicious/noTemplateCurlyInString: what is written here is source text.

import type { Guard } from './guard.ts';

/** What a plan rests on: the order of rows, their keys, and that a table is the one that was planned. */
export const ofPlannedFacts: readonly Guard[] = [
  {
    name: 'an order that no key proves is refused',
    file: 'agent/engine/read-order.ts',
    from: 'findings: isProven ? [] : [',
    to: 'findings: true ? [] : [',
    caughtBy: { test: 'agent/engine/read-order.test.ts' },
  },
  {
    name: 'an id that is not unique is no position by itself',
    file: 'agent/engine/read-order.ts',
    from: 'const both = [...new Set([idField, ...sourceKey])];',
    to: 'const both = alone;',
    caughtBy: { test: 'agent/engine/order.test.ts', only: 'is the position' },
  },
  {
    name: 'two rows of one position in a query stop the Sync',
    file: 'connectors/sql/order-check.ts',
    from: 'if (values.length > 0) throw this.#notUnique(values);',
    to: '',
    caughtBy: { test: 'agent/engine/order.test.ts', only: 'edge of two batches' },
  },
  {
    name: 'NULL in the key of a query stops the Sync',
    file: 'connectors/sql/order-check.ts',
    from: 'if (count === 0) return;',
    to: 'return;',
    caughtBy: { test: 'agent/engine/order.test.ts', only: 'NULL in the key' },
  },
  {
    name: 'a source whose largest value is below the offset stops the Sync',
    file: 'connectors/sql/source-behind.ts',
    from: 'if (newest === undefined || (await isIssued(reader, request, field, offset, signal))) return;',
    to: 'return;',
    caughtBy: { test: 'agent/engine/order.test.ts', only: 'below the offset stops' },
  },
  {
    name: 'a key of the destination that is coarser than the source is refused',
    file: 'agent/engine/coarser-keys.ts',
    from: 'return existing?.equality !== undefined && existing.equality !== source.equality;',
    to: 'return false;',
    caughtBy: { test: 'agent/engine/rules.test.ts', only: 'different values for equal' },
  },
  {
    name: 'a type that is not known to have an order is no key',
    file: 'connectors/sql/key-types.ts',
    from: 'if (isListed) return undefined;',
    to: "if (isListed || type.kind !== 'array') return undefined;",
    caughtBy: { test: 'agent/engine/rules.test.ts', only: 'no order' },
  },
  {
    name: 'PostgreSQL: bytes of another length are not read as a key',
    file: 'connectors/postgres/binary-keys.ts',
    from: 'if (value.length !== length)',
    to: 'if (false)',
    caughtBy: { test: 'connectors/postgres/shape.test.ts', only: 'of another length' },
  },
  {
    name: 'PostgreSQL: a session has the pinned settings, whatever server, database and role say',
    file: 'connectors/postgres/settings.ts',
    from: "'SET statement_timeout = 0', pinSql,",
    to: "'SET statement_timeout = 0',",
    caughtBy: { test: 'connectors/postgres/settings.test.ts', only: 'whatever server' },
  },
  {
    name: 'PostgreSQL: a shadow table is counted before it is swapped in',
    file: 'connectors/postgres/replace.ts',
    from: 'if (Number(count) !== this.#rows) {',
    to: 'if (false) {',
    caughtBy: { test: 'connectors/postgres/replace.test.ts', only: 'took out of the shadow' },
  },
  {
    name: 'MySQL: a page is of the shape that was planned',
    file: 'connectors/mysql/row-reader.ts',
    from: 'if (told.isNext && told.fingerprint() !== statement.fingerprint) {',
    to: 'if (false) {',
    caughtBy: { test: 'connectors/mysql/shape.test.ts', only: 'swapped names' },
  },
  {
    name: 'MySQL: a sort looks at the whole of a long key',
    file: 'connectors/mysql/settings.ts',
    from: "value: '65536',",
    to: "value: '1024',",
    caughtBy: { test: 'connectors/mysql/settings.test.ts', only: 'long keys' },
  },
  {
    name: 'MySQL: a collation that takes different values for equal is told',
    file: 'connectors/mysql/equality.ts',
    from: 'return `mysql:${collation}`;',
    to: 'return undefined;',
    caughtBy: { test: 'connectors/mysql/source.test.ts', only: 'which values are equal' },
  },
  {
    name: 'SQLite: rows that vanished from the shadow are not swapped in',
    file: 'connectors/sqlite/destination-file.ts',
    from: 'if (totalRows === undefined && pass?.shadow) this.#startAnew(claimed, pass.shadow);',
    to: '',
    caughtBy: { test: 'connectors/sqlite/replace.test.ts', only: 'never swapped in' },
  },
  {
    name: 'MySQL: a batch goes into the table that was claimed',
    file: 'connectors/mysql/write-transaction.ts',
    from: 'await this.#target.requireSame(this.#session, results.slice(opening.length, end));',
    to: '',
    caughtBy: { test: 'connectors/mysql/write-shape.test.ts', only: 'Append: a column is (added|retyped)' },
  },
];
