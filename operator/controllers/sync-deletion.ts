import type { DesiredSync } from '../../coordination/contract.ts';
import type { ReconcileResult } from '../runtime/controller.ts';
import { removeFinalizer } from '../runtime/finalizer.ts';
import { keyOf } from '../runtime/objects.ts';
import { writeEtcd } from './etcd-write.ts';
import { finalizer, type SyncObject, syncs } from './objects.ts';
import type { ReconcilerDeps } from './sync.ts';

/** What cannot be cleaned so long after the deletion is left, and its user is told. */
const limitMs = 600_000;
const minPollMs = 1_000;
const maxPollMs = 15_000;

/**
 * Lets a deleted Sync go when an agent has stopped it, closed its rows and removed its keys (Invariant 9), or at the time limit.
 * The limit counts from the deletion itself, whoever was there to see it.
 */
export async function removeSync(
  deps: ReconcilerDeps,
  object: SyncObject,
  signal: AbortSignal,
): Promise<ReconcileResult | undefined> {
  const { uid, finalizers = [], deletionTimestamp = '' } = object.metadata;
  if (!finalizers.includes(finalizer)) return;
  const ageMs = deps.clock.now() - Date.parse(deletionTimestamp);
  const isLate = ageMs >= limitMs;
  if (deps.picture.outage) {
    if (!isLate) return soon(ageMs);
    // Its keys are found to have no custom resource as soon as etcd is back.
    tellWhatIsLeft(deps, object, undefined);
    return await letGo(deps, object, signal);
  }
  const { desired } = deps.coordination;
  const stored = await desired.getSync(uid);
  if (!stored) return await letGo(deps, object, signal);
  if (isLate || (await hasNobodyTouched(deps, uid))) {
    if (isLate) tellWhatIsLeft(deps, object, stored);
    await writeEtcd(() => desired.purgeSync(uid));
    return await letGo(deps, object, signal);
  }
  if (stored.deletedAt === undefined) {
    const { version, ...record } = stored;
    await writeEtcd(() => desired.putSync({ ...record, deletedAt: deletionTimestamp }, version));
  }
  return soon(ageMs);
}

/** Nothing tells that the key is gone where there was no status; the longer it takes, the less it matters when it is seen. */
function soon(ageMs: number): ReconcileResult {
  const pollMs = Math.min(maxPollMs, Math.max(minPollMs, ageMs / 4));
  return { requeueAfterMs: Math.max(0, Math.min(pollMs, limitMs - ageMs)) };
}

/** No agent is there to clean up, and none has ever had its lock: so there is nothing at the destination. */
async function hasNobodyTouched({ picture, coordination }: ReconcilerDeps, uid: string): Promise<boolean> {
  if (!picture.hasSynced || picture.statusOf(uid)?.fencingToken !== undefined) return false;
  return (await coordination.cluster.agents()).length === 0;
}

async function letGo(deps: ReconcilerDeps, object: SyncObject, signal: AbortSignal): Promise<undefined> {
  await removeFinalizer(deps.client, syncs, object, finalizer, { signal });
  const { uid } = object.metadata;
  if (!deps.picture.outage) deps.inventory.syncs.delete(keyOf(object.metadata), uid);
}

function tellWhatIsLeft(deps: ReconcilerDeps, object: SyncObject, stored: DesiredSync | undefined): void {
  const { uid } = object.metadata;
  const spec = stored?.spec ?? object.spec;
  const { lastError } = deps.picture.statusOf(uid) ?? {};
  const why = deps.picture.outage?.message ?? lastError?.message ?? deps.picture.unassignedOf(uid)?.message;
  const left = leftAt(deps, object, spec);
  const note = `not cleaned up within 10 minutes${why ? ` (${why})` : ''}, so it was let go. ${left}`;
  deps.events.record(syncs, object, { type: 'Warning', reason: 'CleanupIncomplete', action: 'Delete', note });
  deps.log.warn('a deleted sync was let go although its commit rows are not closed', {
    sync: keyOf(object.metadata),
    uid,
    left,
    why,
  });
}

/** The row at the destination, and the statement that removes it. */
function leftAt(deps: ReconcilerDeps, { metadata }: SyncObject, spec: unknown): string {
  const { destination } = spec as { destination?: { dataSource?: string; table?: string } };
  const name = destination?.dataSource ?? '';
  const dataSource = deps.dataSources.get(`${metadata.namespace}/${name}`);
  const isMysql = 'mysql' in ((dataSource?.spec ?? {}) as object);
  const quote = (part: string) =>
    isMysql ? `\`${part.replaceAll('`', '``')}\`` : `"${part.replaceAll('"', '""')}"`;
  const parts = splitTable(destination?.table ?? '');
  const table = [...parts.slice(0, -1), '_idra_commits'].map(quote).join('.');
  return `Left is its row in _idra_commits of DataSource ${name}; remove it there with: DELETE FROM ${table} WHERE uid = '${metadata.uid}'`;
}

/** At the dots outside double quotes, without the quotes. */
function splitTable(table: string): readonly string[] {
  const parts = table.match(/"(?:[^"]|"")*"|[^".]+/g) ?? [];
  return parts.map((part) => (part.startsWith('"') ? part.slice(1, -1).replaceAll('""', '"') : part));
}
