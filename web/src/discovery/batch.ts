import type { DataSourceRow } from '../api/types.ts';
import { filled, objectName } from './names.ts';
import type { Relation } from './relation-table.tsx';

/** What many new Syncs have in common. */
export interface BatchSettings {
  readonly destination: string;
  /** Templates with `{schema}` and `{table}`. */
  readonly name: string;
  readonly object: string;
  readonly mode: string;
  readonly timestampField: string;
  readonly writeMode: string;
  readonly every: string;
}

export const usualSettings: BatchSettings = {
  destination: '',
  name: '{schema}-{table}',
  object: '{table}',
  mode: 'Snapshot',
  timestampField: '',
  writeMode: 'Upsert',
  every: '10s',
};

/** A Sync as the API creates it. */
export interface BatchItem {
  readonly name: string;
  /** At the destination. */
  readonly object: string;
  readonly spec: unknown;
}

const fieldOf = (dataSource: DataSourceRow | undefined) => dataSource?.objectField ?? 'table';
export const hasId = (mode: string) => mode.endsWith('Id');
export const hasTimestamp = (mode: string) => mode.endsWith('Timestamp');

/** With modes that both systems have. */
export function fitted(
  settings: BatchSettings,
  source: DataSourceRow,
  destination: DataSourceRow | undefined,
): BatchSettings {
  return {
    ...settings,
    mode: oneOf(source.modes, settings.mode),
    writeMode: oneOf(destination?.writeModes, settings.writeMode),
  };
}

function oneOf(offered: readonly string[] | undefined, wanted: string): string {
  return offered === undefined || offered.includes(wanted) ? wanted : (offered[0] ?? wanted);
}

export function batchOf(
  settings: BatchSettings,
  source: DataSourceRow,
  destination: DataSourceRow | undefined,
  relations: Iterable<Relation>,
): readonly BatchItem[] {
  const { mode, writeMode, every, timestampField } = settings;
  return [...relations].map((relation) => {
    const object = filled(settings.object, relation.name);
    const idField = idOf(relation);
    const spec = {
      source: {
        dataSource: source.name,
        [fieldOf(source)]: relation.name,
        ...(hasId(mode) && idField !== undefined && { idField }),
        ...(hasTimestamp(mode) && timestampField !== '' && { timestampField }),
      },
      destination: { dataSource: settings.destination, [fieldOf(destination)]: object },
      mode,
      writeMode,
      schedule: { every },
    };
    return { name: objectName(filled(settings.name, relation.name)), object, spec };
  });
}

/** A key of several columns has none that says which rows are new. */
function idOf({ keys: [key = []] }: Relation): string | undefined {
  return key.length === 1 ? key[0] : undefined;
}
