import { systems } from '../../connectors/catalog.ts';
import type { Agent, Coordination, DataSourceReport, DesiredSync } from '../../coordination/contract.ts';
import { effectiveStatus, type UnassignedReason } from '../../core/effective-status.ts';
import { apiVersion, suspendAnnotation } from '../../core/manifest/names.ts';
import { systemOf } from '../../core/manifest/reader.ts';
import { dataSourceStatusShape, syncStatusShape } from '../../core/manifest/status-shape.ts';
import type { SyncRow, SyncStatus } from '../../core/status.ts';
import { conditionsOf } from '../../core/sync-conditions.ts';
import { syncRow } from '../../core/sync-row.ts';
import type { Mode } from '../../core/sync-spec.ts';
import { byName, toFleetSync } from './etcd-fleet.ts';

/** An object of a cluster without Kubernetes, as `get` and `describe` show it. */
export interface EtcdObject {
  readonly metadata: {
    readonly name: string;
    readonly namespace?: string;
    readonly creationTimestamp: string;
  };
  /** What -o json and yaml print. */
  readonly manifest: unknown;
  readonly spec?: ManifestSpec;
  readonly syncStatus?: SyncStatus;
  readonly report?: DataSourceReport;
  readonly agent?: Agent;
  readonly isLeader?: boolean;
  readonly type?: string;
  /** Syncs that use it, or that it runs. */
  readonly users?: number;
}

/** What lists need of a Sync's manifest. */
interface ManifestSpec {
  readonly mode: Mode;
  readonly source: { readonly dataSource: string };
  readonly destination: { readonly dataSource: string };
}

export async function readSyncs(etcd: Coordination): Promise<readonly EtcdObject[]> {
  const [{ syncs }, statuses, unassigned] = await Promise.all([
    etcd.desired.read(),
    etcd.reports.readStatuses(),
    etcd.reports.readUnassigned(),
  ]);
  return [...syncs]
    .sort(byName)
    .map((sync) => syncObject(sync, statuses.get(sync.uid), unassigned.get(sync.uid)));
}

function syncObject(
  desired: DesiredSync,
  said: SyncStatus | undefined,
  unassigned: UnassignedReason | undefined,
): EtcdObject {
  const { uid, name, namespace, generation, createdAt, deletedAt, isSuspendedByAnnotation, spec } = desired;
  const isDeleted = deletedAt !== undefined;
  const shown = effectiveStatus({ ...toFleetSync(desired, said), isDeleted }, said, Date.now(), unassigned);
  const status =
    isSuspendedByAnnotation && !isDeleted
      ? { ...shown, message: `suspended by the annotation ${suspendAnnotation}` }
      : shown;
  const metadata = {
    name,
    namespace,
    uid,
    generation,
    creationTimestamp: createdAt,
    ...(deletedAt === undefined ? {} : { deletionTimestamp: deletedAt }),
    ...(isSuspendedByAnnotation === undefined
      ? {}
      : { annotations: { [suspendAnnotation]: String(isSuspendedByAnnotation) } }),
  };
  const conditions = conditionsOf(status);
  return {
    metadata,
    manifest: {
      apiVersion,
      kind: 'Sync',
      metadata,
      spec,
      status: { ...syncStatusShape(status), conditions },
    },
    spec: spec as ManifestSpec,
    syncStatus: status,
  };
}

export async function readDataSources(etcd: Coordination): Promise<readonly EtcdObject[]> {
  const [{ syncs, dataSources }, reports] = await Promise.all([
    etcd.desired.read(),
    etcd.reports.readDataSources(),
  ]);
  return [...dataSources].sort(byName).map((dataSource) => {
    const { uid, name, namespace, generation, createdAt, spec } = dataSource;
    const report = reports.find((each) => each.namespace === namespace && each.name === name);
    const metadata = { name, namespace, uid, generation, creationTimestamp: createdAt };
    const users = syncs.filter((sync) => {
      const { source, destination } = sync.spec as ManifestSpec;
      return sync.namespace === namespace && (source.dataSource === name || destination.dataSource === name);
    }).length;
    const type = systemOf(spec, systems) ?? '';
    const status = {
      ...dataSourceStatusShape({ type, syncs: users, ...(report ? { report } : {}) }),
      conditions: [readyOf(report)],
    };
    return {
      metadata,
      manifest: { apiVersion, kind: 'DataSource', metadata, spec, status },
      type,
      users,
      ...(report ? { report } : {}),
    };
  });
}

function readyOf(report: DataSourceReport | undefined) {
  if (!report)
    return { type: 'Ready', status: 'Unknown', reason: 'NotChecked', message: 'no agent has looked yet' };
  const reason = report.isReachable ? 'Reached' : (report.code ?? 'NotReached');
  return { type: 'Ready', status: report.isReachable ? 'True' : 'False', reason, message: report.message };
}

export async function readAgents(etcd: Coordination): Promise<readonly EtcdObject[]> {
  const [agents, leader, assignments] = await Promise.all([
    etcd.cluster.agents(),
    etcd.cluster.leader(),
    etcd.cluster.assignments(),
  ]);
  return [...agents]
    .sort((one, other) => one.name.localeCompare(other.name, 'en', { numeric: true }))
    .map((agent) => {
      const syncs = assignments.filter((each) => each.agent === agent.name).map((each) => each.uid);
      const isLeader = leader?.agent === agent.name;
      const metadata = { name: agent.name, creationTimestamp: agent.joinedAt };
      return { metadata, manifest: { ...agent, isLeader, syncs }, agent, isLeader, users: syncs.length };
    });
}

export function syncRowOf({ metadata, spec, syncStatus }: EtcdObject, nowMs: number): SyncRow {
  if (!spec) throw new TypeError(`${metadata.name} is not a Sync`);
  const { name, namespace = '', creationTimestamp } = metadata;
  return syncRow({ name, namespace, spec, createdAt: creationTimestamp }, syncStatus, nowMs);
}
