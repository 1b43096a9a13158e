import type { RequestType, SyncStatus } from '../../../core/status.ts';

/** A Sync with both of its systems, as specs of manifests. */
export interface EngineSync {
  readonly name: string;
  readonly spec: Readonly<Record<string, unknown>>;
  readonly source: Readonly<Record<string, unknown>>;
  readonly destination: Readonly<Record<string, unknown>>;
  /** By the name of the Secret. */
  readonly passwords: Readonly<Record<string, string>>;
}

export type ToEngine =
  | { readonly do: 'add'; readonly sync: EngineSync }
  | { readonly do: 'remove'; readonly name: string }
  | { readonly do: 'request'; readonly name: string; readonly type: RequestType; readonly id: string };

export type SyncEvent =
  | { readonly event: 'status'; readonly name: string; readonly status: SyncStatus }
  /** `startMs`: when the pass began, since 1970. */
  | { readonly event: 'pass'; readonly name: string; readonly startMs: number }
  | {
      readonly event: 'failure';
      readonly name: string;
      readonly code: string;
      readonly isTransient: boolean;
      readonly atMs: number;
    }
  /** The run of a Sync has ended, because of `remove` or a bug. */
  | { readonly event: 'end'; readonly name: string; readonly error?: string };

export type FromEngine = SyncEvent | { readonly event: 'ready' };
