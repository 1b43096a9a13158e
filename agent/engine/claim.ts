import { columnIn } from '../../core/column-plan.ts';
import { namingSync, restartCommand } from '../../core/commands.ts';
import { type CommitRow, softDeleteColumn } from '../../core/connector.ts';
import { reach } from '../../core/crash-points.ts';
import { schemaChanged, transient } from '../../core/errors.ts';
import { decodeStored, encodeOffset, type Offset, showEncoded, withColumns } from '../../core/offset.ts';
import type { Request } from '../../core/status.ts';
import { isLastDestination, qualifiedName } from '../../core/sync-spec.ts';
import { type KnownEnds, mayHaveRow } from '../../core/sync-store.ts';
import type { Relation } from '../../core/values.ts';
import { type Admission, admit, type Reached, tableChange } from './admission.ts';
import { otherWriters } from './offset-fingerprint.ts';
import type { OpenSync } from './open-sync.ts';
import { orderNames } from './order-types.ts';
import { snapshotStart } from './read-request.ts';
import { decisionOf, finishRequest } from './requests.ts';
import type { RunState } from './run-state.ts';
import { noSkippedRows } from './skipped-rows.ts';
import { endsNow, learned, type SystemChange, systemChange } from './system-change.ts';

export interface Claimed {
  readonly claim: CommitRow;
  /** The offset from which the next pass continues. */
  readonly offset: Offset | null;
  /** The table had rows when it was admitted: if it is empty now, it is a different one. */
  readonly hadRows: boolean;
}

/** Admits the Sync against the state of the destination, claims it there, and executes a request that decides the claim. */
export async function claimSync(state: RunState, open: OpenSync): Promise<Claimed> {
  const { context, reporter } = state;
  const stored = await storeClaim(state, open);
  const claim = await restartPass(state, open, stored.claim);
  if (open.plan.read.mode === 'Snapshot') await state.remember({ writeMode: context.sync.spec.writeMode });
  const offset = restoredOffset(open, claim);
  const rows = await open.destination.commitRows(context.sync.uid, context.lock.signal);
  reporter.others(otherWriters(rows, context.sync), claim.table);
  const warnings = open.plan.findings
    .filter((finding) => finding.severity === 'warning')
    .map((finding) => finding.message);
  warnings.push(...(await addedColumns(state, open, stored.claim)));
  reporter.claimed({
    token: claim.token,
    offset: isLastDestination(context.sync.spec) ? null : offset,
    totalRows: claim.rows,
    guarantee: open.plan.guarantee,
    warnings,
  });
  return { claim, offset, hadRows: stored.hadRows };
}

/** Rows that were moved before a column was added are not read again for it, except by a Snapshot. */
async function addedColumns(
  state: RunState,
  { plan }: OpenSync,
  claim: CommitRow,
): Promise<readonly string[]> {
  if (plan.read.mode === 'Snapshot') return [];
  const known = state.progress.addedColumns ?? [];
  const isAdding = plan.existing !== null && claim.rows > 0;
  const names = isAdding
    ? plan.write.columns.columns
        .filter(({ existing, name }) => existing === null && name !== softDeleteColumn)
        .map(({ name }) => name)
    : [];
  const all = [...new Set([...known, ...names])];
  if (all.length > known.length) await state.remember({ addedColumns: all });
  return all.map((name) =>
    namingSync(
      `column ${name} was added after rows had been moved and is NULL in them; ${restartCommand} moves them again`,
      state.context.sync,
    ),
  );
}

/**
 * The rows of an unfinished Replace pass are in a shadow table, perhaps of another plan; those of other passes are in the target. If they
 * cannot be used by this pass, it restarts under the next number. That is stored before a shadow table is created again, so that no owner
 * continues in the middle of an empty one.
 */
async function restartPass(state: RunState, open: OpenSync, claim: CommitRow): Promise<CommitRow> {
  const stored = decodeStored(claim.offset);
  if (!mustRestartPass(state) || stored?.mode !== 'Snapshot' || stored.isComplete) return claim;
  const start: Offset = { mode: 'Snapshot', pass: stored.pass + 1, key: null, isComplete: false };
  const offset = encodeOffset(withColumns(start, stored.columns));
  const { uid, token } = claim;
  const row = await open.destination.setOffset(
    { uid, token, expected: claim.offset, offset },
    state.context.lock.signal,
  );
  state.mustRestartPass = false;
  return row;
}

function mustRestartPass({ mustRestartPass: isOfOtherPlan, progress, context }: RunState): boolean {
  const [before, now] = [progress.writeMode, context.sync.spec.writeMode];
  return isOfOtherPlan || (before !== undefined && before !== now && [before, now].includes('Replace'));
}

function restoredOffset(open: OpenSync, claim: CommitRow): Offset | null {
  const stored = decodeStored(claim.offset);
  return open.plan.read.mode === 'Snapshot' && stored !== null && !(stored.mode === 'Snapshot')
    ? snapshotStart(null)
    : stored;
}

async function storeClaim(state: RunState, open: OpenSync): Promise<Pick<Claimed, 'claim' | 'hadRows'>> {
  const { context, progress, fingerprint } = state;
  const { sync, lock } = context;
  const { signal } = lock;
  const requests = await lock.pendingRequests();
  const decision = decisionOf(requests);
  const rows = await open.destination.commitRows(sync.uid, signal);
  const existing = await existingTable(open, signal);
  const hadRows = existing !== null && (await open.destination.hasRows(signal));
  const ends = await endsNow(sync, context, open, signal);
  const systems = systemChange(sync, progress, ends);
  const admission = admit({
    sync,
    fingerprint,
    systems,
    known: progress.ends,
    now: ends,
    rows,
    table: open.destination.name,
    existing,
    hasRows: hadRows,
    restartsPass: mustRestartPass(state),
    order: orderNames(open.plan.read),
    decision,
    elsewhere: await reachedElsewhere(state, systems),
  });
  await beforeFirstClaim(state);
  await reach('claim:before');
  const claim = await open.destination.claim(
    {
      ...claimOf(state, open),
      token: lock.token,
      // Without a row, 'keep' starts from nothing; a claim that arrives late must not undo what was done meanwhile.
      offset: decision === 'restart' ? 'restart' : 'keep',
      ...(admission.kind === 'adopt' ? { adoptFrom: admission.uid } : {}),
      ...(admission.kind === 'move' ? { startsFrom: admission.from } : {}),
    },
    signal,
  );
  await reach('claim:after');
  // A file that was created by the claim has an identity only now.
  const isNamed = existing !== null || ends.destination.identity.length > 0;
  const claimed = isNamed ? ends : await endsNow(sync, context, open, signal);
  const target = open.isOffsetInStore ? claim.target : undefined;
  await rememberClaim(state, { admission, systems, ends: claimed, target });
  // Until the systems are recorded, the next claim needs the decision again.
  if (decision) await finishDecision(state, { requests, decision, rows, claim });
  return { claim, hadRows };
}

interface Decisive {
  readonly admission: Admission;
  readonly systems: SystemChange;
  readonly ends: KnownEnds;
  readonly target: string | undefined;
}

async function rememberClaim(state: RunState, { admission, systems, ends, target }: Decisive): Promise<void> {
  const { progress, reporter } = state;
  if (admission.kind === 'start') {
    reporter.skippedBefore(noSkippedRows);
    reporter.seen({ read: 0, written: 0, deleted: 0 }, null);
  }
  const hasNewTable = admission.kind === 'go-on' && admission.hasNewTable;
  // The completion of a Snapshot referred to a table that no longer exists.
  if (hasNewTable) state.isPassRequested = true;
  const known = {
    fingerprint: state.fingerprint,
    ends: learned(progress, ends),
    ...(target !== undefined && { target }),
  };
  const isNew = admission.kind !== 'go-on' || hasNewTable || systems.isOtherSource;
  if (!isNew && isSameFingerprint(state, systems)) {
    await state.remember(known);
    return;
  }
  const { skipped } = reporter;
  await state.remember({ hasCaughtUp: false, isCompleted: false, ...known, skipped, addedColumns: [] });
  reporter.startsAgain();
  state.heldBack = undefined;
}

function isSameFingerprint(
  { progress, fingerprint }: RunState,
  { formerFingerprints }: SystemChange,
): boolean {
  return (
    progress.fingerprint !== undefined && [fingerprint, ...formerFingerprints].includes(progress.fingerprint)
  );
}

/**
 * A Sync that was never claimed is deleted without opening its destination, so the claim is announced first. If it was deleted that way
 * while this agent waited for its lock, it must not be claimed any more.
 */
async function beforeFirstClaim(state: RunState): Promise<void> {
  if (mayHaveRow(state.progress)) return;
  const { context } = state;
  if (await context.isOutdated?.()) {
    throw transient('Conflict', `${qualifiedName(context.sync)} has changed since it was read`);
  }
  await state.remember({ mayHaveRow: true });
}

/** Read after the commit rows, so that a table that an earlier owner has just created is not considered missing. */
async function existingTable({ plan, destination }: OpenSync, signal: AbortSignal): Promise<Relation | null> {
  if (plan.existing) return plan.existing;
  const now = await destination.describe(signal);
  if (now) throw schemaChanged(now.name, { what: 'it was created' });
  return null;
}

/** Recorded progress under another offset fingerprint: the commit row may be in another schema, database or server. */
async function reachedElsewhere(state: RunState, systems: SystemChange): Promise<Reached | undefined> {
  const { context, progress } = state;
  if (progress.fingerprint === undefined) return undefined;
  if (isSameFingerprint(state, systems) && !systems.isOtherDestination) return undefined;
  return { offset: await context.lock.offsets.read(), rows: progress.rows ?? 0 };
}

/** The plan after the claim has created what was missing: a later claim finds it. */
export async function withCreated(open: OpenSync, signal: AbortSignal): Promise<OpenSync> {
  if (!hasMissing(open)) return open;
  const existing = await open.destination.describe(signal);
  if (!existing) throw schemaChanged('the destination table', { what: 'it is gone' });
  const { columns } = open.plan.write.columns;
  const found = columns.map((column) => ({
    ...column,
    existing: column.existing ?? columnIn(existing, column),
  }));
  const write = { ...open.plan.write, existing, columns: { ...open.plan.write.columns, columns: found } };
  return { ...open, plan: { ...open.plan, existing, write } };
}

/** The claim will create something. */
export function hasMissing({ plan }: OpenSync): boolean {
  return plan.write.columns.columns.some((column) => column.existing === null);
}

/** Claims again after a rest: the same owner and token over another session, if the table is still the one that was claimed. */
export async function claimAgain(
  state: RunState,
  open: OpenSync,
  claim: CommitRow,
): Promise<Pick<Claimed, 'claim' | 'offset'>> {
  const { signal } = state.context.lock;
  await requireTarget(open, claim, restoredOffset(open, claim), signal);
  const rows = await requireRow(open, claim, signal);
  // A writer that came later has warned its own user; the user of this Sync is warned here.
  state.reporter.others(otherWriters(rows, state.context.sync), claim.table);
  await reach('claim:before');
  const again = await open.destination.claim(
    { ...claimOf(state, open), token: claim.token, offset: 'keep' },
    signal,
  );
  await reach('claim:after');
  return { claim: again, offset: restoredOffset(open, again) };
}

/** A claim would create the row again without an offset: that case is decided by the admission of the Sync. */
async function requireRow(
  { destination }: OpenSync,
  claim: CommitRow,
  signal: AbortSignal,
): Promise<readonly CommitRow[]> {
  const rows = await destination.commitRows(claim.uid, signal);
  if (rows.some((row) => row.uid === claim.uid && row.table === claim.table)) return rows;
  throw schemaChanged(claim.table, { what: 'its commit row is gone' });
}

function claimOf({ context: { sync }, fingerprint }: RunState, { plan }: OpenSync) {
  const [name, keepsOffset] = [qualifiedName(sync), !isLastDestination(sync.spec)];
  return { plan: plan.write, rowFormat: plan.read.rowFormat, name, fingerprint, keepsOffset };
}

interface Decided {
  readonly requests: readonly Request[];
  readonly decision: 'restart' | 'keep-offset';
  /** As read before the claim. */
  readonly rows: readonly CommitRow[];
  readonly claim: CommitRow;
}

async function finishDecision(state: RunState, { requests, decision, rows, claim }: Decided): Promise<void> {
  const { context } = state;
  const before = rows.find((row) => row.uid === claim.uid && row.table === claim.table);
  const message =
    decision === 'restart'
      ? 'started from the beginning; no row was deleted'
      : `continues from ${showEncoded(claim.offset)}`;
  for (const request of requests.filter((each) => each.type === 'restart' || each.type === 'keep-offset')) {
    await context.lock.appendHistory({
      time: new Date(context.clock.now()).toISOString(),
      by: request.by ?? 'unknown',
      action: request.type === 'restart' ? 'restart' : 'keep-offset',
      from: before?.offset ?? null,
      to: claim.offset,
    });
    await finishRequest(state, request, 'Done', message);
  }
  state.isPassDue = !context.sync.spec.isSuspended;
}

/** Throws SchemaChanged if the claimed table is gone or replaced. A pass without rows writes nothing that would detect it. */
export async function requireTarget(
  { plan, destination }: OpenSync,
  { rows, target }: CommitRow,
  offset: Offset | null,
  signal: AbortSignal,
): Promise<void> {
  const now = await destination.describe(signal);
  if (now === null)
    throw schemaChanged(plan.write.existing?.name ?? 'the destination table', { what: 'it is gone' });
  // A Replace itself swaps in another table, and a Snapshot between two passes may be emptied.
  if (plan.write.writeMode === 'Replace' || offset === null) return;
  const isKnown = target !== undefined && now.identity !== undefined;
  const hasRows = isKnown || offset.mode === 'Snapshot' || (await destination.hasRows(signal));
  const row = { offset: encodeOffset(offset), rows, ...(target === undefined ? {} : { target }) };
  const what = tableChange(row, now, hasRows);
  if (what) throw schemaChanged(now.name, { what });
}
