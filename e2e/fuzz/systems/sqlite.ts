import { sqliteTypes } from '../../pairs/types/sqlite.ts';
import { decimal, double, hexKey, int, texts, timeKey } from './key-values.ts';
import { sqlStatements } from './sql-statements.ts';
import type { SqlFuzzSystem } from './system.ts';

const quote = (identifier: string) => `"${identifier.replaceAll('"', '""')}"`;
const now = "strftime('%Y-%m-%d %H:%M:%f', 'now')";

export const sqlite: SqlFuzzSystem = {
  name: 'sqlite',
  quote,
  statements: sqlStatements(quote),
  own: { int: 'INTEGER', bigint: 'INTEGER', text: 'varchar(40)' },
  showsOpenTransactions: true,
  types: sqliteTypes,
  settings: [],
  hasPrepared: false,
  coarseText: 'TEXT COLLATE NOCASE',
  shapes: [
    {
      name: 'without rowid',
      needsPrimaryKey: true,
      create: (table, body) => [`CREATE TABLE ${table} (${body}) WITHOUT ROWID`],
    },
  ],
  keyTypes: [
    int('integer', 'INTEGER'),
    int('bigint', 'BIGINT', 9_007_199_254_740_990n),
    { ...decimal('DECIMAL_TEXT(20,4)'), value: (n) => `'${n}.${n % 10}5'` },
    double('REAL'),
    ...texts('TEXT', { text: '', nocase: 'NOCASE', rtrim: 'RTRIM' }),
    { name: 'blob', ddl: 'BLOB', kind: 'bytes', value: (n) => `x'${hexKey(n)}'` },
    { name: 'timestamp', ddl: 'TIMESTAMP', kind: 'timestamp', value: timeKey, isGrowing: true },
    { name: 'date', ddl: 'DATE', kind: 'date', value: (n) => `date('2020-01-01', '+${n} days')` },
  ],
  timeTypes: [
    { ddl: 'TIMESTAMP', now },
    { ddl: 'DATETIME', now: "strftime('%Y-%m-%d %H:%M:%S', 'now')" },
    { ddl: 'TIMESTAMPTZ', now: "strftime('%Y-%m-%d %H:%M:%fZ', 'now')" },
    { ddl: 'TIMESTAMPTZ', now: "strftime('%Y-%m-%d %H:%M:%f+02:00', 'now', '+2 hours')" },
  ],
  retypes: [],
  retype: () => undefined,
  setNotNull: () => undefined,
  renameColumn: (table, from, to) => `ALTER TABLE ${table} RENAME COLUMN ${quote(from)} TO ${quote(to)}`,
  swapNames: (table, one, other) => [
    'BEGIN',
    sqlite.renameColumn(table, one, 'swap_'),
    sqlite.renameColumn(table, other, one),
    sqlite.renameColumn(table, 'swap_', other),
    'COMMIT',
  ],
  renameTable: (table, to) => `ALTER TABLE ${table} RENAME TO ${to}`,
  truncate: (table) => `DELETE FROM ${table}`,
  dropKey: (table) => `DROP INDEX ${table.replace('}', '_x}')}`,
};
