import { createHash } from 'node:crypto';
import type { DocumentStore } from '../../coordination/documents.ts';
import type { FleetSync } from '../../fleet/contract.ts';

const key = 'events/specs';

/** Hashes of specs by uid, as they were at the last start. */
type Hashes = Readonly<Record<string, string>>;

/** In single mode a spec changes only between two runs: the Syncs whose file says something else than at the last start. */
export async function changedSpecs(
  documents: DocumentStore,
  syncs: Iterable<FleetSync>,
): Promise<readonly FleetSync[]> {
  const all = [...syncs];
  const before = (await documents.get(key))?.value as Hashes | undefined;
  const now = Object.fromEntries(all.map(({ uid, spec }) => [uid, hashOf(spec)]));
  await documents.write([{ key, value: now }]);
  return all.filter(({ uid }) => before?.[uid] !== undefined && before[uid] !== now[uid]);
}

function hashOf(spec: unknown): string {
  return createHash('sha256').update(JSON.stringify(spec)).digest('base64url').slice(0, 16);
}
