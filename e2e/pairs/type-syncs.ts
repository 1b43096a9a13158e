import { definitionOf } from '../../connectors/catalog.ts';
import { isLastDestination, type Mode } from '../../core/sync-spec.ts';
import { syncManifest } from '../kit/single-mode.ts';
import type { AnyDatabase, DataSystem } from '../kit/systems.ts';
import { changedAt, keptTypes, keyOf, type Misfit } from './everything.ts';
import { isBlind } from './modes.ts';
import type { TypeCase } from './type-case.ts';

export interface TypePair {
  readonly source: AnyDatabase;
  readonly destination: AnyDatabase;
  /** Columns of the table of all types. */
  readonly types: readonly TypeCase[];
  readonly misfits: readonly Misfit[];
}

/** The Syncs of a pair, by what they are for: name of the Sync and its table at the destination. */
export interface NamedSync {
  readonly name: string;
  readonly table: string;
  readonly manifest: string;
}

/** Types of PostgreSQL whose binary form contains no object ids of one database. */
export function portableTypes(): readonly TypeCase[] {
  const bound = ['c_moods', 'c_hstore', 'c_pair'];
  return keptTypes('postgres', 'postgres').filter(({ name }) => !bound.includes(name));
}

/** The table of all types, by Snapshot, and by each other mode that both systems declare. */
export function everythingSyncs(pair: TypePair): readonly NamedSync[] {
  return [everythingSync(pair, 'everything'), ...modeSyncs(pair), ...binarySyncs(pair)];
}

export function everythingSync(pair: TypePair, name: string): NamedSync {
  return named(pair, name, { source: pair.source.object('everything'), mode: 'Snapshot' });
}

export function modeSyncs(pair: TypePair): readonly NamedSync[] {
  const { source } = pair;
  // Of the servers that stand in for MongoDB, only the one without transactions has change streams.
  const hasChanges = source.system === 'mongodb' && !source.hasTransactions;
  const modes = incrementalModes(source.system, pair.destination.system);
  return modes
    .filter((mode) => mode !== 'Stream' || hasChanges)
    .map((mode) =>
      named(pair, `by-${mode.toLowerCase()}`, {
        source: {
          ...source.object('everything'),
          ...(mode.endsWith('Id') && { idField: keyOf(source.system) }),
          ...(mode.endsWith('Timestamp') && { timestampField: changedAt }),
          // These modes store no offset, and with it no inferred columns.
          ...(source.system === 'mongodb' &&
            isLastDestination({ mode }) && { columns: documentColumns(pair) }),
        },
        mode,
        // No transaction is open: nothing has to be waited for where they cannot be seen.
        ...(isBlind(source) && mode !== 'Stream' && { safetyLag: '0s' }),
      }),
    );
}

/** The incremental modes that the source offers and the destination can be written by. */
export function incrementalModes(from: DataSystem, to: DataSystem): readonly Mode[] {
  const { modes } = definitionOf(typeOf(from)).capabilities.source;
  const { hasLargest } = definitionOf(typeOf(to)).capabilities.destination;
  return modes.filter((mode) => mode !== 'Snapshot' && (hasLargest || !isLastDestination({ mode })));
}

function typeOf(system: DataSystem) {
  return system === 'mariadb' ? 'mysql' : system;
}

const documentTypes: Readonly<Record<string, string>> = {
  int: 'int64',
  float64: 'float64',
  decimal: 'decimal',
  boolean: 'boolean',
  text: 'text',
  bytes: 'bytes',
  timestamp: 'timestamp(3) with time zone',
  extended: 'json',
};

/** The columns as they would be inferred. */
function documentColumns({ types }: TypePair): readonly object[] {
  return [
    { name: '_id', type: 'int64', nullable: false },
    ...types.map(({ name, ddl, kind }) => ({
      name,
      type: ddl === 'binData, subtype 4' ? 'uuid' : documentTypes[String(kind)],
    })),
    { name: changedAt, type: documentTypes.timestamp, nullable: false },
  ];
}

function binarySyncs(pair: TypePair): readonly NamedSync[] {
  if (pair.source.system !== 'postgres' || pair.destination.system !== 'postgres') return [];
  const query = `SELECT id, ${portableTypes().map(({ name }) => name)} FROM everything`;
  return [named(pair, 'as-bytes', { source: { query, key: ['id'] }, mode: 'Snapshot' })];
}

/** One Sync that skips the misfits, and one for each column with misfits, which stops. */
export function misfitSyncs(pair: TypePair): readonly NamedSync[] {
  const { source, misfits } = pair;
  const stops = stopColumns(pair).map((column) =>
    named(pair, stopName(column), { source: misfitsOf(source, column), mode: 'Snapshot' }, `stop_${column}`),
  );
  if (misfits.length === 0) return stops;
  const object = source.object('misfits');
  return [named(pair, 'misfits', { source: object, mode: 'Snapshot', onError: 'Skip' }), ...stops];
}

/** Columns whose misfits stop a Sync: few where each Sync costs seconds. */
export function stopColumns(pair: TypePair): readonly string[] {
  const columns = [...new Set(pair.misfits.map(({ column }) => column))];
  return isSlow(pair) ? columns.slice(0, 2) : columns;
}

/** Each batch costs seconds at the server that stands in for SQL Server. */
function isSlow({ source, destination }: TypePair): boolean {
  return source.system === 'sqlserver' || destination.system === 'sqlserver';
}

export function stopName(column: string): string {
  return `stop-${column.replaceAll('_', '-')}`;
}

/** The misfits of one column. */
function misfitsOf(source: AnyDatabase, column: string): object {
  if (source.system === 'mongodb')
    return { ...source.object('misfits'), filter: JSON.stringify({ [column]: { $exists: true } }) };
  const name = source.quote(column);
  return {
    query: `SELECT id, ${name} FROM ${source.quote('misfits')} WHERE ${name} IS NOT NULL`,
    key: ['id'],
  };
}

function named(
  pair: TypePair,
  name: string,
  { source, ...spec }: { readonly source: object; readonly [field: string]: unknown },
  table = name.replaceAll('-', '_'),
): NamedSync {
  const manifest = syncManifest(name, {
    source: { dataSource: 'source', ...source },
    destination: { dataSource: 'destination', ...pair.destination.object(table) },
    batch: { maxRows: isSlow(pair) ? 8 : 4 },
    ...spec,
  });
  return { name, table, manifest };
}
