import type { OffsetEffect } from '../../agent/engine/offset-effect.ts';
import type { Preview } from '../../agent/engine/preview.ts';
import type { SystemReport } from '../../core/connector.ts';
import type { DataSource, Sync } from '../../core/sync-spec.ts';
import type { Relation } from '../../core/values.ts';

/** Inspects systems and syncs without changing anything: from this process, or by the agents of a cluster. */
export interface Examination {
  readonly syncs: readonly Sync[];
  readonly dataSources: readonly DataSource[];
  /** Throws what connecting throws. */
  check(dataSource: DataSource): Promise<SystemReport>;
  discover(dataSource: DataSource): Promise<readonly Relation[]>;
  /** Failures become findings. */
  plan(sync: Sync): Promise<Preview>;
  /** What another offset would do; changes nothing. */
  offsetEffect(sync: Sync, value: string): Promise<OffsetEffect>;
}

export interface ExamineOptions {
  readonly filename?: string;
  readonly only?: string;
  /** State file of single mode, for the identity of the syncs. */
  readonly state?: string;
  readonly agents?: boolean;
  readonly namespace?: string;
}
