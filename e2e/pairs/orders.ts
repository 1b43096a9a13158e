import type { SystemName, TestDatabase } from '../kit/systems.ts';

/** A Sync that pages by an order which the catalog does not guarantee, or which keys do not allow, and its result. */
export interface OrderCase {
  readonly name: string;
  readonly source: (database: TestDatabase) => object;
  readonly spec: object;
  /** The reason in status, or the number of rows that arrive. */
  readonly expected: string | number;
}

const time: Record<SystemName, string> = {
  postgres: 'timestamp(6)',
  mysql: 'datetime(6)',
  mariadb: 'datetime(6)',
  sqlite: 'TIMESTAMP',
};
const at = (second: number) => `'2026-01-01 10:00:0${second}.000000'`;
const values = (rows: readonly (readonly [number | null, string, number])[]) =>
  rows.map(([group, text, second]) => `(${group ?? 'NULL'}, '${text}', ${at(second)})`).join(', ');

/** The value 2 is on both sides of the edge of a batch of two. */
const tied = values([
  [1, 'a', 1],
  [2, 'b', 2],
  [2, 'c', 2],
  [2, 'd', 2],
  [3, 'e', 3],
]);
const withNulls = values([
  [1, 'a', 1],
  [null, 'b', 2],
  [3, 'c', 3],
  [null, 'd', 4],
  [5, 'e', 5],
]);

/** Keys that differ only beyond the precision of a double: 64 bits, and the members of a full SET. */
const bitTypes: Record<SystemName, string> = {
  postgres: 'bit(64)',
  mysql: 'bit(64)',
  mariadb: 'bit(64)',
  sqlite: 'BIT_TEXT(64)',
};
const setOf64 = `set(${Array.from({ length: 64 }, (_, member) => `'m${member}'`).join(', ')})`;
const longKeys = (bits: string) => {
  const rows = ['01', '10', '11'].flatMap((end) =>
    ['01', '10'].map((begin) => `${begin}${'0'.repeat(60)}${end}`),
  );
  return rows.map((row) => `(${bits}'${row}')`).join(', ');
};
const memberKeys = ['m0', 'm60', 'm0,m60', 'm1,m60', 'm63', 'm0,m63', 'm1,m63'];

export async function createOrderTables(database: TestDatabase): Promise<void> {
  const { system } = database;
  const columns = `g int, v varchar(20), u ${time[system]}`;
  const identity = {
    postgres: 'id serial PRIMARY KEY',
    mysql: 'id int AUTO_INCREMENT PRIMARY KEY',
    mariadb: 'id int AUTO_INCREMENT PRIMARY KEY',
    sqlite: 'id INTEGER PRIMARY KEY AUTOINCREMENT',
  }[system];
  await database.execute(
    `CREATE TABLE tied (${columns})`,
    `INSERT INTO tied VALUES ${tied}`,
    `CREATE TABLE nulls (${columns})`,
    `INSERT INTO nulls VALUES ${withNulls}`,
    `CREATE TABLE plain (id int NOT NULL PRIMARY KEY, g int NOT NULL, u ${time[system]} NOT NULL)`,
    `INSERT INTO plain VALUES ${Array.from({ length: 9 }, (_, row) => `(${row}, ${Math.floor(row / 4)}, ${at(Math.floor(row / 4))})`).join(', ')}`,
    'CREATE VIEW plain_view AS SELECT * FROM plain',
    'CREATE VIEW tied_view AS SELECT * FROM tied',
    `CREATE TABLE long_bits (id ${bitTypes[system]} NOT NULL PRIMARY KEY)`,
    `INSERT INTO long_bits VALUES ${longKeys(system === 'sqlite' ? '' : 'b')}`,
    `CREATE TABLE members (id ${/^m/.test(system) ? setOf64 : 'varchar(20)'} NOT NULL PRIMARY KEY)`,
    `INSERT INTO members VALUES ${memberKeys.map((key) => `('${key}')`).join(', ')}`,
    `CREATE TABLE again (${identity}, v varchar(20))`,
    `INSERT INTO again (v) VALUES ('a'), ('b'), ('c'), ('d'), ('e')`,
  );
}

const query =
  (sql: string, more: object = {}) =>
  () => ({ query: sql, key: ['g'], ...more });
const table =
  (name: string, more: object = {}) =>
  (database: TestDatabase) => ({ table: database.tableName(name), ...more });
const append = { writeMode: 'Append' };

export const orderCases: readonly OrderCase[] = [
  { name: 'long-bits', source: table('long_bits'), spec: { mode: 'Snapshot' }, expected: 6 },
  {
    name: 'members',
    source: table('members'),
    spec: { mode: 'Snapshot', ...append, schedule: { once: true } },
    expected: 7,
  },
  {
    name: 'tied-snapshot',
    source: query('SELECT * FROM tied'),
    spec: { mode: 'Snapshot' },
    expected: 'KeyNotUnique',
  },
  {
    name: 'tied-replace',
    source: query('SELECT * FROM tied'),
    spec: { mode: 'Snapshot', writeMode: 'Replace' },
    expected: 'KeyNotUnique',
  },
  {
    name: 'tied-id',
    source: query('SELECT * FROM tied', { idField: 'g' }),
    spec: { mode: 'Id', ...append },
    expected: 'KeyNotUnique',
  },
  {
    name: 'tied-id-with-key',
    source: query('SELECT * FROM tied', { idField: 'g', key: ['v'] }),
    spec: { mode: 'Id', ...append },
    expected: 5,
  },
  {
    name: 'tied-time',
    source: query('SELECT * FROM tied', { timestampField: 'u' }),
    spec: { mode: 'Timestamp', ...append },
    expected: 'KeyNotUnique',
  },
  {
    name: 'tied-last-id',
    source: query('SELECT * FROM tied', { idField: 'g' }),
    spec: { mode: 'LastDestinationId', ...append },
    expected: 'KeyNotUnique',
  },
  {
    name: 'tied-view',
    source: table('tied_view', { key: ['g'] }),
    spec: { mode: 'Snapshot' },
    expected: 'KeyNotUnique',
  },
  {
    name: 'tied-table',
    source: table('plain', { key: ['g'] }),
    spec: { mode: 'Snapshot' },
    expected: 'KeyNotUnique',
  },
  {
    name: 'tied-table-time',
    source: table('plain', { key: ['g'], timestampField: 'u' }),
    spec: { mode: 'Timestamp', ...append },
    expected: 'KeyNotUnique',
  },
  {
    name: 'tied-table-id',
    source: table('plain', { idField: 'g' }),
    spec: { mode: 'Id', ...append },
    expected: 9,
  },
  {
    name: 'tied-table-last-id',
    source: table('plain', { idField: 'g' }),
    spec: { mode: 'LastDestinationId', ...append },
    expected: 9,
  },
  {
    name: 'nulls-snapshot',
    source: query('SELECT * FROM nulls'),
    spec: { mode: 'Snapshot' },
    expected: 'KeyNullable',
  },
  {
    name: 'nulls-time',
    source: query('SELECT * FROM nulls', { timestampField: 'u' }),
    spec: { mode: 'Timestamp' },
    expected: 'KeyNullable',
  },
  {
    name: 'nulls-id',
    source: query('SELECT * FROM nulls', { idField: 'g', key: ['v'] }),
    spec: { mode: 'Id', ...append },
    expected: 3,
  },
  ...['Snapshot', 'Id', 'Timestamp'].map((mode) => ({
    name: `view-${mode.toLowerCase()}`,
    source: table('plain_view', { key: ['id'], idField: 'id', timestampField: 'u' }),
    spec: { mode },
    expected: 9,
  })),
  { name: 'again', source: table('again', { idField: 'id' }), spec: { mode: 'Id' }, expected: 5 },
];

/** What a database may do to a table whose ids were read up to 5, and what a pass then reports. */
export function changesOfIds(system: SystemName): readonly (readonly [string[], string | number])[] {
  const empty = {
    postgres: ['TRUNCATE again RESTART IDENTITY'],
    mysql: ['TRUNCATE again'],
    mariadb: ['TRUNCATE again'],
    sqlite: ['DELETE FROM again', 'DELETE FROM sqlite_sequence'],
  }[system];
  return [
    // The newest row was deleted, and the next one has a larger id.
    [['DELETE FROM again WHERE id = 5'], 5],
    [[...empty, "INSERT INTO again (v) VALUES ('x'), ('y')"], 'SourceBehindOffset'],
    [["INSERT INTO again (id, v) VALUES (6, 'z')"], 6],
  ];
}
