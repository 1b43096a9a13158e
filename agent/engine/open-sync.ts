import { hasSameSecrets, resolveAccess } from '../../core/access.ts';
import { allSettled } from '../../core/all-settled.ts';
import type { AnyDestination, Connector, Destination, Source, SystemAccess } from '../../core/connector.ts';
import type { Definition } from '../../core/definition.ts';
import { holdsOffsets } from '../../core/plain-destination.ts';
import type { DataSource, SourceObject, Sync } from '../../core/sync-spec.ts';
import { requireCapable, requireNoLoop } from './capabilities.ts';
import type { RunContext } from './context.ts';
import { namingGrant } from './missing-grant.ts';
import type { OpenEnds } from './open-ends.ts';
import { planSync } from './plan.ts';
import { infersColumns, type KnownColumns, readsWholeRecords } from './record-columns.ts';
import type { EngineShared } from './shared.ts';
import { type OffsetKeeper, StoredOffsets } from './stored-offsets.ts';

export type OpenInput = Pick<RunContext, 'sync' | 'source' | 'destination' | 'secrets' | 'definitionOf'> & {
  /** Omitted: each end has a connection of its own, closed with it. */
  readonly shared?: Pick<EngineShared, 'sessions'>;
  /** Omitted: a source without fixed columns infers them. */
  readonly knownColumns?: KnownColumns;
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
  requireCapable(sync.spec, definitions);
  requireNoLoop(sync, input, definitions);
  const [sourceEnd, destinationEnd] = await allSettled([
    loadEnd(input, input.source),
    loadEnd(input, input.destination),
  ]);
  const openingDestination = destinationEnd.connector.openDestination(
    destinationEnd.access,
    sync.spec.destination,
    signal,
  );
  const openingSource = objectToRead(input, definitions, openingDestination, signal).then((object) =>
    sourceEnd.connector.openSource(sourceEnd.access, object, signal),
  );
  const [source, destination] = await openBoth(openingSource, openingDestination);
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

/** The source object, with what the connector cannot know: the columns of earlier runs, and whether both ends are of one kind. */
async function objectToRead(
  { sync: { spec }, knownColumns }: OpenInput,
  definitions: Definitions,
  openingDestination: Promise<AnyDestination>,
  signal: AbortSignal,
): Promise<SourceObject> {
  if (readsWholeRecords(spec, definitions)) return { ...spec.source, isWhole: true };
  if (!knownColumns || !infersColumns(spec, definitions)) return spec.source;
  const columns = await knownColumns(await openingDestination, signal);
  return columns ? { ...spec.source, columns } : spec.source;
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
