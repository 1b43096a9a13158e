import { decimal, double, hexKey, int, timeKey, uuidKey, wordKey } from './key-values.ts';
import { sqlStatements } from './sql-statements.ts';
import { sqlserverTypes } from './sqlserver-types.ts';
import type { KeyType, Setting, Shape, SqlFuzzSystem } from './system.ts';

const quote = (identifier: string) => `[${identifier.replaceAll(']', ']]')}]`;

/** SET statements of the tester's writers: they decide how tables are created and how statements run, not what Idra reads. */
const settings: readonly Setting[] = [
  { name: 'ANSI_PADDING', values: ['OFF'] },
  { name: 'ANSI_NULLS', values: ['OFF'] },
  { name: 'ANSI_WARNINGS', values: ['OFF'] },
  { name: 'ANSI_NULL_DFLT_ON', values: ['OFF'] },
  { name: 'ARITHABORT', values: ['OFF'] },
  { name: 'CONCAT_NULL_YIELDS_NULL', values: ['OFF'] },
  { name: 'DATEFIRST', values: ['1', '3'] },
  { name: 'DATEFORMAT', values: ['dmy', 'mdy', 'ydm'] },
  { name: 'LANGUAGE', values: ['German', 'British', 'Japanese'] },
  { name: 'NUMERIC_ROUNDABORT', values: ['ON'] },
  { name: 'QUOTED_IDENTIFIER', values: ['OFF'] },
  { name: 'ROWCOUNT', values: ['2', '7'] },
  { name: 'TEXTSIZE', values: ['3', '2147483647'] },
  { name: 'XACT_ABORT', values: ['ON'] },
  { name: 'NOCOUNT', values: ['OFF'] },
  { name: 'TRANSACTION ISOLATION LEVEL', values: ['READ UNCOMMITTED', 'REPEATABLE READ', 'SERIALIZABLE'] },
];

const shapes: readonly Shape[] = [
  {
    name: 'identity',
    issuesIds: true,
    create: (table, body) => [
      `CREATE TABLE ${table} (${body.replace('[s] bigint NOT NULL', '[s] bigint IDENTITY(1, 1) NOT NULL')})`,
    ],
  },
  {
    name: 'computed column',
    create: (table, body) => [`CREATE TABLE ${table} (${body}, [computed] AS (r * 2))`],
  },
  {
    name: 'rowversion',
    create: (table, body) => [`CREATE TABLE ${table} (${body}, [version] rowversion)`],
  },
  {
    name: 'index with included columns',
    create: (table, body) => [
      `CREATE TABLE ${table} (${body})`,
      `CREATE INDEX ${table.replace('{', '{!').replace('}', '_x}')} ON ${table} (c DESC) INCLUDE (a)`,
    ],
  },
];

const collations = {
  ci_as: 'Latin1_General_CI_AS',
  ci_ai: 'Latin1_General_CI_AI',
  cs_as: 'Latin1_General_CS_AS',
  bin2: 'Latin1_General_BIN2',
};

/** Without the prefix the server converts a text to its own code page first. */
const unicodeWord = (n: number) => `N${wordKey(n)}`;

const textKeys: readonly KeyType[] = Object.entries(collations).map(([name, collation]) => ({
  name,
  ddl: `nvarchar(50) COLLATE ${collation}`,
  kind: 'text',
  value: unicodeWord,
}));

export const sqlserver: SqlFuzzSystem = {
  name: 'sqlserver',
  quote,
  statements: sqlStatements(quote, {
    begin: 'BEGIN TRANSACTION',
    rollback: 'IF @@TRANCOUNT > 0 ROLLBACK TRANSACTION',
  }),
  own: { int: 'int', bigint: 'bigint', text: 'nvarchar(40)' },
  types: sqlserverTypes,
  shapes,
  settings,
  hasPrepared: false,
  // The server that stands in for SQL Server in tests gets the views of transactions from the tests (kit/servers/babelfish.ts).
  showsOpenTransactions: true,
  coarseText: 'nvarchar(50) COLLATE Latin1_General_CI_AI',
  keyTypes: [
    int('int', 'int'),
    int('bigint', 'bigint', 9_007_199_254_740_990n),
    int('smallint', 'smallint'),
    decimal('decimal(20,4)'),
    double('float'),
    ...textKeys,
    { name: 'char', ddl: 'nchar(8) COLLATE Latin1_General_BIN2', kind: 'char', value: unicodeWord },
    { name: 'varbinary', ddl: 'varbinary(20)', kind: 'bytes', value: (n) => `0x${hexKey(n)}` },
    { name: 'uuid', ddl: 'uniqueidentifier', kind: 'text', value: uuidKey },
    {
      name: 'datetime2',
      ddl: 'datetime2(6)',
      kind: 'timestamp',
      value: (n) => timeKey(n).replace(' ', 'T'),
      isGrowing: true,
    },
    {
      name: 'datetime',
      ddl: 'datetime',
      kind: 'timestamp',
      value: (n) => `DATEADD(ms, ${10 * n}, CAST('20260101' AS datetime))`,
      isGrowing: true,
    },
    {
      name: 'datetimeoffset',
      ddl: 'datetimeoffset(6)',
      kind: 'timestamp',
      // The order of instants is not that of the texts.
      value: (n) =>
        timeKey(n)
          .replace(' ', 'T')
          .replace(/'$/, n % 2 === 0 ? "+05:30'" : "-08:00'"),
    },
    // In the code page of its collation, and compared without case.
    { name: 'varchar', ddl: 'varchar(50) COLLATE Latin1_General_CI_AS', kind: 'text', value: wordKey },
    { name: 'date', ddl: 'date', kind: 'date', value: (n) => `DATEADD(day, ${n}, CAST('20200101' AS date))` },
  ],
  timeTypes: [
    { ddl: 'datetime2(6)', now: 'SYSUTCDATETIME()' },
    { ddl: 'datetime2(3)', now: 'SYSUTCDATETIME()' },
    { ddl: 'datetime2(0)', now: 'SYSUTCDATETIME()' },
    { ddl: 'datetimeoffset(6)', now: 'SYSDATETIMEOFFSET()' },
    // The server that stands in for SQL Server would store GETUTCDATE() with more digits than a datetime has.
    { ddl: 'datetime', now: 'CONVERT(datetime, CONVERT(varchar(23), GETUTCDATE(), 121), 121)' },
  ],
  retypes: [
    { from: 'int', to: 'bigint', kind: 'int' },
    { from: 'int', to: 'float', kind: 'float64' },
    { from: 'int', to: 'decimal(20,2)', kind: 'decimal' },
    { from: 'int', to: 'nvarchar(30)', kind: 'text' },
    { from: 'int', to: 'smallint', kind: 'int' },
    { from: 'bigint', to: 'int', kind: 'int' },
    { from: 'bigint', to: 'float', kind: 'float64' },
    { from: 'nvarchar(40)', to: 'nvarchar(80)', kind: 'text' },
    { from: 'nvarchar(40)', to: 'nvarchar(3)', kind: 'text' },
    { from: 'nvarchar(40)', to: 'nvarchar(max)', kind: 'text' },
    { from: 'nvarchar(40)', to: 'varchar(40)', kind: 'text' },
    { from: 'datetime2(6)', to: 'datetimeoffset(6)', kind: 'timestamp' },
    { from: 'datetime2(6)', to: 'datetime2(0)', kind: 'timestamp' },
  ],
  // Without NULL and NOT NULL, which the server that stands in for SQL Server refuses there; the column keeps its own.
  retype: (table, column, ddl) => alter(table, column, ddl),
  setNotNull: (table, column, ddl, isNotNull) =>
    alter(table, column, `${ddl} ${isNotNull ? 'NOT ' : ''}NULL`),
  renameColumn: (table, from, to) => `EXEC sp_rename '${table}.${from}', '${to}', 'COLUMN'`,
  swapNames: (table, one, other) => [
    'BEGIN TRANSACTION',
    sqlserver.renameColumn(table, one, 'swap_'),
    sqlserver.renameColumn(table, other, one),
    sqlserver.renameColumn(table, 'swap_', other),
    'COMMIT',
  ],
  renameTable: (table, to) => `EXEC sp_rename '${table}', '${to}', 'OBJECT'`,
  truncate: (table) => `TRUNCATE TABLE ${table}`,
  dropKey: (table) =>
    `DECLARE @key nvarchar(200) = (SELECT MAX(name) FROM sys.key_constraints WHERE parent_object_id = OBJECT_ID('${table}'));
     EXEC('ALTER TABLE ${table} DROP CONSTRAINT ' + @key)`,
  reseed: (table, next) => `DBCC CHECKIDENT ('${table}', RESEED, ${next})`,
};

function alter(table: string, column: string, type: string): string {
  return `ALTER TABLE ${table} ALTER COLUMN ${quote(column)} ${type}`;
}
