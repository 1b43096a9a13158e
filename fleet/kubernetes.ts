import { homedir } from 'node:os';
import type { ManifestKind } from '../core/manifest/names.ts';
import { suspendAnnotation } from '../core/manifest/names.ts';
import { isSameRequest } from '../core/status.ts';
import { version } from '../core/version.ts';
import {
  type DataSourceObject,
  dataSources,
  requestAnnotation,
  type SyncObject,
  syncs,
} from '../operator/controllers/objects.ts';
import { annotationOf, requestsIn } from '../operator/controllers/requests.ts';
import { hasCode } from '../operator/runtime/api-errors.ts';
import { KubernetesClient } from '../operator/runtime/client.ts';
import type { KubernetesObject, Resource } from '../operator/runtime/objects.ts';
import type { Environment } from '../process/environment.ts';
import { type ClusterAccess, loadClusterAccess } from '../process/kubernetes-access.ts';
import type { Fleet } from './contract.ts';
import { fieldOwners } from './field-owners.ts';
import { toFleetDataSource, toFleetSync } from './kubernetes-objects.ts';
import { byName } from './names.ts';
import { notOffered } from './not-offered.ts';
import { putResource } from './put-resource.ts';
import { putSecret } from './put-secret.ts';

export interface KubernetesOptions {
  readonly context?: string;
  readonly kubeconfig?: string;
}

const pageSize = 500;
const resources: Readonly<Record<ManifestKind, Resource>> = { Sync: syncs, DataSource: dataSources };

/** A client with the rights of this user or pod. `fieldManager`: owner of the fields that it sets. */
export async function kubernetesClient(
  env: Environment,
  { context, kubeconfig, fieldManager = 'idra' }: KubernetesOptions & { readonly fieldManager?: string },
): Promise<{ readonly client: KubernetesClient; readonly access: ClusterAccess }> {
  const home = { HOME: homedir(), ...env };
  const access = await loadClusterAccess({
    env: kubeconfig === undefined ? home : { ...home, KUBECONFIG: kubeconfig },
    ...(context !== undefined && { context }),
  });
  return { client: new KubernetesClient(access, { fieldManager, userAgent: `idra/${version}` }), access };
}

export async function kubernetesFleet(env: Environment, options: KubernetesOptions): Promise<Fleet> {
  const { client, access } = await kubernetesClient(env, options);
  return kubernetesFleetOver(client, access);
}

/** Works on custom resources with the rights of the client: requests are annotations, answers are in the status. */
export function kubernetesFleetOver(client: KubernetesClient, access: ClusterAccess): Fleet {
  const findSync = (namespace: string, name: string) => find<SyncObject>(client, syncs, { namespace, name });
  const answersOf = (object: SyncObject | undefined) => object?.status?.requests ?? [];
  return {
    place: `Kubernetes at ${access.server.host}`,
    namespace: access.namespace,
    answersAtOnce: true,
    listSyncs: async (namespace) =>
      (await list<SyncObject>(client, syncs, namespace)).map(toFleetSync).sort(byName),
    async findSync(namespace, name) {
      const object = await findSync(namespace, name);
      return object && toFleetSync(object);
    },
    listDataSources: async (namespace) =>
      (await list<DataSourceObject>(client, dataSources, namespace)).map(toFleetDataSource).sort(byName),
    async findDataSource(namespace, name) {
      const object = await find<DataSourceObject>(client, dataSources, { namespace, name });
      return object && toFleetDataSource(object);
    },
    put: (manifest, options) => {
      const resource = resources[manifest.kind];
      return putResource({ client, resource, find: (ref) => find(client, resource, ref) }, manifest, options);
    },
    deleteSync: async ({ namespace, name, uid }) =>
      void (await remove(client, syncs, { namespace, name, uid })),
    isGone: async ({ namespace, name, uid }) => (await findSync(namespace, name))?.metadata.uid !== uid,
    deleteDataSource: (namespace, name) => remove(client, dataSources, { namespace, name }),
    async post({ namespace, name, uid }, request) {
      const annotations = { [requestAnnotation(request.type)]: annotationOf(request) };
      await client.patch(syncs, { namespace, name }, { metadata: { uid, annotations } });
    },
    async pending({ namespace, name }) {
      const object = await findSync(namespace, name);
      const answers = answersOf(object);
      return requestsIn(object?.metadata.annotations).flatMap((asked) => {
        const isAnswered = answers.some((answer) => isSameRequest(answer, asked));
        return 'request' in asked && !isAnswered ? [asked.request] : [];
      });
    },
    answers: async ({ namespace, name }) => answersOf(await findSync(namespace, name)),
    async history({ name }) {
      throw notOffered(
        `the custom resource of ${name} has no history of its offset`,
        'read it from etcd: set IDRA_ETCD_ENDPOINTS',
      );
    },
    async suspend({ namespace, name, uid, spec }, isSuspended) {
      // Set beside the spec, which Git may own; not set if the spec already has the same value.
      const isInSpec = ((spec as { suspend?: boolean }).suspend === true) === isSuspended;
      const annotations = { [suspendAnnotation]: isInSpec ? null : String(isSuspended) };
      await client.patch(syncs, { namespace, name }, { metadata: { uid, annotations } });
    },
    async label({ namespace, name, uid }, labels) {
      await client.patch(syncs, { namespace, name }, { metadata: { uid, labels } });
    },
    putSecret: (secret) => putSecret(client, secret),
    async fieldOwners(kind, namespace, name) {
      const object = await find<SyncObject | DataSourceObject>(client, resources[kind], { namespace, name });
      return fieldOwners(object?.metadata.managedFields);
    },
    async close() {
      client.close();
    },
  };
}

interface Ref {
  readonly namespace: string;
  readonly name: string;
}

async function list<T extends KubernetesObject>(
  client: KubernetesClient,
  resource: Resource,
  namespace: string | undefined,
): Promise<readonly T[]> {
  const found: T[] = [];
  for (let next: string | undefined, isFirst = true; isFirst || next !== undefined; isFirst = false) {
    const page = await client.list<T>(resource, { namespace, limit: pageSize, continue: next });
    found.push(...page.items);
    next = page.continue;
  }
  return found;
}

async function find<T extends KubernetesObject>(
  client: KubernetesClient,
  resource: Resource,
  ref: Ref,
): Promise<T | undefined> {
  try {
    return await client.get<T>(resource, ref);
  } catch (thrown) {
    if (hasCode(thrown, 'KubernetesNotFound')) return undefined;
    throw thrown;
  }
}

/** False: not found. */
async function remove(
  client: KubernetesClient,
  resource: Resource,
  ref: Ref & { readonly uid?: string },
): Promise<boolean> {
  try {
    await client.delete(resource, ref);
    return true;
  } catch (thrown) {
    if (hasCode(thrown, 'KubernetesNotFound')) return false;
    throw thrown;
  }
}
