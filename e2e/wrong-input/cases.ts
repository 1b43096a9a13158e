import type { SqlSystem, TestDatabase } from '../kit/systems.ts';

/** A Sync that must not run because of what is at its systems, and what plan and status report about it. */
export interface TableCase {
  readonly name: string;
  readonly only?: readonly SqlSystem[];
  /** Statements that create the tables; each case has its own. */
  readonly source?: (database: TestDatabase<SqlSystem>) => readonly string[];
  readonly destination?: (database: TestDatabase<SqlSystem>) => readonly string[];
  readonly spec: (source: TestDatabase<SqlSystem>, destination: TestDatabase<SqlSystem>) => object;
  readonly code: string;
  readonly path: string;
  readonly says: RegExp;
  readonly fix: RegExp;
}

type Specs = Pick<TableCase, 'spec'>;

function sync(
  table: string,
  more: { source?: object; destination?: object; [field: string]: unknown },
): Specs {
  const { source: read, destination: write, ...rest } = more;
  return {
    spec: (source, destination) => ({
      source: { dataSource: 'source', table: source.tableName(table), ...read },
      destination: { dataSource: 'destination', table: destination.tableName(table), ...write },
      mode: 'Snapshot',
      ...rest,
    }),
  };
}

const plain = (table: string) => [
  `CREATE TABLE ${table} (id bigint NOT NULL PRIMARY KEY, body varchar(100), number bigint, at date)`,
];

export const tableCases: readonly TableCase[] = [
  {
    name: 'no-table',
    source: () => ['CREATE TABLE no_tabel (id bigint NOT NULL PRIMARY KEY)'],
    ...sync('no_table', {}),
    code: 'TableNotFound',
    path: 'spec.source.table',
    says: /no_table/,
    fix: /did you mean (\w+\.)?no_tabel\? Else /,
  },
  {
    name: 'no-key',
    source: () => ['CREATE TABLE no_key (id bigint, body varchar(100))'],
    ...sync('no_key', {}),
    code: 'KeyMissing',
    path: 'spec.destination.key',
    says: /Upsert needs a key and .*no_key has no primary key/,
    fix: /destination\.key/,
  },
  {
    name: 'no-field',
    source: () => plain('no_field'),
    ...sync('no_field', { mode: 'Id', source: { idField: 'nr' } }),
    code: 'FieldNotFound',
    path: 'spec.source.idField',
    says: /no_field has no column nr/,
    fix: /it has: id, body, number, at/,
  },
  {
    name: 'no-time',
    source: () => plain('no_time'),
    ...sync('no_time', { mode: 'Timestamp', source: { timestampField: 'number' } }),
    code: 'FieldNotTimestamp',
    path: 'spec.source.timestampField',
    says: /number of .*no_time is .*not a timestamp/,
    fix: /timestamp column|mode Id/,
  },
  {
    name: 'too-narrow',
    source: () => plain('too_narrow'),
    destination: ({ system }) => [
      system === 'sqlite'
        ? 'CREATE TABLE too_narrow (id bigint NOT NULL PRIMARY KEY, body INTEGER, number bigint, at date)'
        : 'CREATE TABLE too_narrow (id bigint NOT NULL PRIMARY KEY, body varchar(10), number bigint, at date)',
    ],
    ...sync('too_narrow', {}),
    code: 'ColumnTooNarrow',
    path: 'spec.destination.table',
    says: /column body of .*too_narrow/,
    fix: /widen column body/,
  },
  {
    name: 'no-column',
    source: () => plain('no_column'),
    destination: () => [
      'CREATE TABLE no_column (id bigint NOT NULL PRIMARY KEY, body varchar(100), at date)',
    ],
    ...sync('no_column', {}),
    code: 'ColumnMissing',
    path: 'spec.schemaChanges',
    says: /column number of the source is missing in .*no_column/,
    fix: /AddColumns or Ignore/,
  },
  {
    name: 'no-unique-index',
    source: () => plain('no_unique'),
    destination: () => [
      'CREATE TABLE no_unique (id bigint NOT NULL, body varchar(100), number bigint, at date)',
    ],
    ...sync('no_unique', {}),
    code: 'NoUniqueIndex',
    path: 'spec.destination.key',
    says: /no_unique has no unique key on \(id\)/,
    fix: /UNIQUE (INDEX .* )?\(id\)|UNIQUE INDEX ON .*\(id\)/,
  },
  {
    name: 'never-created',
    source: () => plain('never_created'),
    ...sync('never_created', { createTable: 'Never' }),
    code: 'TableNotFound',
    path: 'spec.destination.table',
    says: /never_created is missing and createTable is Never/,
    fix: /IfMissing/,
  },
  {
    name: 'unfilled',
    source: () => plain('unfilled'),
    destination: () => [
      'CREATE TABLE unfilled (id bigint NOT NULL PRIMARY KEY, body varchar(100), number bigint, at date, must varchar(5) NOT NULL)',
    ],
    ...sync('unfilled', {}),
    code: 'ColumnUnfilled',
    path: 'spec.destination.table',
    says: /column must of .*unfilled refuses NULL/,
    fix: /default/,
  },
  {
    name: 'history-with-key',
    source: () => plain('history'),
    destination: () => plain('history'),
    ...sync('history', { mode: 'Timestamp', writeMode: 'Append', source: { timestampField: 'at' } }),
    code: 'HistoryNeedsNoKey',
    path: 'spec.writeMode',
    says: /row for each version/,
    fix: /Upsert/,
  },
  {
    name: 'random-ids',
    only: ['postgres'],
    source: () => ['CREATE TABLE random_ids (id uuid PRIMARY KEY)'],
    ...sync('random_ids', { mode: 'Id', source: { idField: 'id' } }),
    code: 'FieldNotOrdered',
    path: 'spec.source.idField',
    says: /UUIDs do not ascend/,
    fix: /Timestamp or Snapshot/,
  },
  {
    name: 'onto-a-view',
    source: () => plain('onto_view'),
    destination: () => [
      'CREATE TABLE under_view (id bigint NOT NULL PRIMARY KEY, body varchar(100), number bigint, at date)',
      'CREATE VIEW onto_view AS SELECT * FROM under_view',
    ],
    ...sync('onto_view', {}),
    code: 'NotATable',
    path: 'spec.destination.table',
    says: /onto_view is a view/,
    fix: /./,
  },
  {
    name: 'not-transactional',
    only: ['mysql', 'mariadb'],
    source: () => plain('my_isam'),
    destination: () => [`${plain('my_isam')[0]} ENGINE = MyISAM`],
    ...sync('my_isam', {}),
    code: 'NotTransactional',
    path: 'spec.destination.table',
    says: /MyISAM/,
    fix: /ENGINE ?= ?InnoDB/,
  },
];
