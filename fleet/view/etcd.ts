import type {
  Coordination,
  DataSourceReport,
  DesiredDataSource,
  DesiredSync,
} from '../../coordination/contract.ts';
import type { UnassignedReason } from '../../core/effective-status.ts';
import type { SyncStatus } from '../../core/status.ts';
import type { FleetDataSource } from '../contract.ts';
import { toFleetDataSource, toFleetSync } from '../etcd-objects.ts';
import { ClusterPart, viewOf } from './cluster.ts';
import type { FleetView } from './contract.ts';
import { ViewObjects } from './objects.ts';

/** A cluster without Kubernetes. Does not close the connection. */
export function etcdView(etcd: Coordination): FleetView {
  const feed = new EtcdFeed();
  const { objects } = feed;
  const cluster = new ClusterPart(etcd, objects, feed, (outdated) => feed.setOutdated(outdated));
  return viewOf(objects, cluster, { isSynced: cluster.observation.isSynced });
}

/** Joins desired state and reports, which arrive in any order. */
class EtcdFeed {
  readonly objects = new ViewObjects();
  readonly #desired = new Map<string, DesiredSync>();
  readonly #statuses = new Map<string, SyncStatus>();
  readonly #unassigned = new Map<string, UnassignedReason>();
  readonly #dataSources = new Map<string, DesiredDataSource>();
  readonly #reports = new Map<string, DataSourceReport>();
  #outdated: FleetDataSource['outdated'];

  readonly onSync = (uid: string, sync: DesiredSync | undefined): void => {
    set(this.#desired, uid, sync);
    this.#showSync(uid);
  };
  readonly onStatus = (uid: string, status: SyncStatus | undefined): void => {
    set(this.#statuses, uid, status);
    this.#showSync(uid);
  };
  readonly onUnassigned = (uid: string, reason: UnassignedReason | undefined): void => {
    set(this.#unassigned, uid, reason);
    this.#showSync(uid);
  };
  readonly onDataSource = (name: string, dataSource: DesiredDataSource | undefined): void => {
    set(this.#dataSources, name, dataSource);
    this.#showDataSource(name);
  };
  readonly onReport = (name: string, report: DataSourceReport | undefined): void => {
    set(this.#reports, name, report);
    this.#showDataSource(name);
  };

  setOutdated(outdated: FleetDataSource['outdated']): void {
    if (outdated?.reason === this.#outdated?.reason) return;
    this.#outdated = outdated;
    for (const uid of this.#desired.keys()) this.#showSync(uid);
    for (const name of this.#dataSources.keys()) this.#showDataSource(name);
  }

  #showSync(uid: string): void {
    const desired = this.#desired.get(uid);
    const known = {
      status: this.#statuses.get(uid),
      unassigned: this.#unassigned.get(uid),
      outdated: this.#outdated,
    };
    this.objects.setSync(uid, desired && toFleetSync(desired, known));
  }

  #showDataSource(name: string): void {
    const desired = this.#dataSources.get(name);
    const known = { syncs: 0, report: this.#reports.get(name), outdated: this.#outdated };
    this.objects.setDataSource(name, desired && toFleetDataSource(desired, known));
  }
}

function set<T>(map: Map<string, T>, key: string, value: T | undefined): void {
  if (value === undefined) map.delete(key);
  else map.set(key, value);
}
