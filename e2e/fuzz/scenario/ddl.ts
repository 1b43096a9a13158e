import type { Random } from '../prng.ts';
import { sqlSystems } from '../systems/index.ts';
import { type FuzzSystemName, hasDocuments, type SqlFuzzSystem } from '../systems/system.ts';
import type { TableDesign } from './columns.ts';
import type { Change, DesignedFlow } from './designed.ts';
import { destinationChange, sourceChange } from './document-ddl.ts';
import type { End, Step } from './scenario.ts';

/** A change of a table's shape at one end. At the destination the same columns are changed, with their types there. */
export function designDdl(
  random: Random,
  designed: DesignedFlow,
  flow: number,
  { from, to }: { readonly from: FuzzSystemName; readonly to: FuzzSystemName },
): Step {
  const at: End = random.chance(0.7) ? 'source' : 'destination';
  const system = at === 'source' ? from : to;
  const table = at === 'source' ? `{t${flow}}` : `{d${flow}}`;
  if (hasDocuments(system)) {
    const change = at === 'source' ? sourceChange(random, table) : destinationChange(random, table, system);
    return { do: 'ddl', flow, at, ...change };
  }
  const change = chooseChange(random, sqlSystems[system], table, designed, at);
  return { do: 'ddl', flow, at, ...change };
}

function chooseChange(
  random: Random,
  system: SqlFuzzSystem,
  table: string,
  designed: DesignedFlow,
  at: End,
): Change {
  const { table: design, flow } = designed;
  const hasIds = system.reseed !== undefined && flow.shape === 'identity' && at === 'source';
  const make = random.weighted<() => Change>([
    [4, () => addColumn(random, system, table)],
    [2, () => dropColumn(random, system, table)],
    [2, () => rename(random, system, table)],
    [2, () => ({ what: 'swap', touches: ['a', 'c'], sql: system.swapNames(table, 'a', 'c') })],
    [5, () => retype(random, system, table, design)],
    [1.5, () => notNull(random, system, table)],
    [design ? (at === 'source' ? 1.5 : 0.7) : 0, () => rebuild(system, table, design, at)],
    [at === 'source' ? 1.5 : 0.3, () => ({ what: 'truncate', touches: [], sql: [system.truncate(table)] })],
    [1, () => uniqueness(random, system, table)],
    [0.7, () => renameTable(system, table)],
    [hasIds ? 3 : 0, () => reseed(random, system, table)],
  ]);
  return make();
}

function addColumn(random: Random, system: SqlFuzzSystem, table: string): Change {
  const type = random.pick(['varchar(40)', system.own.bigint]);
  const rest = random.pick(['', '', ' DEFAULT 7', ' DEFAULT 7 NOT NULL']);
  const name = random.pick(['n1', 'n2']);
  return {
    what: 'add column',
    touches: [name],
    sql: [`ALTER TABLE ${table} ADD ${system.name === 'sqlserver' ? '' : 'COLUMN '}${name} ${type}${rest}`],
  };
}

function dropColumn(random: Random, system: SqlFuzzSystem, table: string): Change {
  const column = random.pick(['a', 'b', 'c', 'n1', 'n2', 'u', 's', 'k1']);
  return {
    what: 'drop column',
    touches: [column],
    sql: [`ALTER TABLE ${table} DROP COLUMN ${system.quote(column)}`],
  };
}

function rename(random: Random, system: SqlFuzzSystem, table: string): Change {
  const [from, to] = random.pick([
    ['a', 'a2'],
    ['a2', 'a'],
    ['b', 'n1'],
    ['n1', 'b'],
    ['k1', 'k9'],
    ['k9', 'k1'],
    ['u', 'u9'],
  ] as const);
  return { what: 'rename column', touches: [from, to], sql: [system.renameColumn(table, from, to)] };
}

function retype(
  random: Random,
  system: SqlFuzzSystem,
  table: string,
  design: TableDesign | undefined,
): Change {
  const { int, text } = system.own;
  const own = [
    { name: 'a', ddl: int, isNullable: true },
    { name: 'b', ddl: text, isNullable: true },
  ];
  const names = ['a', 'b', 'c', 's', 'u', 'k1'];
  const column = random.pick(design?.columns.filter(({ name }) => names.includes(name)) ?? own);
  const fitting = system.retypes.filter((each) => each.from === column.ddl);
  const types = fitting.length > 0 ? fitting : system.retypes;
  const { to } = types.length > 0 ? random.pick(types) : { to: column.ddl };
  const sql = system.retype(table, column.name, to, !column.isNullable);
  return { what: 'retype', touches: [column.name], sql: sql === undefined ? [] : [sql] };
}

function notNull(random: Random, system: SqlFuzzSystem, table: string): Change {
  const [column, ddl] = random.pick([
    ['c', system.name === 'sqlite' ? 'int' : system.own.int],
    ['b', system.own.text],
  ] as const);
  const sql = system.setNotNull(table, column, ddl, random.chance(0.7));
  return { what: 'not null', touches: [column], sql: sql === undefined ? [] : [sql] };
}

/** Recreates the table with its columns in another order; at the source with its rows. */
function rebuild(system: SqlFuzzSystem, table: string, design: TableDesign | undefined, at: End): Change {
  const [first, ...others] = design?.columns ?? [];
  const columns = [...others.reverse(), ...(first ? [first] : [])];
  const body = columns.map(
    (each) => `${system.quote(each.name)} ${each.ddl}${each.isNullable ? '' : ' NOT NULL'}`,
  );
  const key = (design?.keyColumns ?? []).map((each) => system.quote(each.name)).join(', ');
  const create = (name: string) => `CREATE TABLE ${name} (${[...body, `PRIMARY KEY (${key})`].join(', ')})`;
  if (at === 'destination')
    return { what: 'rebuild', touches: [], sql: [`DROP TABLE ${table}`, create(table)] };
  const fresh = table.replace('}', '_n}');
  const names = columns.map((each) => system.quote(each.name)).join(', ');
  return {
    what: 'rebuild',
    touches: [],
    sql: [
      create(fresh),
      `INSERT INTO ${fresh} (${names}) SELECT ${names} FROM ${table}`,
      `DROP TABLE ${table}`,
      system.renameTable(fresh, hasBareNames(system) ? bare(table) : table),
    ],
  };
}

function uniqueness(random: Random, system: SqlFuzzSystem, table: string): Change {
  if (random.chance(0.5))
    return {
      what: 'unique index',
      touches: [],
      sql: [`CREATE UNIQUE INDEX ${bare(table.replace('}', '_x}'))} ON ${table} (r)`],
    };
  return { what: 'drop key', touches: [], sql: [system.dropKey(table)] };
}

/** Renames it and renames it back. */
function renameTable(system: SqlFuzzSystem, table: string): Change {
  const away = table.replace('}', '_away}');
  return {
    what: 'rename table',
    touches: [],
    sql: [system.renameTable(table, bare(away)), system.renameTable(away, bare(table))],
  };
}

/** A new name that belongs to no schema. */
function hasBareNames({ name }: SqlFuzzSystem): boolean {
  return name === 'postgres' || name === 'sqlserver';
}

/** Ids go on far above, or start again. */
function reseed(random: Random, system: SqlFuzzSystem, table: string): Change {
  const isUp = random.chance(0.6);
  const next = isUp ? 1_000 * random.between(1, 9) : 0;
  const sql = system.reseed?.(table, next);
  return {
    what: isUp ? 'reseed' : 'reseed from 0',
    touches: [],
    sql: sql === undefined ? [] : [sql],
  };
}

/** `{!t0}` is the name without its schema. */
function bare(table: string): string {
  return table.replace('{', '{!');
}
