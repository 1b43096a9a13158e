import type { DesiredSync } from '../../coordination/contract.ts';
import { hasCode } from '../runtime/api-errors.ts';
import { kstatusConditions, setConditions, unsettled } from '../runtime/conditions.ts';
import { isBeingDeleted, type KubernetesObject, type Resource } from '../runtime/objects.ts';
import type { ReconcilerDeps } from './deps.ts';
import { writeEtcd } from './etcd-write.ts';
import type { Outside } from './inventory.ts';
import {
  type DataSourceObject,
  type DataSourceObjectStatus,
  dataSources,
  finalizer,
  type SyncObject,
  type SyncObjectStatus,
  syncs,
} from './objects.ts';
import { ownerOf } from './ownership.ts';
import { pendingShape } from './pending-shape.ts';
import type { StatusWriter } from './status-writer.ts';
import { leftAt } from './sync-deletion.ts';

const reason = 'NotWatched';

/**
 * Releases namespaces that are no longer watched. In etcd, which needs no Kubernetes rights: Syncs are stopped, DataSources deleted. In
 * Kubernetes, as far as the remaining rights permit: statuses report that nothing runs, and finalizers are removed, so that objects can
 * be claimed by another installation or deleted. The state of a Sync in etcd is kept until the Sync is deleted, because its namespace may
 * be watched again.
 */
export class Unwatched {
  readonly #deps: ReconcilerDeps;
  readonly #watched: readonly string[];
  readonly #forbidden = new Set<string>();
  /** Namespaces with objects that still belong to this installation, possibly without a record in etcd; undefined: not searched yet. */
  #found: ReadonlySet<string> | undefined;

  /** `watched`: empty for all. */
  constructor(deps: ReconcilerDeps, watched: readonly string[]) {
    this.#deps = deps;
    this.#watched = watched;
  }

  async release(outside: Outside, signal: AbortSignal): Promise<void> {
    const { desired } = this.#deps.coordination;
    for (const { version, ...record } of outside.syncs) {
      const stopped = { ...record, isSuspendedByAnnotation: true };
      if (record.isSuspendedByAnnotation !== true) await writeEtcd(() => desired.putSync(stopped, version));
    }
    for (const { namespace, name, version } of outside.dataSources)
      await writeEtcd(() => desired.deleteDataSource(namespace, name, version));
    this.#found ??= await this.#find(signal);
    const used = [...outside.syncs, ...outside.dataSources].map(({ namespace }) => namespace);
    for (const namespace of new Set([...this.#found, ...used])) {
      const records = outside.syncs.filter((each) => each.namespace === namespace);
      await this.#releaseNamespace(namespace, records, signal);
    }
  }

  /** Once per term of a leader: etcd may have been replaced since the objects were claimed. */
  async #find(signal: AbortSignal): Promise<ReadonlySet<string>> {
    if (this.#watched.length === 0) return new Set();
    try {
      const all = [
        ...(await this.#list<SyncObject>(syncs, undefined, signal)),
        ...(await this.#list<DataSourceObject>(dataSources, undefined, signal)),
      ];
      const { installation } = this.#deps.ownership;
      const ours = all.filter((each) => ownerOf(each) === installation);
      const namespaces = ours.map(({ metadata }) => metadata.namespace ?? '');
      return new Set(namespaces.filter((namespace) => !this.#watched.includes(namespace)));
    } catch (thrown) {
      // With rights in the watched namespaces only, nothing beyond the records in etcd is known.
      if (hasCode(thrown, 'KubernetesForbidden')) return new Set();
      throw thrown;
    }
  }

  async #releaseNamespace(
    namespace: string,
    records: readonly DesiredSync[],
    signal: AbortSignal,
  ): Promise<void> {
    try {
      const found = await this.#list<SyncObject>(syncs, namespace, signal);
      for (const each of found.filter((object) => this.#isOurs(object)))
        await this.#releaseSync(each, signal);
      for (const each of await this.#list<DataSourceObject>(dataSources, namespace, signal))
        if (this.#isOurs(each)) await this.#releaseDataSource(each, signal);
      const isGone = ({ uid }: DesiredSync) => !found.some(({ metadata }) => metadata.uid === uid);
      for (const { uid } of records.filter(isGone))
        await writeEtcd(() => this.#deps.coordination.desired.purgeSync(uid, 'operator'));
      this.#forbidden.delete(namespace);
    } catch (thrown) {
      if (!hasCode(thrown, 'KubernetesForbidden')) throw thrown;
      this.#reportForbidden(namespace);
    }
  }

  /** Versions that wrote no owner names: an object with the finalizer belonged to this operator. */
  #isOurs(object: KubernetesObject): boolean {
    const owner = ownerOf(object);
    if (owner !== undefined) return owner === this.#deps.ownership.installation;
    return object.metadata.finalizers?.includes(finalizer) ?? false;
  }

  async #list<T extends KubernetesObject>(
    resource: Resource,
    namespace: string | undefined,
    signal: AbortSignal,
  ): Promise<readonly T[]> {
    const all: T[] = [];
    let next: string | undefined;
    do {
      const page = await this.#deps.client.list<T>(resource, {
        namespace,
        limit: 500,
        continue: next,
        signal,
      });
      all.push(...page.items);
      next = page.continue;
    } while (next !== undefined);
    return all;
  }

  async #releaseSync(object: SyncObject, signal: AbortSignal): Promise<void> {
    const { clock, syncStatuses } = this.#deps;
    const message = this.#message(object);
    const written = await syncStatuses.write(
      object,
      (current = {}) => pendingShape(current, { reason, message, hasCaughtUp: false }, clock.now()),
      { signal },
    );
    const left =
      object.status?.fencingToken === undefined ? '' : ` ${leftAt(this.#deps, object, object.spec)}`;
    if (isBeingDeleted(object))
      await writeEtcd(() => this.#deps.coordination.desired.purgeSync(object.metadata.uid, 'operator'));
    await this.#letGo(syncs, written ?? object, syncStatuses, { message, left, signal });
  }

  async #releaseDataSource(object: DataSourceObject, signal: AbortSignal): Promise<void> {
    const { clock, dataSourceStatuses } = this.#deps;
    const message = this.#message(object);
    const verdicts = kstatusConditions(unsettled({ reason, message }));
    const change = (current: DataSourceObjectStatus = {}): DataSourceObjectStatus => {
      const generation = current.observedGeneration ?? object.metadata.generation ?? 1;
      const conditions = setConditions(current.conditions ?? [], verdicts, {
        generation,
        nowMs: clock.now(),
      });
      return { ...current, message, conditions };
    };
    const written = await dataSourceStatuses.write(object, change, { signal });
    await this.#letGo(dataSources, written ?? object, dataSourceStatuses, { message, left: '', signal });
  }

  async #letGo<S extends SyncObjectStatus | DataSourceObjectStatus>(
    resource: Resource,
    object: KubernetesObject,
    statuses: StatusWriter<S>,
    { message, left, signal }: { message: string; left: string; signal: AbortSignal },
  ): Promise<void> {
    const { events, log, ownership } = this.#deps;
    await ownership.release(resource, object, signal);
    const { namespace, name } = object.metadata;
    statuses.forget(`${namespace}/${name}`);
    const note = isBeingDeleted(object)
      ? `${message}. It was being deleted, and was released without cleanup.${left}`
      : message;
    events.record(resource, object, { type: 'Warning', reason, action: 'Release', note });
    log.warn('released, because its namespace is no longer watched', {
      [resource.kind]: `${namespace}/${name}`,
    });
  }

  #message({ metadata }: KubernetesObject): string {
    const { installation } = this.#deps.ownership;
    return `namespace ${metadata.namespace} is no longer watched by the installation ${installation} of Idra: nothing in it runs`;
  }

  #reportForbidden(namespace: string): void {
    if (this.#forbidden.has(namespace)) return;
    this.#forbidden.add(namespace);
    const remedy = `give the operator the rights in this namespace that the chart's ClusterRole has; it retries every ten minutes`;
    this.#deps.log.error(
      'a namespace is no longer watched, and this operator may not change its objects: nothing in it runs, but statuses are out of date and finalizers remain',
      { namespace, remedy },
    );
  }
}
