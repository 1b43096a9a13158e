import type { SqlSystem } from '../../kit/systems.ts';
import type { Random } from '../prng.ts';
import { sqlSystems } from '../systems/index.ts';
import { type FuzzSystemName, hasDocuments, type Shape } from '../systems/system.ts';
import { designRow, designTable, type TableDesign, witness } from './columns.ts';
import type { DesignedFlow } from './designed.ts';
import { designCollection } from './document-ddl.ts';
import { designDocuments } from './documents.ts';
import type { Flow, RowDesign } from './scenario.ts';
import { designSpec } from './spec.ts';

export function designFlow(
  random: Random,
  from: FuzzSystemName,
  to: FuzzSystemName,
  at: number,
): DesignedFlow {
  return hasDocuments(from) ? designDocuments(random, from, to, at) : designTableFlow(random, from, to, at);
}

function designTableFlow(random: Random, from: SqlSystem, to: FuzzSystemName, at: number): DesignedFlow {
  const system = sqlSystems[from];
  const table = designTable(random, from, to);
  const shape = chooseShape(random, from, table);
  const name = `{t${at}}`;
  const key = table.keyColumns.map((each) => each.name);
  const body = [
    ...table.columns.map(
      (column) => `${system.quote(column.name)} ${column.ddl}${column.isNullable ? '' : ' NOT NULL'}`,
    ),
    ...constraintOf(table, key.map(system.quote)),
  ].join(', ');
  const reads = chooseReads(random, name);
  const indexes =
    table.sequence === 'unique' && shape?.name !== 'partitioned'
      ? [`CREATE UNIQUE INDEX {t${at}_s} ON ${name} (s)`]
      : [];
  const counters = { row: 1, key: 1, sequence: 1 };
  const count = random.weighted([
    [1, 0],
    [3, 5],
    [3, 23],
    [1, 70],
  ]);
  const rows = Array.from({ length: count }, () => rowOf(random, { table, shape, counters }, to));
  const { source, spec } = designSpec(random, from, table, reads.kind);
  const flow: Flow = {
    columns: table.columns,
    shape: shape?.name ?? 'plain',
    constraint: table.constraint,
    sequence: table.sequence,
    key,
    create: [
      ...(shape?.create(name, body, key) ?? [plainTable(from, name, body)]),
      ...indexes,
      ...(reads.kind === 'view' ? [`CREATE VIEW {t${at}_v} AS ${reads.sql}`] : []),
    ],
    createDestination: destinationTable(random, { from, to, at, table, body, mode: spec.mode }),
    rows,
    reads: reads.kind === 'view' ? { kind: 'view', sql: `SELECT * FROM {t${at}_v}` } : reads,
    source,
    spec,
  };
  return { flow, table, shape, counters };
}

/** Values that the server issues are left out. */
export function rowOf(
  random: Random,
  {
    table,
    shape,
    counters,
  }: Required<Pick<DesignedFlow, 'table' | 'counters'>> & Pick<DesignedFlow, 'shape'>,
  to: FuzzSystemName,
): RowDesign {
  const { s, ...row } = designRow(random, table, counters, to);
  return shape?.issuesIds || s === undefined ? row : { ...row, s };
}

function plainTable(from: SqlSystem, name: string, body: string): string {
  return `CREATE TABLE ${name} (${body})${from === 'mysql' || from === 'mariadb' ? ' ENGINE=InnoDB' : ''}`;
}

function chooseShape(random: Random, from: SqlSystem, table: TableDesign): Shape | undefined {
  if (!random.chance(0.2)) return undefined;
  const fitting = sqlSystems[from].shapes.filter(
    (shape) =>
      (!shape.needsPrimaryKey || (table.constraint === 'primary' && table.sequence !== 'unique')) &&
      (!shape.issuesIds || table.sequence === 'unique'),
  );
  return fitting.length > 0 ? random.pick(fitting) : undefined;
}

function constraintOf({ constraint }: TableDesign, key: readonly string[]): readonly string[] {
  switch (constraint) {
    case 'primary':
      return [`PRIMARY KEY (${key.join(', ')})`];
    case 'deferrable':
      return [`PRIMARY KEY (${key.join(', ')}) DEFERRABLE`];
    case 'unique':
    case 'nullable unique':
      return [`UNIQUE (${key.join(', ')})`];
    case 'none':
      return [];
  }
}

function chooseReads(random: Random, table: string): Flow['reads'] {
  const all = `SELECT * FROM ${table}`;
  return random.weighted<Flow['reads']>([
    [8, { kind: 'table', sql: all }],
    [1, { kind: 'view', sql: all }],
    [1, { kind: 'query', sql: all }],
    [0.5, { kind: 'query', sql: `${all} WHERE ${witness} % 5 <> 3` }],
    // Each row twice, so nothing is unique here, whatever the table declares.
    [0.2, { kind: 'view', sql: `${all} UNION ALL ${all} WHERE c = 4` }],
  ]);
}

interface DestinationInput {
  readonly from: SqlSystem;
  readonly to: FuzzSystemName;
  readonly at: number;
  readonly table: TableDesign;
  readonly body: string;
  readonly mode: string;
}

/** A table that existed before: like the source's, or with only its key in a type that treats different keys as equal. */
function destinationTable(
  random: Random,
  { from, to, at, table, body }: DestinationInput,
): readonly string[] {
  if (!random.chance(0.25)) return [];
  const name = `{d${at}}`;
  if (hasDocuments(to)) return designCollection(random, name, to);
  const only = table.keyColumns[0];
  const isText = table.keyColumns.length === 1 && only?.type.kind === 'text' && only.type.name !== 'uuid';
  if (isText && random.chance(0.6)) {
    const { coarseText, quote } = sqlSystems[to];
    return [
      `CREATE TABLE ${name} (${quote(only.name)} ${coarseText} NOT NULL PRIMARY KEY, ${witness} bigint)`,
    ];
  }
  return from === to ? [plainTable(from, name, body)] : [];
}
