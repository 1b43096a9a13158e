import { hasSameSecrets, resolveAccess } from '../../core/access.ts';
import { allSettled } from '../../core/all-settled.ts';
import type { Connector, Destination, Source, SystemAccess } from '../../core/connector.ts';
import { permanent } from '../../core/errors.ts';
import type { DataSource, Sync } from '../../core/sync-spec.ts';
import type { RunContext } from './context.ts';
import { planSync, type SyncPlan } from './plan.ts';
import type { EngineShared } from './shared.ts';

export type OpenInput = Pick<RunContext, 'sync' | 'source' | 'destination' | 'secrets' | 'definitionOf'> & {
  /** Left out: each end has a connection of its own, closed with it. */
  readonly shared?: Pick<EngineShared, 'sessions'>;
};

/** Both ends open and planned. Close it in every case. */
export interface OpenSync {
  readonly source: Source;
  readonly destination: Destination;
  readonly plan: SyncPlan;
  /** Whether the secrets are still those that it was opened with. */
  hasCurrentSecrets(): Promise<boolean>;
  /** Gives both connections back, and the claim with them; the plan stays. */
  rest(): Promise<void>;
  close(): Promise<void>;
}

export async function openSync(input: OpenInput, signal: AbortSignal): Promise<OpenSync> {
  const { sync, definitionOf, secrets } = input;
  requireCapable(input);
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
  try {
    const plan = await planSync(
      {
        sync,
        types: { source: input.source.spec.type, destination: input.destination.spec.type },
        source,
        destination,
        connectors: { source: sourceEnd.connector, destination: destinationEnd.connector },
        isTransactional: definitionOf(input.destination.spec.type).capabilities.destination.isTransactional,
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
      close,
    };
  } catch (error) {
    await close();
    throw error;
  }
}

/** Both at once; when one cannot be opened the other is closed. The source's error goes first. */
async function openBoth(
  openingSource: Promise<Source>,
  openingDestination: Promise<Destination>,
): Promise<readonly [Source, Destination]> {
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
): Promise<Destination> {
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

/** Capabilities are data: what a pair cannot do is refused before anything is opened. */
function requireCapable({ sync, source, destination, definitionOf }: OpenInput): void {
  const reads = definitionOf(source.spec.type).capabilities.source;
  const writes = definitionOf(destination.spec.type).capabilities.destination;
  const { mode, writeMode } = sync.spec;
  if (!reads.modes.includes(mode)) {
    throw permanent('ModeNotOffered', `${source.spec.type} cannot be read in mode ${mode}`, {
      path: 'spec.mode',
      mend: `use one of ${reads.modes.join(', ')}`,
    });
  }
  if (!writes.writeModes.includes(writeMode)) {
    throw permanent('WriteModeNotOffered', `${destination.spec.type} cannot be written by ${writeMode}`, {
      path: 'spec.writeMode',
      mend: `use one of ${writes.writeModes.join(', ')}`,
    });
  }
  if (isLastDestinationMode(sync) && !writes.hasLargest) {
    throw permanent(
      'ModeNotOffered',
      `${destination.spec.type} as a destination has no largest value for mode ${mode}`,
      {
        path: 'spec.mode',
        mend: `use ${mode === 'LastDestinationId' ? 'Id' : 'Timestamp'}`,
      },
    );
  }
}

function isLastDestinationMode(sync: Sync): boolean {
  return sync.spec.mode.startsWith('LastDestination');
}
