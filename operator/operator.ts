import type { Coordination } from '../coordination/contract.ts';
import { orAborted } from '../core/aborted.ts';
import { type Clock, systemClock } from '../core/clock.ts';
import { DeletionAges } from '../core/deletion-ages.ts';
import { asIdraError } from '../core/errors.ts';
import type { Log } from '../core/log.ts';
import type { ManifestReader } from '../core/manifest/reader.ts';
import { hasLostStatus, isSpecChange, unlessReleased } from './controllers/changes.ts';
import { reconcileDataSource } from './controllers/data-source.ts';
import { dataSourceOf, rateKeyOf, reconcileDataSourceStatus } from './controllers/data-source-status.ts';
import { EtcdView } from './controllers/etcd-view.ts';
import { ForeignObjects } from './controllers/foreign-objects.ts';
import { Inventory } from './controllers/inventory.ts';
import { Namespaces } from './controllers/namespaces.ts';
import {
  type DataSourceObject,
  type DataSourceObjectStatus,
  dataSourceKeysOf,
  dataSources,
  type SyncObject,
  type SyncObjectStatus,
  syncs,
} from './controllers/objects.ts';
import type { OperatorClient } from './controllers/operator-client.ts';
import { Ownership, ownerOf } from './controllers/ownership.ts';
import { SpecCache } from './controllers/spec-cache.ts';
import { StatusRateLimiter, type StatusRateLimits } from './controllers/status-rate-limiter.ts';
import { StatusWriter } from './controllers/status-writer.ts';
import { reconcileSync } from './controllers/sync.ts';
import { reconcileSyncStatus, type StatusDeps } from './controllers/sync-status.ts';
import { Unwatched } from './controllers/unwatched.ts';
import { Users } from './controllers/users.ts';
import type { OperatorMetrics } from './metrics.ts';
import { Controller } from './runtime/controller.ts';
import { EventRecorder } from './runtime/events.ts';
import { Informer } from './runtime/informer.ts';
import { type Leadership, runAsLeader } from './runtime/leader-election.ts';
import { isBeingDeleted, type KubernetesObject, type ObjectRef, refOf } from './runtime/objects.ts';
import type { Change } from './runtime/reflector.ts';

export interface OperatorDeps {
  readonly client: OperatorClient;
  readonly coordination: Coordination;
  readonly manifests: ManifestReader;
  /** Empty: all. */
  readonly namespaces: readonly string[];
  /** `namespace/name` of the installation whose objects this operator manages. */
  readonly installation: string;
  /** Name of this process, in events and in the Lease. */
  readonly name: string;
  readonly lease: ObjectRef;
  readonly log: Log;
  readonly metrics?: OperatorMetrics;
  readonly clock?: Clock;
  readonly statusRateLimits?: StatusRateLimits;
  /** After this time a blank status that belongs to another installation gets conditions that say so. */
  readonly blankStatusMs?: number;
  readonly etcdView?: { readonly checkIntervalMs?: number; readonly graceMs?: number };
  readonly election?: {
    readonly leaseDurationMs?: number;
    readonly renewDeadlineMs?: number;
    readonly retryMs?: number;
  };
}

/** Interval of the search for records in etcd without a custom resource. */
const inventoryMs = 600_000;
const inventoryAgainMs = 15_000;

/**
 * Copies Sync and DataSource of Kubernetes to etcd, and the state in etcd back to their status. Any number may run: all keep the same
 * view, one of them acts.
 */
export class Operator {
  readonly etcdView: EtcdView;
  readonly syncs: Informer<SyncObject>;
  readonly dataSources: Informer<DataSourceObject>;
  readonly #deps: OperatorDeps;
  readonly #status: StatusDeps;
  readonly #controllers: Record<'sync' | 'syncStatus' | 'dataSource' | 'dataSourceStatus', Controller>;
  readonly #keys = new Map<string, string>();
  #leadership: Leadership | undefined;

  constructor(deps: OperatorDeps) {
    const { client, coordination, namespaces, log, metrics, clock = systemClock } = deps;
    this.#deps = deps;
    this.etcdView = new EtcdView({ coordination, clock, log, ...deps.etcdView });
    const watched = { client, namespaces, log, clock, onRestored: () => this.#restored() };
    this.syncs = new Informer<SyncObject>({ ...watched, resource: syncs });
    this.dataSources = new Informer<DataSourceObject>({ ...watched, resource: dataSources });
    const rateLimiter = new StatusRateLimiter(clock, deps.statusRateLimits);
    const onWrite = (kind: string, rateKey: (key: string) => string) => (key: string) => {
      metrics?.statusWrites.inc({ kind });
      rateLimiter.written(rateKey(key));
    };
    this.#status = {
      client,
      coordination,
      specCache: new SpecCache(deps.manifests),
      syncs: this.syncs,
      dataSources: this.dataSources,
      syncStatuses: new StatusWriter<SyncObjectStatus>({
        client,
        resource: syncs,
        onWrite: onWrite('Sync', (key) => key),
      }),
      dataSourceStatuses: new StatusWriter<DataSourceObjectStatus>({
        client,
        resource: dataSources,
        onWrite: onWrite('DataSource', rateKeyOf),
      }),
      users: new Users(),
      etcdView: this.etcdView,
      deletions: new DeletionAges(clock),
      inventory: new Inventory(coordination.desired, namespaces),
      namespaces: new Namespaces(client, clock),
      ownership: new Ownership(client, deps.installation),
      foreignObjects: new ForeignObjects(deps.blankStatusMs),
      events: new EventRecorder({
        client,
        controller: 'idra.dev/operator',
        instance: deps.name,
        ...(metrics && { onDropped: metrics.onDropped }),
      }),
      rateLimiter,
      clock,
      log,
    };
    this.#controllers = this.#makeControllers();
    this.#connect();
  }

  get isLeader(): boolean {
    return this.#leadership?.isHeld() ?? false;
  }

  /** Runs until the signal fires; then the lease is released, after pending status writes and events. */
  async run(signal: AbortSignal): Promise<void> {
    const { client, lease, name, log, election } = this.#deps;
    const background = [this.syncs.run(signal), this.dataSources.run(signal), this.etcdView.run(signal)];
    const options = { client, lease, name, log, ...election };
    await runAsLeader(options, (leadership) => this.#lead(leadership), signal);
    await Promise.all(background);
    await this.#status.events.close();
  }

  async #lead(leadership: Leadership): Promise<void> {
    this.#leadership = leadership;
    const { signal } = leadership;
    const controllers = Object.values(this.#controllers).map((each) => each.run(signal));
    await Promise.all([...controllers, this.#takeInventory(signal)]);
  }

  #makeControllers() {
    const { log, metrics } = this.#deps;
    const sources = [this.syncs, this.dataSources];
    const make = (
      name: string,
      reconcile: typeof reconcileSyncStatus,
      keys: () => Iterable<string>,
      concurrency: number,
    ) =>
      new Controller({
        name,
        reconcile: (key, signal) => this.#reconcile(() => reconcile(this.#status, key, signal)),
        keys,
        sources,
        log,
        metrics,
        concurrency,
      });
    const { inventory } = this.#status;
    const keysOfSyncs = () => new Set([...this.syncs.keys(), ...inventory.syncs.keys()]);
    const keysOfDataSources = () => new Set([...this.dataSources.keys(), ...inventory.dataSources.keys()]);
    return {
      sync: make('sync', reconcileSync, keysOfSyncs, 8),
      syncStatus: make('sync-status', reconcileSyncStatus, () => this.syncs.keys(), 4),
      dataSource: make('data-source', reconcileDataSource, keysOfDataSources, 2),
      dataSourceStatus: make(
        'data-source-status',
        reconcileDataSourceStatus,
        () => this.dataSources.keys(),
        2,
      ),
    };
  }

  /** Timers can be late: an operator that no longer leads writes nothing; its signal stops it. */
  async #reconcile<T>(reconcile: () => Promise<T>): Promise<T | undefined> {
    return this.isLeader ? await reconcile() : undefined;
  }

  /** Which keys to enqueue on each kind of change. */
  #connect(): void {
    const { sync, syncStatus, dataSource, dataSourceStatus } = this.#controllers;
    const { users, specCache, rateLimiter } = this.#status;
    rateLimiter.onTurn = (rateKey) => {
      const dataSourceKey = dataSourceOf(rateKey);
      if (dataSourceKey === undefined) syncStatus.enqueue(rateKey);
      else dataSourceStatus.enqueue(dataSourceKey);
    };
    this.syncs.onChange((change) => {
      const { key, before, after } = change;
      this.#index(change);
      if (isSpecChange(change) || hasLostStatus(change)) sync.enqueue(key);
      syncStatus.enqueue(key);
      for (const each of users.change(key, unlessReleased(before), unlessReleased(after))) {
        if (this.#waitsForUsers(each)) dataSource.enqueue(each);
        dataSourceStatus.enqueue(each);
      }
      if (after && before && ownerOf(before) !== ownerOf(after)) {
        for (const each of dataSourceKeysOf(after)) if (this.#waitsForUsers(each)) dataSource.enqueue(each);
      }
    });
    this.dataSources.onChange((change) => {
      const { key, before, after } = change;
      this.#indexObject(change);
      if (!after && before) specCache.forget(before.metadata.uid);
      if (isSpecChange(change)) {
        dataSource.enqueue(key);
        for (const each of users.of(key)) syncStatus.enqueue(each);
      }
      dataSourceStatus.enqueue(key);
    });
    this.etcdView.listen({
      onSync: (uid) => {
        const key = this.#keys.get(uid);
        if (key === undefined) return;
        syncStatus.enqueue(key);
        // Its keys are gone: a deletion that waits for that may continue.
        if (isBeingDeleted(this.syncs.get(key))) sync.enqueue(key);
      },
      onDataSource: (key) => dataSourceStatus.enqueue(key),
      onSurroundings: () => this.#recheckAll(),
    });
  }

  /** It is being deleted, or belongs to another installation: what happens to it depends on its users. */
  #waitsForUsers(dataSource: string): boolean {
    const object = this.dataSources.get(dataSource);
    if (!object) return false;
    return isBeingDeleted(object) || this.#status.ownership.foreignOwner(object) !== undefined;
  }

  #index(change: Change<SyncObject>): void {
    const { key, before, after } = change;
    this.#indexObject(change);
    if (before && before.metadata.uid !== after?.metadata.uid) {
      this.#keys.delete(before.metadata.uid);
      this.#status.specCache.forget(before.metadata.uid);
    }
    if (after) this.#keys.set(after.metadata.uid, key);
  }

  #indexObject(change: Change<KubernetesObject>): void {
    const { before, after } = change;
    const { deletions, foreignObjects, ownership } = this.#status;
    if (before && !after) for (const each of [deletions, foreignObjects]) each.forget(before.metadata.uid);
    const wasLive = before !== undefined && !isBeingDeleted(before);
    const deletedAt = after?.metadata.deletionTimestamp;
    if (after && deletedAt !== undefined) deletions.see(after.metadata.uid, deletedAt, wasLive);
    const isFree = ownership.change(change);
    const namespace = before?.metadata.namespace;
    if (!isFree || namespace === undefined) return;
    const { sync, dataSource } = this.#controllers;
    for (const key of this.syncs.keys()) if (refOf(key).namespace === namespace) sync.enqueue(key);
    for (const key of this.dataSources.keys())
      if (refOf(key).namespace === namespace) dataSource.enqueue(key);
  }

  /** etcd may be a different one when it comes back: everything is written there again. */
  #recheckAll(): void {
    const { sync, syncStatus, dataSource, dataSourceStatus } = this.#controllers;
    for (const key of this.syncs.keys()) {
      syncStatus.enqueue(key);
      if (!this.etcdView.outage) sync.enqueue(key);
    }
    for (const key of this.dataSources.keys()) {
      dataSourceStatus.enqueue(key);
      if (!this.etcdView.outage) dataSource.enqueue(key);
    }
    if (!this.etcdView.outage) this.#wakeInventory?.();
  }

  /** Statuses that this process has written may be lost, and Idra's etcd may have newer specs. */
  #restored(): void {
    this.#status.syncStatuses.forgetAll();
    this.#status.dataSourceStatuses.forgetAll();
    this.#recheckAll();
  }

  #wakeInventory: (() => void) | undefined;

  async #takeInventory(signal: AbortSignal): Promise<void> {
    const { inventory } = this.#status;
    const unwatched = new Unwatched(this.#status, this.#deps.namespaces);
    // The rejection at the signal is ignored, because it would end the wait for controllers that are still working.
    const whenSynced = Promise.all([this.syncs.whenSynced(signal), this.dataSources.whenSynced(signal)]);
    await whenSynced.catch(() => {});
    while (!signal.aborted) {
      const wake = new AbortController();
      this.#wakeInventory = () => wake.abort();
      let waitMs = inventoryMs;
      try {
        const outside = await orAborted(inventory.read(), signal);
        this.#enqueueStrays();
        await unwatched.release(outside, signal);
      } catch (thrown) {
        // Failures of etcd and Kubernetes are reported elsewhere; this is retried.
        this.#deps.log.debug('the inventory is not complete', { error: asIdraError(thrown) });
        if (!this.etcdView.outage) waitMs = inventoryAgainMs;
      }
      await (this.#deps.clock ?? systemClock)
        .sleep(waitMs, AbortSignal.any([signal, wake.signal]))
        .catch(() => {});
    }
  }

  #enqueueStrays(): void {
    const { inventory } = this.#status;
    for (const key of inventory.syncs.keys()) {
      if (inventory.syncs.orphans(key, this.syncs.get(key)?.metadata.uid).length > 0)
        this.#controllers.sync.enqueue(key);
    }
    for (const key of inventory.dataSources.keys()) {
      if (!this.dataSources.get(key)) this.#controllers.dataSource.enqueue(key);
    }
  }
}
