import type { Definition } from '../../core/definition.ts';
import { permanent } from '../../core/errors.ts';
import {
  type DataSource,
  type DestinationObject,
  isLastDestination,
  objectFieldOf,
  objectPath,
  type SourceObject,
  type StartKind,
  type Sync,
  type SyncSpec,
  startKindOf,
} from '../../core/sync-spec.ts';

interface Definitions {
  readonly source: Definition;
  readonly destination: Definition;
}

/** Unsupported combinations are refused before anything is opened. */
export function requireCapable(spec: SyncSpec, definitions: Definitions): void {
  const { source, destination } = definitions;
  const reads = source.capabilities.source;
  const writes = destination.capabilities.destination;
  const { mode, writeMode } = spec;
  requireFields('source', spec.source, source);
  requireFields('destination', spec.destination, destination);
  if (!reads.modes.includes(mode)) {
    throw permanent('ModeNotOffered', `${source.type} cannot be read in mode ${mode}`, {
      path: 'spec.mode',
      fix: `use one of ${reads.modes.join(', ')}`,
    });
  }
  requireStart(spec.source, source);
  if (!writes.writeModes.includes(writeMode)) {
    const { noOtherWriteModes: reason } = writes;
    const because = reason === undefined ? '' : `, because ${reason}`;
    throw permanent(
      'WriteModeNotOffered',
      `${destination.type} cannot be written by ${writeMode}${because}`,
      {
        path: 'spec.writeMode',
        fix: `use one of ${writes.writeModes.join(', ')}`,
      },
    );
  }
  if (isLastDestination(spec) && !writes.hasLargest) {
    throw permanent(
      'ModeNotOffered',
      `${destination.type} as a destination has no largest value for mode ${mode}`,
      {
        path: 'spec.mode',
        fix: `use ${mode === 'LastDestinationId' ? 'Id' : 'Timestamp'}`,
      },
    );
  }
  if (isLastDestination(spec) && !reads.hasFixedColumns && spec.source.columns === undefined) {
    throw permanent('ColumnsNotInferred', `mode ${mode} stores no offset, and with it no inferred columns`, {
      path: 'spec.source.columns',
      fix: `name the columns, or use ${mode === 'LastDestinationId' ? 'Id' : 'Timestamp'}`,
    });
  }
  requireDeletes(spec, definitions);
}

/** The source would read what the Sync has written: its rows would come back as new ones for ever. */
export function requireNoLoop(
  { spec }: Pick<Sync, 'spec'>,
  ends: { readonly source: DataSource; readonly destination: DataSource },
  { source, destination }: Definitions,
): void {
  const isSameAddress =
    source.type === destination.type &&
    JSON.stringify(source.address(ends.source.spec.config)) ===
      JSON.stringify(destination.address(ends.destination.spec.config));
  if (!isSameAddress || !destination.readsOwnRows?.(spec.source, spec.destination)) return;
  throw permanent(
    'OwnRowsRead',
    `the Sync would read what it writes: ${textOf(spec.source)} of the source and ${textOf(spec.destination)} of the destination contain one another`,
    {
      path: objectPath('destination', spec.destination),
      fix: 'write to another place, which the source does not contain',
    },
  );
}

function textOf(object: SourceObject | DestinationObject): string {
  const field = objectFieldOf(object);
  return field === undefined ? 'an object' : `${field} ${object[field]}`;
}

function requireDeletes({ mode, deletes }: SyncSpec, { source, destination }: Definitions): void {
  if (deletes === 'Ignore') return;
  const { seesDeletes } = source.capabilities.source;
  const refused = (message: string, fix: string) =>
    permanent('DeletesNotOffered', message, { path: 'spec.deletes', fix });
  if (!seesDeletes.includes(mode)) {
    const modes = seesDeletes.length === 0 ? '' : `use mode ${seesDeletes.join(' or ')}, or `;
    throw refused(
      `${source.type} does not show in mode ${mode} which rows were deleted`,
      `${modes}set deletes to Ignore; mode Snapshot with writeMode Replace also applies deletions`,
    );
  }
  if (!destination.capabilities.destination.canDelete)
    throw refused(`${destination.type} cannot delete rows`, 'set deletes to Ignore');
}

function requireStart({ startFrom }: SourceObject, { type, capabilities }: Definition): void {
  if (startFrom === undefined) return;
  const kinds: readonly StartKind[] = capabilities.source.startKinds ?? [];
  if (kinds.includes(startKindOf(startFrom))) return;
  throw permanent('ManifestInvalid', `${type} cannot be read from ${startFrom}`, {
    path: 'spec.source.startFrom',
    fix: kinds.length === 0 ? 'remove it' : `use one of ${kinds.join(', ')}`,
  });
}

/** Fields of every system. */
const commonFields: readonly string[] = [
  ...['dataSource', 'key', 'idField', 'timestampField', 'timeZone', 'existingRows'],
];

/** The Sync sets a field of another system. */
function requireFields(
  end: 'source' | 'destination',
  object: SourceObject | DestinationObject,
  { type, fields }: Definition,
): void {
  const offered: readonly string[] = fields[end];
  const naming = objectFieldOf(object) ?? 'query';
  const set = Object.keys(object).filter((each) => !commonFields.includes(each));
  const wrong = [naming, ...set].find((field) => !offered.includes(field));
  if (wrong === undefined) return;
  throw permanent('ManifestInvalid', `${end}.${wrong} is not a field of ${type}`, {
    path: `spec.${end}.${wrong}`,
    fix: `use ${fields[end].map((each) => `${end}.${each}`).join(' or ')}`,
  });
}
