import type { ApiOptions } from '../../api/config.ts';
import type { Installation } from '../../api/services.ts';

/** Options of `idra api`. */
export interface ApiCommandOptions extends ApiOptions {
  readonly filename?: string;
  readonly state?: string;
  readonly kubernetes?: boolean;
  readonly context?: string;
  readonly kubeconfig?: string;
}

/** An installation that is open, until it is closed. */
export interface OpenInstallation extends Installation {
  /** Rejects when the Syncs of single mode cannot run; never settles otherwise. */
  readonly running?: Promise<void>;
  close(): Promise<void>;
}
