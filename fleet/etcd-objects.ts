import { definitions } from '../connectors/catalog.ts';
import type { DataSourceReport, DesiredDataSource, DesiredSync } from '../coordination/contract.ts';
import { effectiveStatus, type UnassignedReason, unreported } from '../core/effective-status.ts';
import { suspendAnnotation } from '../core/manifest/names.ts';
import { systemOf } from '../core/manifest/reader.ts';
import type { SyncStatus } from '../core/status.ts';
import type { FleetDataSource, FleetSync } from './contract.ts';

/** What is known of a Sync besides its desired state. */
interface KnownOfSync {
  readonly status: SyncStatus | undefined;
  readonly unassigned: UnassignedReason | undefined;
  readonly outdated: FleetDataSource['outdated'];
}

export function toFleetSync(
  sync: DesiredSync,
  { status: reported, unassigned, outdated }: KnownOfSync,
): FleetSync {
  const { uid, namespace, name, generation, createdAt, deletedAt, spec, version } = sync;
  const { isSuspendedByAnnotation, labels } = sync;
  const isDeleted = deletedAt !== undefined;
  const isSuspended = isSuspendedByAnnotation ?? (spec as { suspend?: boolean }).suspend === true;
  const effective = effectiveStatus(
    { uid, generation, isSuspended, isDeleted },
    reported,
    Date.now(),
    unassigned,
  );
  const status = outdated ? unreported(effective, outdated) : effective;
  return {
    uid,
    namespace,
    name,
    generation,
    createdAt,
    spec,
    isSuspended,
    version,
    ...(labels && { labels }),
    ...(deletedAt !== undefined && { deletedAt }),
    ...(isSuspendedByAnnotation !== undefined && { isSuspendedByAnnotation }),
    status:
      isSuspendedByAnnotation && !isDeleted
        ? { ...status, message: `suspended by the annotation ${suspendAnnotation}` }
        : status,
  };
}

/** What is known of a DataSource besides its desired state. */
interface KnownOfDataSource {
  /** Number of Syncs that use it. */
  readonly syncs: number;
  readonly report: DataSourceReport | undefined;
  readonly outdated: FleetDataSource['outdated'];
}

export function toFleetDataSource(
  dataSource: DesiredDataSource,
  { syncs, report, outdated }: KnownOfDataSource,
): FleetDataSource {
  return {
    ...dataSource,
    type: systemOf(dataSource.spec, definitions) ?? '',
    syncs,
    ...(report && { report }),
    ...(outdated && { outdated }),
  };
}
