import { joinName, splitName } from '../../connectors/sql/names.ts';
import type { CommitRow } from '../../core/connector.ts';
import { reach } from '../../core/crash-points.ts';
import { encodeOffset, type Offset } from '../../core/offset.ts';
import type { Request } from '../../core/status.ts';
import { qualifiedName } from '../../core/sync-spec.ts';
import { finishRequest } from './answers.ts';
import { admit, isLastDestination, otherWriters } from './meaning.ts';
import type { OpenSync } from './open-sync.ts';
import { readStored, snapshotStart } from './pass.ts';
import { decisionOf, describeOffset } from './requests.ts';
import { type RunState, remember } from './run-state.ts';

export interface Claimed {
  readonly claim: CommitRow;
  /** Where the next pass goes on from. */
  readonly offset: Offset | null;
}

/** Admits the Sync to what the destination holds, claims it there, and carries out a request that decides the claim. */
export async function claimSync(state: RunState, open: OpenSync, meaning: string): Promise<Claimed> {
  const { context, reporter } = state;
  const claim = await restartPass(state, open, await storeClaim(state, open, meaning));
  const offset = restoredOffset(open, claim);
  const rows = await open.destination.commitRows(context.sync.uid, context.lock.signal);
  const others = otherWriters(rows, context.sync, claim.table);
  const warnings = open.plan.findings
    .filter((finding) => finding.severity === 'warning')
    .map((finding) => finding.message);
  if (others.length > 0) warnings.push(`${claim.table} is also written by ${others.join(', ')}`);
  reporter.claimed(
    claim.token,
    isLastDestination(context.sync) ? null : offset,
    claim.rows,
    open.plan.guarantee,
    warnings,
  );
  return { claim, offset };
}

/**
 * The rows of an unfinished Replace pass stand in a shadow table of another plan: the pass begins again under the next number. That is
 * stored before the shadow is made again, so that nobody goes on in the middle of an empty one.
 */
async function restartPass(state: RunState, open: OpenSync, claim: CommitRow): Promise<CommitRow> {
  const stored = readStored(claim.offset);
  if (!state.mustRestartPass || stored?.mode !== 'Snapshot' || stored.isComplete) return claim;
  const offset = encodeOffset({ mode: 'Snapshot', pass: stored.pass + 1, key: null, isComplete: false });
  const { uid, token } = claim;
  const row = await open.destination.setOffset(
    { uid, token, expected: claim.offset, offset },
    state.context.lock.signal,
  );
  state.mustRestartPass = false;
  return row;
}

function restoredOffset(open: OpenSync, claim: CommitRow): Offset | null {
  const stored = readStored(claim.offset);
  return open.plan.read.mode === 'Snapshot' && stored !== null && !(stored.mode === 'Snapshot')
    ? snapshotStart(null)
    : stored;
}

async function storeClaim(state: RunState, open: OpenSync, meaning: string): Promise<CommitRow> {
  const { context, memory, reporter } = state;
  const { sync, lock } = context;
  const { signal } = lock;
  const requests = await lock.pendingRequests();
  const decision = decisionOf(requests);
  const rows = await open.destination.commitRows(sync.uid, signal);
  const table = joinName(splitName(sync.spec.destination.table, 'spec.destination.table'));
  const hasRows = open.plan.existing !== null && (await open.destination.hasRows(signal));
  const admission = admit({ sync, meaning, rows, table, hasRows, decision });
  await reach('claim:before');
  const claim = await open.destination.claim(
    {
      plan: open.plan.write,
      wire: open.plan.read.wire,
      name: qualifiedName(sync),
      meaning,
      token: lock.token,
      // Where there is no row yet, to keep is to start; a claim that arrives late must not take back what was done meanwhile.
      offset: decision === 'restart' ? 'restart' : 'keep',
      keepsOffset: !isLastDestination(sync),
      ...(admission.kind === 'adopt' ? { adoptFrom: admission.uid } : {}),
    },
    signal,
  );
  await reach('claim:after');
  if (decision) await finishDecision(state, { requests, decision, rows, claim });
  if (memory.meaning !== meaning || admission.kind === 'start') {
    await remember(state, { hasCaughtUp: false, isCompleted: false, meaning });
    reporter.hasCaughtUp = false;
  }
  return claim;
}

interface Decided {
  readonly requests: readonly Request[];
  readonly decision: 'restart' | 'keep-offset';
  /** Before the claim. */
  readonly rows: readonly CommitRow[];
  readonly claim: CommitRow;
}

async function finishDecision(state: RunState, { requests, decision, rows, claim }: Decided): Promise<void> {
  const { context } = state;
  const before = rows.find((row) => row.uid === claim.uid && row.table === claim.table);
  const message =
    decision === 'restart'
      ? 'started from nothing; no row was deleted'
      : `goes on from ${describeOffset(claim.offset)}`;
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
