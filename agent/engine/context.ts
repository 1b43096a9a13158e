import type { SecretReader } from '../../core/access.ts';
import type { Clock } from '../../core/clock.ts';
import type { Definition } from '../../core/definition.ts';
import type { Log } from '../../core/log.ts';
import type { SyncStatus } from '../../core/status.ts';
import type { DataSource, Sync, SystemType } from '../../core/sync-spec.ts';
import type { SyncLock, SyncStore } from '../../core/sync-store.ts';
import type { OpenEnds } from './open-ends.ts';
import type { EngineShared } from './shared.ts';

/** Callbacks for events of a running sync; the agent derives its metrics from them. */
export interface EngineObserver {
  batchWritten(
    sync: Sync,
    batch: { readonly rows: number; readonly bytes: number; readonly writeMs: number },
  ): void;
  passEnded(sync: Sync, pass: { readonly rows: number; readonly durationMs: number }): void;
  attemptFailed(sync: Sync, error: { readonly code: string; readonly isTransient: boolean }): void;
  /** Called with each status that is reported to the lock. */
  reported?(sync: Sync, status: SyncStatus): void;
}

/** Everything that the run of one Sync needs. */
export interface RunContext {
  readonly sync: Sync;
  readonly source: DataSource;
  readonly destination: DataSource;
  /** Its signal ends everything at once; `stop` ends at the next batch boundary. Both abort with a Stopped. */
  readonly lock: SyncLock;
  readonly stop: AbortSignal;
  readonly store: SyncStore;
  readonly shared: EngineShared;
  readonly secrets: SecretReader;
  readonly definitionOf: (type: SystemType) => Definition;
  readonly agentName: string;
  readonly clock: Clock;
  readonly log: Log;
  readonly observer: EngineObserver;
  /** Both ends, opened before the lock was held; called at each opening, returns them at most once. */
  readonly takePrepared?: () => Promise<OpenEnds | undefined>;
  /** Whether the Sync has changed since this run started, before the run is notified: a request may arrive before the notification. */
  readonly isOutdated?: () => Promise<boolean>;
  /** Run one pass and end; transient errors are retried for this time. */
  readonly once?: { readonly retryForMs: number };
}

export type RunEnd =
  /** `stop` or the lock's signal fired. */
  | { readonly outcome: 'stopped' }
  /** `once`: the pass is complete. */
  | { readonly outcome: 'complete' }
  /** `once`: a permanent error, or transient ones for too long. Otherwise a failed sync keeps retrying and never ends by itself. */
  | { readonly outcome: 'failed'; readonly error: Error };
