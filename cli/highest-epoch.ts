import { openDestinationEnd } from '../agent/engine/open-sync.ts';
import { endsOf } from '../agent/engine/preview.ts';
import { definitionOf } from '../connectors/catalog.ts';
import { asIdraError, bug, describeError } from '../core/errors.ts';
import { holdsOffsets } from '../core/plain-destination.ts';
import { qualifiedName, type Sync } from '../core/sync-spec.ts';
import { tokenEpoch } from '../core/token.ts';
import type { Cli } from './cli.ts';
import { chooseSyncs, findDataSource, type Manifests, readManifests, withoutState } from './manifests.ts';

/** A destination that does not answer in this time counts as unreachable. */
const patienceMs = 30_000;

/**
 * The highest epoch of a token that the destinations of these manifests have stored; 0 if there is none. An unreachable destination is
 * named, not waited for: the caller decides whether the others suffice.
 */
export async function highestEpochSeen(cli: Cli, path: string): Promise<number> {
  const manifests = readManifests(cli, path);
  const epochs = await Promise.all(
    withoutState(chooseSyncs(manifests, undefined)).map(async (sync) => {
      try {
        return await epochSeenBy(manifests, sync);
      } catch (thrown) {
        cli.err.write(
          `${qualifiedName(sync)}: its destination could not be queried: ${describeError(asIdraError(thrown))}\n`,
        );
        return 0;
      }
    }),
  );
  return Math.max(0, ...epochs);
}

async function epochSeenBy(manifests: Manifests, sync: Sync): Promise<number> {
  const ends = endsOf(sync, findDataSource(manifests));
  if (!ends) throw bug(`the data sources of ${sync.name} were validated, but one is missing`);
  const signal = AbortSignal.timeout(patienceMs);
  const input = { sync, destination: ends.destination, secrets: manifests.secrets, definitionOf };
  const destination = await openDestinationEnd(input, signal);
  try {
    if (!holdsOffsets(destination)) return 0;
    const rows = await destination.commitRows(sync.uid, signal);
    return Math.max(0, ...rows.map((row) => tokenEpoch(row.token)));
  } finally {
    await destination.close();
  }
}
