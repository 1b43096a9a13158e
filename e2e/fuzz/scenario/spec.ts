import type { SqlSystem } from '../../kit/systems.ts';
import type { Random } from '../prng.ts';
import { fuzzSystems } from '../systems/index.ts';
import type { FuzzSystemName } from '../systems/system.ts';
import type { TableDesign } from './columns.ts';
import type { Flow, FlowSpec, SourceDesign } from './scenario.ts';

/** A Sync of a table: usually one that can run, sometimes one that must be refused. */
export function designSpec(
  random: Random,
  from: SqlSystem,
  table: TableDesign,
  reads: Flow['reads']['kind'],
): { readonly source: SourceDesign; readonly spec: FlowSpec } {
  const mode = random.weighted<FlowSpec['mode']>([
    [4, 'Snapshot'],
    [4, 'Id'],
    [4, 'Timestamp'],
    [1, 'LastDestinationId'],
    [1, 'LastDestinationTimestamp'],
  ]);
  const isOnce = random.chance(0.06);
  const writeMode = chooseWriteMode(random, mode, isOnce);
  const spec: FlowSpec = {
    mode,
    writeMode,
    schemaChanges: random.weighted([
      [2, 'Fail'],
      [3, 'AddColumns'],
      [1, 'Ignore'],
    ]),
    onError: mode.startsWith('Last') || random.chance(0.7) ? 'Stop' : 'Skip',
    ...choosePace(random, isOnce),
    ...safetyLag(random, from),
    ...(random.chance(0.5) && writeMode === 'Append' ? { existingRows: 'Keep' as const } : {}),
  };
  return { source: sourceDesign(random, from, table, reads, mode), spec };
}

export function choosePace(random: Random, isOnce: boolean): Pick<FlowSpec, 'schedule' | 'batch'> {
  return {
    schedule: isOnce
      ? { once: true }
      : random.chance(0.3)
        ? { continuous: true }
        : { every: random.pick(['200ms', '400ms']) },
    batch: { maxRows: random.pick([1, 2, 3, 7, 50]) },
  };
}

/** Without sight of open transactions the default is longer than a scenario. */
export function safetyLag(random: Random, from: FuzzSystemName): Pick<FlowSpec, 'safetyLag'> {
  if (!fuzzSystems[from].showsOpenTransactions && random.chance(0.95))
    return { safetyLag: random.pick(['1s', '2s', '3s']) };
  return random.chance(0.1) ? { safetyLag: random.pick(['300ms', '1s']) } : {};
}

export function chooseWriteMode(
  random: Random,
  mode: FlowSpec['mode'],
  isOnce: boolean,
): FlowSpec['writeMode'] {
  if (mode === 'Snapshot')
    return random.weighted<FlowSpec['writeMode']>([
      [2, 'Upsert'],
      [2, 'Replace'],
      [isOnce ? 3 : 0, 'Append'],
    ]);
  return random.chance(0.7) ? 'Upsert' : 'Append';
}

function sourceDesign(
  random: Random,
  from: SqlSystem,
  table: TableDesign,
  reads: Flow['reads']['kind'],
  mode: FlowSpec['mode'],
): SourceDesign {
  const key = table.keyColumns.map((each) => each.name);
  const needsKey = reads !== 'table' || table.constraint === 'none' || table.constraint === 'nullable unique';
  const named = random.weighted<readonly string[] | undefined>([
    [needsKey ? 0.2 : 8, undefined],
    [needsKey ? 6 : 1, key],
    [1, ['r']],
    // Not unique.
    [0.4, ['c']],
  ]);
  const first = table.keyColumns[0];
  const growing = first?.type.isGrowing && table.keyColumns.length === 1 ? first.name : 's';
  const hasZone = /timestamptz|^timestamp\(6\)$/i.test(table.time.ddl) && from !== 'sqlite';
  return {
    ...(named || reads === 'query' ? { key: named ?? key } : {}),
    ...(mode.endsWith('Id') ? { idField: random.chance(0.4) ? growing : 's' } : {}),
    ...(mode.endsWith('Timestamp') ? { timestampField: 'u' } : {}),
    ...(mode.endsWith('Timestamp') && !hasZone && from === 'sqlite' && random.chance(0.3)
      ? { timeZone: 'UTC' }
      : {}),
    // Its times are written in UTC, and the server does not name its zone.
    ...(mode.endsWith('Timestamp') && from === 'sqlserver' && !/offset/.test(table.time.ddl)
      ? { timeZone: 'UTC' }
      : {}),
  };
}
