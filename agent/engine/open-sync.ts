import { hasSameSecrets, resolveAccess } from '../../core/access.ts';
import { allSettled } from '../../core/all-settled.ts';
import type { AnyDestination, Connector, Destination, Source, SystemAccess } from '../../core/connector.ts';
import type { Definition } from '../../core/definition.ts';
import { permanent } from '../../core/errors.ts';
import { holdsOffsets } from '../../core/plain-destination.ts';
import {
  type DataSource,
  type DestinationObject,
  isLastDestination,
  objectFieldOf,
  type SourceObject,
  type Sync,
} from '../../core/sync-spec.ts';
import type { RunContext } from './context.ts';
import { namingGrant } from './missing-grant.ts';
import type { OpenEnds } from './open-ends.ts';
import { planSync } from './plan.ts';
import type { EngineShared } from './shared.ts';
import { type OffsetKeeper, StoredOffsets } from './stored-offsets.ts';

export type OpenInput = Pick<RunContext, 'sync' | 'source' | 'destination' | 'secrets' | 'definitionOf'> & {
  /** Omitted: each end has a connection of its own, closed with it. */
  readonly shared?: Pick<EngineShared, 'sessions'>;
};

/** OpenEnds with storage for the offset, whatever kind of destination it is. */
export interface OpenSync extends OpenEnds {
  readonly destination: Destination;
  /** The store holds the offset itself, not a copy. */
  readonly isOffsetInStore: boolean;
}

export function withOffsets(ends: OpenEnds, sync: Sync, keeper: OffsetKeeper): OpenSync {
  const { destination } = ends;
  if (holdsOffsets(destination)) return { ...ends, destination, isOffsetInStore: false };
  return { ...ends, destination: new StoredOffsets(destination, sync, keeper), isOffsetInStore: true };
}

export async function openSync(input: OpenInput, signal: AbortSignal): Promise<OpenEnds> {
  const { sync, secrets } = input;
  const definitions = definitionsOf(input);
  requireCapable(input, definitions);
  const [sourceEnd, destinationEnd] = await allSettled([
    loadEnd(input, input.source),
    loadEnd(input, input.destination),
  ]);
  const [source, destination] = await openBoth(
    sourceEnd.connector.openSource(sourceEnd.access, sync.spec.source, signal),
    destinationEnd.connector.openDestination(destinationEnd.access, sync.spec.destination, signal),
  );
  const close = async () => {
    await Promise.allSettled([source.close(), destination.close()]);
  };
  const ends = { spec: sync.spec, source: sourceEnd, destination };
  try {
    const plan = await planSync(
      {
        sync,
        source,
        destination,
        connectors: { source: sourceEnd.connector, destination: destinationEnd.connector },
        definitions,
      },
      signal,
    );
    return {
      source,
      destination,
      plan,
      async hasCurrentSecrets() {
        const now = await allSettled([
          resolveAccess(input.source, secrets),
          resolveAccess(input.destination, secrets),
        ]);
        return hasSameSecrets(sourceEnd.access, now[0]) && hasSameSecrets(destinationEnd.access, now[1]);
      },
      async rest() {
        await Promise.allSettled([source.rest(), destination.rest()]);
      },
      namingGrant: (thrown, signal) => namingGrant(thrown, ends, signal),
      close,
    };
  } catch (error) {
    const named = await namingGrant(error, ends, signal);
    await close();
    throw named;
  }
}

/** Opens both concurrently; if one fails, the other is closed. The source's error takes precedence. */
async function openBoth(
  openingSource: Promise<Source>,
  openingDestination: Promise<AnyDestination>,
): Promise<readonly [Source, AnyDestination]> {
  try {
    return await allSettled([openingSource, openingDestination]);
  } catch (error) {
    for (const opening of [openingSource, openingDestination])
      await opening.then((end) => end.close()).catch(() => {});
    throw error;
  }
}

/** The destination alone, without a plan. */
export async function openDestinationEnd(
  input: Omit<OpenInput, 'source'>,
  signal: AbortSignal,
): Promise<AnyDestination> {
  const { connector, access } = await loadEnd(input, input.destination);
  return await connector.openDestination(access, input.sync.spec.destination, signal);
}

async function loadEnd(
  input: Pick<OpenInput, 'secrets' | 'definitionOf' | 'shared'>,
  dataSource: DataSource,
): Promise<{ connector: Connector; access: SystemAccess }> {
  const [connector, access] = await allSettled([
    input.definitionOf(dataSource.spec.type).load(),
    resolveAccess(dataSource, input.secrets),
  ]);
  const sessions = input.shared?.sessions;
  return { connector, access: sessions ? { ...access, sessions } : access };
}

interface Definitions {
  readonly source: Definition;
  readonly destination: Definition;
}

function definitionsOf({ source, destination, definitionOf }: OpenInput): Definitions {
  return { source: definitionOf(source.spec.type), destination: definitionOf(destination.spec.type) };
}

/** Unsupported combinations are refused before anything is opened. */
function requireCapable({ sync, source, destination }: OpenInput, definitions: Definitions): void {
  const reads = definitions.source.capabilities.source;
  const writes = definitions.destination.capabilities.destination;
  const { mode, writeMode } = sync.spec;
  requireField('source', sync.spec.source, definitions.source);
  requireField('destination', sync.spec.destination, definitions.destination);
  if (!reads.modes.includes(mode)) {
    throw permanent('ModeNotOffered', `${source.spec.type} cannot be read in mode ${mode}`, {
      path: 'spec.mode',
      fix: `use one of ${reads.modes.join(', ')}`,
    });
  }
  if (!writes.writeModes.includes(writeMode)) {
    throw permanent('WriteModeNotOffered', `${destination.spec.type} cannot be written by ${writeMode}`, {
      path: 'spec.writeMode',
      fix: `use one of ${writes.writeModes.join(', ')}`,
    });
  }
  if (isLastDestination(sync.spec) && !writes.hasLargest) {
    throw permanent(
      'ModeNotOffered',
      `${destination.spec.type} as a destination has no largest value for mode ${mode}`,
      {
        path: 'spec.mode',
        fix: `use ${mode === 'LastDestinationId' ? 'Id' : 'Timestamp'}`,
      },
    );
  }
}

/** The Sync names its source or destination by a field of another system. */
function requireField(
  end: 'source' | 'destination',
  object: SourceObject | DestinationObject,
  { type, fields }: Definition,
): void {
  const field = objectFieldOf(object) ?? 'query';
  if (fields[end].includes(field)) return;
  throw permanent('ManifestInvalid', `${end}.${field} is not a field of ${type}`, {
    path: `spec.${end}.${field}`,
    fix: `use ${fields[end].map((each) => `${end}.${each}`).join(' or ')}`,
  });
}
