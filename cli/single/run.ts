import type { EngineObserver, RunEnd } from '../../agent/engine/context.ts';
import { endsOf } from '../../agent/engine/preview.ts';
import { runSync } from '../../agent/engine/run-sync.ts';
import { EngineShared } from '../../agent/engine/shared.ts';
import { definitionOf } from '../../connectors/catalog.ts';
import type { KnownSync, StateFile } from '../../coordination/single/state-file.ts';
import type { SecretReader } from '../../core/access.ts';
import { systemClock } from '../../core/clock.ts';
import { bug } from '../../core/errors.ts';
import { heldBackText } from '../../core/held-back-text.ts';
import { silentLog } from '../../core/log.ts';
import type { SyncStatus } from '../../core/status.ts';
import { rowCells, syncHeads, syncRow } from '../../core/sync-row.ts';
import type { DataSource, Sync } from '../../core/sync-spec.ts';
import { formatTable } from '../table.ts';
import type { Progress } from './progress.ts';

export interface SingleRun {
  readonly syncs: readonly Sync[];
  readonly dataSources: readonly DataSource[];
  readonly secrets: SecretReader;
  readonly state: StateFile;
  readonly progress: Progress;
  /** Run one pass of every sync that is not suspended. */
  readonly isOnce: boolean;
  readonly bytesInFlight: number;
  /** Stops at the next batch boundary. */
  readonly stop: AbortSignal;
}

/** Transient errors are retried for this time under --once (contract, section 3). */
const onceRetryMs = 60_000;

/** Runs all syncs in this process independently: a failed sync does not delay others. */
export async function runAll(run: SingleRun): Promise<readonly RunEnd[]> {
  const byUid = new Map(run.syncs.map((sync) => [sync.uid, sync]));
  const unlisten = run.state.onReport((status) => {
    const sync = byUid.get(status.uid);
    if (sync) run.progress.update(sync, status);
  });
  const shared = new EngineShared(systemClock, run.bytesInFlight);
  try {
    const ends = await Promise.allSettled(run.syncs.map((sync) => runOne(run, sync, shared)));
    return ends.map((end) => {
      if (end.status === 'rejected') throw end.reason;
      return end.value;
    });
  } finally {
    await shared.close();
    unlisten();
    run.progress.end();
  }
}

async function runOne(run: SingleRun, sync: Sync, shared: EngineShared): Promise<RunEnd> {
  const ends = endsOf(sync, (namespace, name) =>
    run.dataSources.find((each) => each.namespace === namespace && each.name === name),
  );
  if (!ends) throw bug(`the data sources of ${sync.name} were validated, but one is missing`);
  const lock = await run.state.store.acquire(sync);
  if (!lock) throw bug(`two syncs with the uid ${sync.uid}`);
  try {
    return await runSync({
      sync,
      ...ends,
      lock,
      stop: run.stop,
      store: run.state.store,
      shared,
      secrets: run.secrets,
      definitionOf,
      agentName: agentName,
      clock: systemClock,
      log: silentLog, // progress output and the final table contain the same information
      observer: silentObserver,
      ...(run.isOnce ? { once: { retryForMs: onceRetryMs } } : {}),
    });
  } finally {
    await lock.release();
  }
}

const agentName = 'local';

const silentObserver: EngineObserver = { batchWritten() {}, passEnded() {}, attemptFailed() {} };

/** The table of `kubectl get syncs`, from the state file. */
export function singleTable(syncs: readonly Sync[], state: StateFile, nowMs: number): string {
  const rows = syncs.map((sync) => {
    const known: KnownSync | undefined = state.find(sync.namespace, sync.name);
    const status = state.readStatus(sync.uid);
    return rowCells(syncRow({ ...sync, ...(known ? { createdAt: known.createdAt } : {}) }, status, nowMs));
  });
  return formatTable(syncHeads, rows);
}

/** Details that the table lacks: the messages of syncs that failed or did not finish, and requests that were refused since. */
export function failureLines(syncs: readonly Sync[], state: StateFile, sinceMs: number): readonly string[] {
  return syncs.flatMap((sync) => [
    ...state
      .answers(sync.uid)
      .filter(({ state: answer, time }) => answer === 'Refused' && Date.parse(time) >= sinceMs)
      .map(({ type, message }) => `${sync.name}: ${type} was refused: ${message}`),
    ...failureOf(sync, state.readStatus(sync.uid)),
  ]);
}

function failureOf(sync: Sync, status: SyncStatus | undefined): string[] {
  if (!status) return [];
  const lines = [...(status.warnings ?? []).map((warning) => `${sync.name}: warning: ${warning}`)];
  if (status.lastError) lines.push(`${sync.name}: ${status.lastError.code}: ${status.lastError.message}`);
  else if (status.reason === 'HeldBack') lines.push(`${sync.name}: ${heldBackText(status.bound)}`);
  return lines;
}
