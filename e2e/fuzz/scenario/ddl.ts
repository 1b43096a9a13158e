import type { SystemName } from '../../kit/systems.ts';
import type { Random } from '../prng.ts';
import { fuzzSystems } from '../systems/index.ts';
import type { FuzzSystem } from '../systems/system.ts';
import type { DesignedFlow } from './flow.ts';
import type { End, Step } from './scenario.ts';

interface Change {
  readonly what: string;
  /** Columns whose values may differ after it. */
  readonly touches: readonly string[];
  readonly sql: readonly string[];
}

/** A change of a table's shape at one end. At the destination the same columns are changed, with their types there. */
export function designDdl(
  random: Random,
  designed: DesignedFlow,
  flow: number,
  { from, to }: { readonly from: SystemName; readonly to: SystemName },
): Step {
  const at: End = random.chance(0.7) ? 'source' : 'destination';
  const system = fuzzSystems[at === 'source' ? from : to];
  const table = at === 'source' ? `{t${flow}}` : `{d${flow}}`;
  const change = chooseChange(random, system, table, designed, at);
  return { do: 'ddl', flow, at, ...change };
}

function chooseChange(
  random: Random,
  system: FuzzSystem,
  table: string,
  designed: DesignedFlow,
  at: End,
): Change {
  const make = random.weighted<() => Change>([
    [4, () => addColumn(random, system, table)],
    [2, () => dropColumn(random, system, table)],
    [2, () => rename(random, system, table)],
    [2, () => ({ what: 'swap', touches: ['a', 'c'], sql: system.swapNames(table, 'a', 'c') })],
    [5, () => retype(random, system, table, designed)],
    [1.5, () => notNull(random, system, table)],
    [at === 'source' ? 1.5 : 0.7, () => rebuild(system, table, designed, at)],
    [at === 'source' ? 1.5 : 0.3, () => ({ what: 'truncate', touches: [], sql: [system.truncate(table)] })],
    [1, () => uniqueness(random, system, table)],
    [0.7, () => renameTable(table)],
  ]);
  return make();
}

function addColumn(random: Random, system: FuzzSystem, table: string): Change {
  const type = random.pick(['varchar(40)', system.name === 'sqlite' ? 'INTEGER' : 'bigint']);
  const rest = random.pick(['', '', ' DEFAULT 7', ' DEFAULT 7 NOT NULL']);
  const name = random.pick(['n1', 'n2']);
  return {
    what: 'add column',
    touches: [name],
    sql: [`ALTER TABLE ${table} ADD COLUMN ${name} ${type}${rest}`],
  };
}

function dropColumn(random: Random, system: FuzzSystem, table: string): Change {
  const column = random.pick(['a', 'b', 'c', 'n1', 'n2', 'u', 's', 'k1']);
  return {
    what: 'drop column',
    touches: [column],
    sql: [`ALTER TABLE ${table} DROP COLUMN ${system.quote(column)}`],
  };
}

function rename(random: Random, system: FuzzSystem, table: string): Change {
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

function retype(random: Random, system: FuzzSystem, table: string, { table: design }: DesignedFlow): Change {
  const columns = design.columns.filter((each) => ['a', 'b', 'c', 's', 'u', 'k1'].includes(each.name));
  const column = random.pick(columns);
  const fitting = system.retypes.filter((each) => each.from === column.ddl);
  const types = fitting.length > 0 ? fitting : system.retypes;
  const { to } = types.length > 0 ? random.pick(types) : { to: column.ddl };
  const sql = system.retype(table, column.name, to, !column.isNullable);
  return { what: 'retype', touches: [column.name], sql: sql === undefined ? [] : [sql] };
}

function notNull(random: Random, system: FuzzSystem, table: string): Change {
  const [column, ddl] = random.pick([
    ['c', system.name === 'postgres' ? 'integer' : 'int'],
    ['b', 'varchar(40)'],
  ] as const);
  const sql = system.setNotNull(table, column, ddl, random.chance(0.7));
  return { what: 'not null', touches: [column], sql: sql === undefined ? [] : [sql] };
}

/** Recreates the table with its columns in another order; at the source with its rows. */
function rebuild(system: FuzzSystem, table: string, { table: design }: DesignedFlow, at: End): Change {
  const [first, ...others] = design.columns;
  const columns = [...others.reverse(), ...(first ? [first] : [])];
  const body = columns.map(
    (each) => `${system.quote(each.name)} ${each.ddl}${each.isNullable ? '' : ' NOT NULL'}`,
  );
  const key = design.keyColumns.map((each) => system.quote(each.name)).join(', ');
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
      `ALTER TABLE ${fresh} RENAME TO ${system.name === 'postgres' ? `${bare(table)}` : table}`,
    ],
  };
}

function uniqueness(random: Random, system: FuzzSystem, table: string): Change {
  if (random.chance(0.5))
    return {
      what: 'unique index',
      touches: [],
      sql: [`CREATE UNIQUE INDEX ${bare(table.replace('}', '_x}'))} ON ${table} (r)`],
    };
  const drop: Record<FuzzSystem['name'], string> = {
    postgres: `ALTER TABLE ${table} DROP CONSTRAINT ${bare(table.replace('}', '_pkey}'))}`,
    mysql: `ALTER TABLE ${table} DROP PRIMARY KEY`,
    mariadb: `ALTER TABLE ${table} DROP PRIMARY KEY`,
    sqlite: `DROP INDEX ${table.replace('}', '_x}')}`,
  };
  return { what: 'drop key', touches: [], sql: [drop[system.name]] };
}

/** Renames it and renames it back. */
function renameTable(table: string): Change {
  const away = table.replace('}', '_away}');
  return {
    what: 'rename table',
    touches: [],
    sql: [`ALTER TABLE ${table} RENAME TO ${bare(away)}`, `ALTER TABLE ${away} RENAME TO ${bare(table)}`],
  };
}

/** `{!t0}` is the name without its schema. */
function bare(table: string): string {
  return table.replace('{', '{!');
}
