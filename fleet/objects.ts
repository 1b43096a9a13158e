import { apiVersion, suspendAnnotation } from '../core/manifest/names.ts';
import { dataSourceStatusShape, syncStatusShape } from '../core/manifest/status-shape.ts';
import type { SyncRow } from '../core/status.ts';
import { conditionsOf } from '../core/sync-conditions.ts';
import { syncRow } from '../core/sync-row.ts';
import type { Mode } from '../core/sync-spec.ts';
import type { FleetDataSource, FleetSync } from './contract.ts';

/** An object of a fleet in the form of the Kubernetes API, as printed by -o json and yaml. */
export interface FleetObject {
  readonly apiVersion: string;
  readonly kind: string;
  readonly metadata: Readonly<Record<string, unknown>>;
  readonly spec: unknown;
  readonly status?: Readonly<Record<string, unknown>>;
}

export function syncObject(sync: FleetSync): FleetObject {
  const { uid, name, namespace, generation, createdAt, deletedAt, isSuspendedByAnnotation, spec, status } =
    sync;
  const { labels } = sync;
  const metadata = {
    name,
    namespace,
    uid,
    generation,
    creationTimestamp: createdAt,
    ...(labels && { labels }),
    ...(deletedAt === undefined ? {} : { deletionTimestamp: deletedAt }),
    ...(isSuspendedByAnnotation === undefined
      ? {}
      : { annotations: { [suspendAnnotation]: String(isSuspendedByAnnotation) } }),
  };
  return {
    apiVersion,
    kind: 'Sync',
    metadata,
    spec,
    ...(status && { status: { ...syncStatusShape(status), conditions: conditionsOf(status) } }),
  };
}

export function dataSourceObject(dataSource: FleetDataSource): FleetObject {
  const { uid, name, namespace, generation, createdAt, spec, type, syncs, report, labels } = dataSource;
  return {
    apiVersion,
    kind: 'DataSource',
    metadata: {
      name,
      namespace,
      uid,
      generation,
      creationTimestamp: createdAt,
      ...(labels && { labels }),
    },
    spec,
    status: {
      ...dataSourceStatusShape({ type, syncs, ...(report ? { report } : {}) }),
      conditions: [readyOf(dataSource)],
    },
  };
}

/** The condition Ready of a DataSource. */
export function readyOf({ report, outdated }: FleetDataSource) {
  if (outdated) return { type: 'Ready', status: 'Unknown', ...outdated };
  if (!report) return { type: 'Ready', status: 'Unknown', reason: 'NotChecked', message: 'not checked yet' };
  const reason = report.isReachable ? 'Reached' : (report.code ?? 'NotReached');
  return { type: 'Ready', status: report.isReachable ? 'True' : 'False', reason, message: report.message };
}

/** The fields of a Sync's manifest that lists need. */
interface ListedSpec {
  readonly mode: Mode;
  readonly source: { readonly dataSource: string };
  readonly destination: { readonly dataSource: string };
}

/** The table row of a Sync; ages are computed relative to `nowMs`. */
export function syncRowOf({ name, namespace, createdAt, spec, status }: FleetSync, nowMs: number): SyncRow {
  return syncRow({ name, namespace, createdAt, spec: spec as ListedSpec }, status, nowMs);
}
