import { randomBytes } from 'node:crypto';
import type { ClaimRequest, CommitRow, WritePlan } from '../../../core/connector.ts';
import { transient } from '../../../core/errors.ts';
import type { Token } from '../../../core/token.ts';
import { claimedRow, tokenIsHigher } from '../../sql/destination/commit-table.ts';
import type { S3Session } from '../session.ts';
import {
  commitRowOf,
  type Manifest,
  type ManifestColumn,
  manifestKey,
  noObjects,
  readManifest,
  type StoredManifest,
  writeManifest,
} from './commit-rows.ts';
import { deleteSet } from './object-sets.ts';

/** Others may write a manifest at the same moment. */
const attempts = 10;

export interface StoreClaimInit {
  readonly session: S3Session;
  readonly prefix: string;
  /** `bucket/prefix`: the table of the commit row. */
  readonly name: string;
  readonly request: ClaimRequest;
  readonly format: string;
  /** The highest commit number that an earlier owner may have used. */
  readonly usedSequence: number;
}

/** Stores the token in the manifest, which is created if it is missing. Throws `fenced` if a higher one is stored (Invariant 4). */
export async function storeClaim(init: StoreClaimInit, signal: AbortSignal): Promise<StoredManifest> {
  const { session, prefix, request } = init;
  const key = manifestKey(prefix, request.plan.uid);
  for (let attempt = 0; attempt < attempts; attempt++) {
    const found = await readManifest(session, key, signal);
    if (found) await closeAdopted(init, found.manifest, signal);
    const adopted =
      request.adoptFrom === undefined ? undefined : await freeze(init, request.adoptFrom, signal);
    const next = claimedManifest(init, found?.manifest, adopted);
    const etag = await writeManifest(session, key, next, found?.etag ?? 'none', signal);
    if (etag === undefined) continue;
    if (next.adopted !== undefined) await close(session, prefix, next.adopted, BigInt(next.token), signal);
    return { manifest: next, etag };
  }
  throw transient(
    'ConditionLost',
    `${session.where}: other writes of ${key} came between: the claim is tried again`,
  );
}

/** An earlier claim has ended before it could close what it had adopted. Whoever has claimed that since then keeps it. */
async function closeAdopted(
  { session, prefix }: StoreClaimInit,
  { adopted, token }: Manifest,
  signal: AbortSignal,
): Promise<void> {
  if (adopted === undefined) return;
  const found = await readManifest(session, manifestKey(prefix, adopted), signal);
  if (!found || found.manifest.closed || BigInt(found.manifest.token) > BigInt(token)) return;
  await close(session, prefix, adopted, BigInt(token), signal);
}

/** The manifest of another uid, under our token: its owner can commit no more. Undefined: there is none, or it is closed. */
async function freeze(
  { session, prefix, request }: StoreClaimInit,
  uid: string,
  signal: AbortSignal,
): Promise<Manifest | undefined> {
  const key = manifestKey(prefix, uid);
  for (let attempt = 0; attempt < attempts; attempt++) {
    const found = await readManifest(session, key, signal);
    if (!found || found.manifest.closed) return undefined;
    const stored = BigInt(found.manifest.token);
    const token = request.token === 'next' ? stored + 1n : request.token;
    if (stored > token) throw tokenIsHigher(stored, token);
    const frozen = changed(found.manifest, { token: String(token) });
    if ((await writeManifest(session, key, frozen, found.etag, signal)) !== undefined) return frozen;
  }
  throw transient(
    'ConditionLost',
    `${session.where}: other writes of ${key} came between: the claim is tried again`,
  );
}

/** Closed, with at least this token. Throws `fenced` if a higher one is stored. */
export async function close(
  session: S3Session,
  prefix: string,
  uid: string,
  token: Token,
  signal: AbortSignal,
): Promise<void> {
  const key = manifestKey(prefix, uid);
  for (let attempt = 0; attempt < attempts; attempt++) {
    const found = await readManifest(session, key, signal);
    if (!found) return;
    const stored = BigInt(found.manifest.token);
    if (stored > token) throw tokenIsHigher(stored, token);
    const { replacing, obsolete = [], ...rest } = found.manifest;
    const closed = changed(rest, { closed: true, token: String(token) });
    if ((await writeManifest(session, key, closed, found.etag, signal)) === undefined) continue;
    // No commit comes after this one that would delete them.
    for (const set of [...obsolete, ...(replacing ? [replacing] : [])]) await deleteSet(session, set, signal);
    return;
  }
  throw transient(
    'ConditionLost',
    `${session.where}: other writes of ${key} came between: it is tried again`,
  );
}

export function changed(manifest: Manifest, change: Partial<Manifest>): Manifest {
  return {
    ...manifest,
    ...change,
    time: new Date().toISOString(),
    attempt: randomBytes(12).toString('hex'),
  };
}

function claimedManifest(
  { request, name, format, usedSequence }: StoreClaimInit,
  stored: Manifest | undefined,
  adopted: Manifest | undefined,
): Manifest {
  const rowOf = (manifest: Manifest | undefined): CommitRow | undefined => manifest && commitRowOf(manifest);
  const row = claimedRow(request, name, rowOf(stored), rowOf(adopted));
  // Rows stay where they are, also after a restart: only a Replace takes objects out.
  const base = stored ?? adopted;
  return changed(
    {
      layout: 1,
      format,
      columns: columnsOf(request.plan),
      ...(base ? { objects: base.objects, lists: base.lists } : noObjects),
      uid: row.uid,
      table: row.table,
      name: row.name,
      fingerprint: row.fingerprint,
      token: String(row.token),
      offset: row.offset,
      rows: row.rows,
      closed: false,
      time: '',
      sequence: Math.max(base?.sequence ?? 0, usedSequence),
      attempt: '',
      ...(stored?.replacing && { replacing: stored.replacing }),
      ...(stored?.obsolete && { obsolete: stored.obsolete }),
      ...(adopted && { adopted: adopted.uid }),
    },
    {},
  );
}

/** Columns of the objects so far, and those that this Sync adds. */
function columnsOf({ columns, existing }: WritePlan): ManifestColumn[] {
  const planned = columns.columns.map(({ name, ddl, isNullable }) => ({
    name,
    type: ddl,
    nullable: isNullable,
  }));
  const others = (existing?.columns ?? []).filter(({ name }) => !planned.some((each) => each.name === name));
  return [...planned, ...others.map(({ name, nativeType }) => ({ name, type: nativeType, nullable: true }))];
}
