import type { AnyDestination, Source } from '../../core/connector.ts';
import type { SyncPlan } from './plan.ts';

/** Both ends, open and planned. Must always be closed. */
export interface OpenEnds {
  readonly source: Source;
  readonly destination: AnyDestination;
  readonly plan: SyncPlan;
  /** Whether the secrets are still those that were used to open it. */
  hasCurrentSecrets(): Promise<boolean>;
  /** The error, with the statement that grants a missing right. */
  namingGrant(thrown: unknown, signal: AbortSignal): Promise<unknown>;
  /** Releases both connections and the claim; the plan is kept. */
  rest(): Promise<void>;
  close(): Promise<void>;
}
