import type { SqlSystem } from '../../kit/systems.ts';
import type { TypeCase } from '../../pairs/type-case.ts';
import type { Random } from '../prng.ts';
import { sqlSystems } from '../systems/index.ts';
import type { FuzzSystemName, KeyType, TimeType } from '../systems/system.ts';
import type { ColumnDesign, RowDesign } from './scenario.ts';
import { fitting, misfits, valueTypes } from './value-types.ts';

/** The tester's own number of a row: unique and constant, whatever the key is. */
export const witness = 'r';

/** The design of the tester's table and its rows. */
export interface TableDesign {
  readonly columns: readonly ColumnDesign[];
  readonly keyColumns: readonly { readonly name: string; readonly type: KeyType }[];
  readonly constraint: 'primary' | 'unique' | 'nullable unique' | 'deferrable' | 'none';
  readonly time: TimeType;
  /** The increasing column beside the key. */
  readonly sequence: 'unique' | 'in threes' | 'nullable';
  readonly values: readonly { readonly name: string; readonly type: TypeCase }[];
  readonly hasMisfits: boolean;
}

export function designTable(random: Random, from: SqlSystem, to: FuzzSystemName): TableDesign {
  const system = sqlSystems[from];
  const keyCount = random.weighted([
    [6, 1],
    [2, 2],
  ]);
  const keyColumns = random
    .some(system.keyTypes, keyCount)
    .map((type, index) => ({ name: `k${index + 1}`, type: random.chance(0.3) ? intKey(from) : type }));
  const constraint = random.weighted<TableDesign['constraint']>([
    [10, 'primary'],
    [2, 'unique'],
    [1, 'nullable unique'],
    [from === 'postgres' ? 1 : 0, 'deferrable'],
    [2, 'none'],
  ]);
  const time = random.pick(system.timeTypes);
  const sequence = random.weighted<TableDesign['sequence']>([
    [6, 'unique'],
    [2, 'in threes'],
    [1, 'nullable'],
  ]);
  const values = random
    .some(valueTypes(from, to), random.below(5))
    .map((type, index) => ({ name: `v${index}_${type.name}`, type }));
  const isNullableKey = constraint === 'nullable unique' || (constraint === 'none' && random.chance(0.5));
  const { int, bigint, text } = system.own;
  const columns: ColumnDesign[] = [
    { name: witness, ddl: int, isNullable: false },
    ...keyColumns.map(({ name, type }) => ({ name, ddl: type.ddl, isNullable: isNullableKey })),
    { name: 's', ddl: bigint, isNullable: sequence === 'nullable' },
    { name: 'u', ddl: time.ddl, isNullable: random.chance(0.2) },
    { name: 'a', ddl: int, isNullable: true },
    { name: 'b', ddl: text, isNullable: true },
    { name: 'c', ddl: int, isNullable: true },
    ...values.map(({ name, type }) => ({ name, ddl: type.ddl, isNullable: true, type: type.name })),
  ];
  return { columns, keyColumns, constraint, time, sequence, values, hasMisfits: random.chance(0.06) };
}

function intKey(from: SqlSystem): KeyType {
  return sqlSystems[from].keyTypes[0] as KeyType;
}

/** The numbers that rows are generated from; they continue through the whole scenario. */
export interface RowCounters {
  row: number;
  key: number;
  sequence: number;
}

export function designRow(
  random: Random,
  { keyColumns, time, sequence, values, hasMisfits, columns }: TableDesign,
  counters: RowCounters,
  to: FuzzSystemName,
): RowDesign {
  const n = counters.row++;
  const key = counters.key++;
  const s = counters.sequence++;
  const isNull = (name: string) => columns.some((column) => column.name === name && column.isNullable);
  const row: Record<string, string> = { [witness]: String(n) };
  keyColumns.forEach(({ name, type }, index) => {
    // All but the last column of a composite key have few distinct values.
    const isLast = index === keyColumns.length - 1;
    row[name] = isNull(name) && random.chance(0.1) ? 'NULL' : type.value(isLast ? key : key % 3);
  });
  row.s = sequence === 'nullable' && random.chance(0.15) ? 'NULL' : idOf(sequence, s);
  row.u = isNull('u') && random.chance(0.1) ? 'NULL' : time.now;
  row.a = random.chance(0.2) ? 'NULL' : String(random.between(-5, 1000));
  row.b = random.chance(0.2) ? 'NULL' : `'b${random.below(100)}'`;
  row.c = String(random.below(10));
  for (const { name, type } of values) row[name] = literalOf(random, type, to, hasMisfits);
  return row;
}

export function idOf(sequence: TableDesign['sequence'], n: number): string {
  return String(sequence === 'in threes' ? Math.floor(n / 3) : n);
}

export function literalOf(random: Random, type: TypeCase, to: FuzzSystemName, hasMisfits: boolean): string {
  const left = misfits(type, to);
  if (hasMisfits && left.length > 0 && random.chance(0.1)) return random.pick(left);
  if (random.chance(0.15)) return 'NULL';
  return random.pick(fitting(type, to));
}
