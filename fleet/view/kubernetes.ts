import type { Coordination } from '../../coordination/contract.ts';
import type { Log } from '../../core/log.ts';
import {
  type DataSourceObject,
  dataSources,
  type SyncObject,
  syncs,
} from '../../operator/controllers/objects.ts';
import type { KubernetesClient } from '../../operator/runtime/client.ts';
import { withoutManagedFields } from '../../operator/runtime/objects.ts';
import { Reflector } from '../../operator/runtime/reflector.ts';
import { lastSpecChanges } from '../field-owners.ts';
import { toFleetDataSource, toFleetSync } from '../kubernetes-objects.ts';
import { ClusterPart, viewOf } from './cluster.ts';
import type { FleetView } from './contract.ts';
import { ViewObjects } from './objects.ts';

export interface KubernetesViewDeps {
  readonly client: KubernetesClient;
  /** Agents and locks are only there. */
  readonly etcd: Coordination;
  /** Empty: all. */
  readonly namespaces: readonly string[];
  readonly log: Log;
}

/** Custom resources are the truth about Syncs and DataSources. Closes neither client nor etcd. */
export function kubernetesView({ client, etcd, namespaces, log }: KubernetesViewDeps): FleetView {
  const stop = new AbortController();
  const objects = new ViewObjects();
  const cluster = new ClusterPart(etcd, objects, {});
  const listed: Promise<void>[] = [];
  const running: Promise<void>[] = [];
  const follow = (start: (namespace: string | undefined, onList: () => void) => Promise<void>) => {
    for (const namespace of namespaces.length > 0 ? namespaces : [undefined]) {
      const { promise, resolve } = Promise.withResolvers<void>();
      listed.push(promise);
      running.push(start(namespace, resolve));
    }
  };
  follow((namespace, onList) =>
    new Reflector<SyncObject>({
      client,
      resource: syncs,
      namespace,
      log,
      onList,
      transform: withLastSpecChanges,
      onChange: ({ before, after }) => {
        const uid = (after ?? before)?.metadata.uid ?? '';
        objects.setSync(uid, after && toFleetSync(after));
      },
    }).run(stop.signal),
  );
  follow((namespace, onList) =>
    new Reflector<DataSourceObject>({
      client,
      resource: dataSources,
      namespace,
      log,
      onList,
      onChange: ({ key, after }) => objects.setDataSource(key, after && toFleetDataSource(after)),
    }).run(stop.signal),
  );
  const isSynced = Promise.all([cluster.observation.isSynced, ...listed]).then(() => {});
  isSynced.catch(() => {});
  return viewOf(objects, cluster, {
    isSynced,
    async end() {
      stop.abort();
      await Promise.all(running);
    },
  });
}

/** Of the long list of who has set which field, only who has changed the spec last. */
function withLastSpecChanges(object: SyncObject): SyncObject {
  const { metadata, ...rest } = withoutManagedFields(object);
  return {
    ...rest,
    metadata: { ...metadata, managedFields: lastSpecChanges(object.metadata.managedFields) },
  };
}
