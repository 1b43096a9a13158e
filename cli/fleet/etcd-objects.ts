import type { Agent, Coordination, DataSourceReport } from '../../coordination/contract.ts';
import { shownStatus } from '../../core/shown-status.ts';
import type { SyncRow, SyncStatus } from '../../core/status.ts';
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

const apiVersion = 'idra.dev/v1alpha1';

export async function readSyncs(etcd: Coordination): Promise<readonly EtcdObject[]> {
  const [{ syncs }, statuses] = await Promise.all([etcd.desired.read(), etcd.reports.readStatuses()]);
  return [...syncs].sort(byName).map((desired) => {
    const sync = toFleetSync(desired, statuses.get(desired.uid));
    const status = shownStatus(sync, sync.status, Date.now());
    const { uid, name, namespace, generation, createdAt } = desired;
    const metadata = { name, namespace, uid, generation, creationTimestamp: createdAt };
    return {
      metadata,
      manifest: { apiVersion, kind: 'Sync', metadata, spec: desired.spec, status },
      spec: desired.spec as ManifestSpec,
      syncStatus: status,
    };
  });
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
    return {
      metadata,
      manifest: { apiVersion, kind: 'DataSource', metadata, spec, status: { ...report, syncs: users } },
      type: systemOf(spec),
      users,
      ...(report ? { report } : {}),
    };
  });
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

/** The one key of a DataSource's spec that names its system. */
function systemOf(spec: unknown): string {
  const known = ['postgres', 'mysql', 'sqlite', 'sqlserver', 'mongodb', 'kafka', 's3', 'http'];
  return Object.keys(spec as object).find((key) => known.includes(key)) ?? '';
}
