import type { SystemName, TestDatabase } from '../kit/systems.ts';

/** Columns of a table by name, in order, each with a type that all systems support. The key is `id`. */
export type Columns = Readonly<Record<string, string>>;

/** A change of a table while a Sync of it runs. */
export interface SchemaChange {
  readonly name: string;
  readonly end: 'source' | 'destination';
  /** The columns after the change. */
  readonly to: Columns;
  /** Where a column's values come from, if not from the column with its name; `NULL` for none. */
  readonly from?: Readonly<Record<string, string>>;
  readonly schemaChanges?: 'Fail' | 'AddColumns' | 'Ignore';
  /** Rows that are added after it, with the columns of the source at that time. */
  readonly rows: readonly string[];
  /** Columns in which all values are finally equal at both ends, or the reason with which it stops before one of these rows arrives. */
  readonly expected: readonly string[] | string;
}

export const before: Columns = { id: 'int NOT NULL', a: 'int', b: 'varchar(20)', c: 'varchar(20)' };
const { a: _a, ...withoutA } = before;
const { c: _c, ...withoutC } = before;
const rows = ["(101, 5, 'x', 'y')", "(102, NULL, 'z', NULL)", "(103, 7, NULL, 'w')", "(104, 8, 'v', 'u')"];
const added: Pick<SchemaChange, 'end' | 'to' | 'from' | 'rows'> = {
  end: 'source',
  to: { ...before, n: 'varchar(20)' },
  from: { n: 'NULL' },
  rows: ["(101, 5, 'x', 'y', 'n1')", "(102, 6, 'x', 'y', 'n2')", "(103, 6, 'x', 'y', NULL)"],
};
const renamed: Pick<SchemaChange, 'end' | 'to' | 'from' | 'rows'> = {
  end: 'source',
  to: { ...withoutC, d: 'varchar(20)' },
  from: { d: 'c' },
  rows,
};

export const changes: readonly SchemaChange[] = [
  { ...added, name: 'added_fail', expected: 'ColumnMissing' },
  { ...added, name: 'added_add', schemaChanges: 'AddColumns', expected: ['a', 'b', 'c', 'n'] },
  { ...added, name: 'added_ignore', schemaChanges: 'Ignore', expected: ['a', 'b', 'c'] },
  {
    name: 'dropped',
    end: 'source',
    to: withoutC,
    rows: ["(101, 5, 'x')", "(102, 6, 'y')"],
    expected: ['a', 'b'],
  },
  { ...renamed, name: 'renamed_fail', expected: 'ColumnMissing' },
  { ...renamed, name: 'renamed_ignore', schemaChanges: 'Ignore', expected: ['a', 'b'] },
  {
    name: 'swapped',
    end: 'source',
    to: { id: 'int NOT NULL', a: 'int', c: 'varchar(20)', b: 'varchar(20)' },
    from: { b: 'b', c: 'c' },
    rows: ["(101, 5, 'is c', 'is b')", "(102, 6, 'c', 'b')"],
    expected: ['a', 'b', 'c'],
  },
  {
    name: 'retyped',
    end: 'source',
    to: { ...before, a: 'varchar(20)' },
    rows: ["(101, 'x', 'x', 'y')", "(102, 'y', 'x', 'y')"],
    expected: 'ColumnTooNarrow',
  },
  {
    name: 'widened',
    end: 'source',
    to: { ...before, a: 'bigint' },
    rows: ["(101, 5000000000, 'x', 'y')", "(102, 1, 'x', 'y')"],
    expected: 'ColumnTooNarrow',
  },
  { name: 'narrowed', end: 'source', to: { ...before, a: 'smallint' }, rows, expected: ['a', 'b', 'c'] },
  {
    name: 'not_null',
    end: 'source',
    to: { ...before, b: 'varchar(20) NOT NULL' },
    rows: rows.slice(0, 2),
    expected: ['a', 'b', 'c'],
  },
  {
    name: 'target_dropped_column',
    end: 'destination',
    to: withoutA,
    rows,
    expected: 'ColumnMissing',
  },
  {
    name: 'target_column_added',
    end: 'destination',
    to: { ...before, mine: 'varchar(20)' },
    from: { mine: 'NULL' },
    rows,
    expected: ['a', 'b', 'c'],
  },
  {
    name: 'target_widened',
    end: 'destination',
    to: { ...before, a: 'bigint', b: 'varchar(40)' },
    rows,
    expected: ['a', 'b', 'c'],
  },
  {
    name: 'target_narrowed',
    end: 'destination',
    to: { ...before, b: 'int' },
    from: { b: 'NULL' },
    rows,
    expected: 'ColumnTooNarrow',
  },
];

export function createTable(table: string, columns: Columns): string {
  const items = Object.entries(columns).map(([name, type]) => `${name} ${type}`);
  return `CREATE TABLE ${table} (${items.join(', ')}, PRIMARY KEY (id))`;
}

/** With ALTER TABLE; in SQLite, which cannot change a type, the table is recreated with its rows, as its manual recommends. */
export function changeStatements({ system, tableName }: TestDatabase, change: SchemaChange): string[] {
  const table = tableName(change.name);
  if (system === 'sqlite' || change.name === 'swapped') return rebuild(system, table, change);
  const { to, from = {} } = change;
  const gone = Object.keys(before).filter((name) => !(name in to));
  const renames = Object.entries(from).filter(([, origin]) => gone.includes(origin));
  const drops = gone.filter((name) => !renames.some(([, origin]) => origin === name));
  return [
    ...renames.map(([name, origin]) => `ALTER TABLE ${table} RENAME COLUMN ${origin} TO ${name}`),
    ...drops.map((name) => `ALTER TABLE ${table} DROP COLUMN ${name}`),
    ...Object.entries(to).flatMap(([name, type]) => {
      if (before[name] === type || renames.some(([renamed]) => renamed === name)) return [];
      if (!(name in before)) return [`ALTER TABLE ${table} ADD COLUMN ${name} ${type}`];
      return alterType(system, table, name, type, from[name] === 'NULL');
    }),
  ];
}

function alterType(
  system: SystemName,
  table: string,
  name: string,
  type: string,
  isEmptied: boolean,
): string[] {
  const empty = isEmptied ? [`UPDATE ${table} SET ${name} = NULL`] : [];
  if (system !== 'postgres') return [...empty, `ALTER TABLE ${table} MODIFY COLUMN ${name} ${type}`];
  const [bare, isNotNull] = [type.replace(' NOT NULL', ''), type.endsWith(' NOT NULL')];
  return [
    ...empty,
    ...(before[name]?.startsWith(bare)
      ? []
      : [`ALTER TABLE ${table} ALTER COLUMN ${name} TYPE ${bare} USING ${name}::${bare}`]),
    ...(isNotNull ? [`ALTER TABLE ${table} ALTER COLUMN ${name} SET NOT NULL`] : []),
  ];
}

function rebuild(system: SystemName, table: string, { to, from = {}, name }: SchemaChange): string[] {
  const made = `${table}_made`;
  const origins = Object.keys(to).map((column) => from[column] ?? column);
  return [
    createTable(made, to),
    `INSERT INTO ${made} (${Object.keys(to).join(', ')}) SELECT ${origins.join(', ')} FROM ${table}`,
    `DROP TABLE ${table}`,
    `ALTER TABLE ${made} RENAME TO ${system === 'postgres' || system === 'sqlite' ? name : table}`,
  ];
}
