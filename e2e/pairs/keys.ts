import type { SystemName, TestDatabase } from '../kit/systems.ts';
import type { Kind } from './type-case.ts';

/** A table whose key has this type; rows are read in its order, two at a time. */
export interface KeyCase {
  readonly name: string;
  /** Types of the key's columns, by system; a system that is missing has no such key. */
  readonly ddl: Readonly<Partial<Record<SystemName, readonly string[]>>>;
  readonly kinds: readonly Kind[];
  /** One literal for each column of the key. */
  readonly rows: readonly (readonly string[])[];
  /** Also read in mode Id, by the first column. */
  readonly isOrdered?: true;
}

const text = (text: string) => `'${text.replaceAll("'", "''")}'`;
const binaryText = {
  postgres: 'text',
  mysql: 'varchar(50) COLLATE utf8mb4_0900_bin',
  mariadb: 'varchar(50) COLLATE utf8mb4_nopad_bin',
  sqlite: 'TEXT',
} as const;

export const keyCases: readonly KeyCase[] = [
  {
    name: 'by_text',
    ddl: each((system) => [binaryText[system]]),
    kinds: ['text'],
    rows: [
      'a',
      'A',
      'a ',
      'a  ',
      'á',
      'ß',
      'ss',
      'Z',
      'z',
      '~',
      '',
      ' ',
      '0',
      '10',
      '9',
      'NULL',
      '🌊',
      '東',
      'ﬀ',
      'a%',
      'a_',
    ].map((key) => [text(key)]),
    isOrdered: true,
  },
  {
    name: 'by_collation',
    ddl: {
      postgres: ['text COLLATE "und-x-icu"'],
      mysql: ['varchar(50) COLLATE utf8mb4_0900_ai_ci'],
      mariadb: ['varchar(50) COLLATE utf8mb4_unicode_ci'],
      sqlite: ['TEXT COLLATE NOCASE'],
    },
    kinds: ['text'],
    rows: ['b', 'Ä', 'c', 'B2', '_x', '10', '9', 'zz', 'É', 'n-m', "o'k", 'Ω'].map((key) => [text(key)]),
  },
  {
    name: 'by_several',
    ddl: {
      postgres: ['text', 'bigint', 'date'],
      mysql: [binaryText.mysql, 'bigint', 'date'],
      mariadb: [binaryText.mariadb, 'bigint', 'date'],
      sqlite: ['TEXT', 'BIGINT', 'DATE'],
    },
    kinds: ['text', 'int', 'date'],
    rows: ['x', 'y', 'X '].flatMap((one) =>
      ['-9223372036854775808', '0', '9223372036854775807'].flatMap((two) => [
        [text(one), two, "'2026-01-01'"],
        [text(one), two, "'2026-01-02'"],
      ]),
    ),
  },
  {
    name: 'by_decimal',
    ddl: {
      postgres: ['numeric(30,10)'],
      mysql: ['decimal(30,10)'],
      mariadb: ['decimal(30,10)'],
    },
    kinds: ['decimal'],
    rows: [
      '-99999999999999999999.9999999999',
      '-1',
      '0',
      '0.0000000001',
      '9',
      '10',
      '99999999999999999999',
    ].map((key) => [key]),
    isOrdered: true,
  },
  {
    name: 'by_timestamp',
    ddl: {
      postgres: ['timestamptz'],
      mysql: ['datetime(6)'],
      mariadb: ['timestamp(6)'],
      sqlite: ['TIMESTAMP'],
    },
    kinds: ['timestamp'],
    rows: [
      '2026-01-01 00:00:00.000000',
      '2026-01-01 00:00:00.000001',
      '2026-01-01 00:00:00.999999',
      '1971-01-01 00:00:00.500000',
    ].map((key) => [text(key)]),
    isOrdered: true,
  },
  {
    name: 'by_bytes',
    ddl: {
      postgres: ['bytea'],
      mysql: ['varbinary(20)'],
      mariadb: ['varbinary(20)'],
      sqlite: ['BLOB'],
    },
    kinds: ['bytes'],
    rows: ['', '00', '0000', '5c', '5c5c', '27', '7f', '80', 'ff', 'ff00'].map((key) => [`x'${key}'`]),
    isOrdered: true,
  },
  {
    name: 'by_uuid',
    ddl: { postgres: ['uuid'], mariadb: ['uuid'] },
    kinds: ['text'],
    rows: [
      '00000000-0000-0000-0000-000000000001',
      'ffffffff-0000-4000-8000-000000000000',
      '0a0eebc9-0000-4000-8000-00000000000f',
    ].map((key) => [text(key)]),
  },
  {
    name: 'by_double',
    ddl: { postgres: ['double precision'], mysql: ['double'], mariadb: ['double'], sqlite: ['REAL'] },
    kinds: ['float64'],
    rows: [
      '-1.7976931348623157e308',
      '-0.1',
      '0',
      '5e-300',
      '0.1',
      '0.30000000000000004',
      '9007199254740993',
      '1e22',
    ].map((key) => [key]),
    isOrdered: true,
  },
  {
    name: 'by_unsigned',
    ddl: { mysql: ['bigint unsigned'], mariadb: ['bigint unsigned'], postgres: ['numeric(20,0)'] },
    kinds: ['decimal'],
    rows: ['0', '9223372036854775807', '9223372036854775808', '18446744073709551615'].map((key) => [key]),
    isOrdered: true,
  },
  {
    name: 'by_boolean',
    ddl: {
      postgres: ['boolean', 'integer'],
      mysql: ['tinyint(1)', 'integer'],
      mariadb: ['tinyint(1)', 'integer'],
      sqlite: ['BOOLEAN', 'INTEGER'],
    },
    kinds: ['boolean', 'int'],
    rows: [
      ['true', '1'],
      ['true', '2'],
      ['false', '1'],
      ['false', '2'],
    ],
  },
];

function each(of: (system: SystemName) => readonly string[]): Record<SystemName, readonly string[]> {
  return { postgres: of('postgres'), mysql: of('mysql'), mariadb: of('mariadb'), sqlite: of('sqlite') };
}

export function casesOf(system: SystemName): readonly KeyCase[] {
  return keyCases.filter(({ ddl }) => ddl[system]);
}

/** Columns `k1`, `k2`, ... are the key; `body` identifies the row. */
export async function createKeyTable(source: TestDatabase, { name, ddl, rows }: KeyCase): Promise<void> {
  const columns = (ddl[source.system] ?? []).map((type, index) => `k${index + 1} ${type} NOT NULL`);
  const names = columns.map((_, index) => `k${index + 1}`);
  const literal = (value: string) =>
    source.system === 'postgres' ? value.replace(/^x'(.*)'$/, "'\\x$1'::bytea") : value;
  const values = rows.map((row, index) => `(${[...row.map(literal), `'row ${index}'`].join(', ')})`);
  await source.execute(
    `CREATE TABLE ${name} (${columns.join(', ')}, body varchar(100), PRIMARY KEY (${names.join(', ')}))`,
    `INSERT INTO ${name} VALUES ${values.join(', ')}`,
  );
}

/** Names that break unquoted statements; 63 characters are PostgreSQL's limit. */
export const oddTable = 'Order "Items".select `x` it\'s % ? $1 :y \\ 东 and up to sixty-3';
export const oddColumns: readonly string[] = [
  'select',
  'Order',
  'a"b',
  'a`b',
  'with space',
  'a.b',
  "it's",
  '?',
  '%s $1 :x',
  'back\\slash',
  'naïve 東',
  'NULL',
  'excluded',
  'new',
  'c'.repeat(63),
];
export const oddKey = 'Group By';
export const oddTime = 'Up Dated';
