import { homedir } from 'node:os';
import { permanent } from '../../core/errors.ts';
import { suspendAnnotation } from '../../core/manifest/names.ts';
import { encodeOffset, type Offset, parseOffset } from '../../core/offset.ts';
import type { SyncStatus } from '../../core/status.ts';
import type { Mode } from '../../core/sync-spec.ts';
import { version } from '../../core/version.ts';
import {
  requestAnnotation,
  type SyncObject,
  type SyncObjectStatus,
  suspendedBy,
  syncs,
} from '../../operator/controllers/objects.ts';
import { annotationOf } from '../../operator/controllers/requests.ts';
import { hasCode } from '../../operator/runtime/api-errors.ts';
import { KubernetesClient } from '../../operator/runtime/client.ts';
import { findCondition } from '../../operator/runtime/conditions.ts';
import type { Environment } from '../../process/environment.ts';
import { loadClusterAccess } from '../../process/kubernetes-access.ts';
import { byName } from './etcd-fleet.ts';
import type { Fleet, FleetSync } from './fleet.ts';

export interface KubernetesOptions {
  readonly context?: string;
  readonly kubeconfig?: string;
}

const pageSize = 500;

/** Over custom resources, with the user's own rights: what is asked for is an annotation, what is answered is in the status. */
export async function kubernetesFleet(
  env: Environment,
  { context, kubeconfig }: KubernetesOptions,
): Promise<Fleet> {
  const home = { HOME: homedir(), ...env };
  const access = await loadClusterAccess({
    env: kubeconfig === undefined ? home : { ...home, KUBECONFIG: kubeconfig },
    ...(context !== undefined && { context }),
  });
  const client = new KubernetesClient(access, { fieldManager: 'idra', userAgent: `idra/${version}` });
  return {
    place: `Kubernetes at ${access.server.host}`,
    namespace: access.namespace,
    async listSyncs(namespace) {
      const found: SyncObject[] = [];
      for (let next: string | undefined, isFirst = true; isFirst || next !== undefined; isFirst = false) {
        const page = await client.list<SyncObject>(syncs, { namespace, limit: pageSize, continue: next });
        found.push(...page.items);
        next = page.continue;
      }
      return found.map(toFleetSync).sort(byName);
    },
    async findSync(namespace, name) {
      const object = await find(client, namespace, name);
      return object && toFleetSync(object);
    },
    async post({ namespace, name, uid }, request) {
      const annotations = { [requestAnnotation(request.type)]: annotationOf(request) };
      await client.patch(syncs, { namespace, name }, { metadata: { uid, annotations } });
    },
    async answer({ namespace, name }, request) {
      const object = await find(client, namespace, name);
      return object?.status?.requests?.find(({ type, id }) => type === request.type && id === request.id);
    },
    async history({ name }) {
      throw permanent('NotOfferedHere', `the custom resource of ${name} keeps no history of its offset`, {
        mend: 'ask etcd, which has it: set IDRA_ETCD_ENDPOINTS',
      });
    },
    async suspend({ namespace, name, uid, spec }, isSuspended) {
      // Beside the spec, which Git may own; nothing where the spec says the same.
      const isSaid = ((spec as { suspend?: boolean }).suspend === true) === isSuspended;
      const annotations = { [suspendAnnotation]: isSaid ? null : String(isSuspended) };
      await client.patch(syncs, { namespace, name }, { metadata: { uid, annotations } });
    },
    async close() {
      client.close();
    },
  };
}

async function find(
  client: KubernetesClient,
  namespace: string,
  name: string,
): Promise<SyncObject | undefined> {
  try {
    return await client.get<SyncObject>(syncs, { namespace, name });
  } catch (thrown) {
    if (hasCode(thrown, 'KubernetesNotFound')) return undefined;
    throw thrown;
  }
}

function toFleetSync(object: SyncObject): FleetSync {
  const {
    uid,
    namespace = '',
    name,
    generation = 1,
    creationTimestamp = '',
    deletionTimestamp,
  } = object.metadata;
  const spec = (object.spec ?? {}) as { readonly suspend?: boolean; readonly mode?: Mode };
  return {
    uid,
    namespace,
    name,
    generation,
    createdAt: creationTimestamp,
    spec,
    isSuspended: suspendedBy(object) ?? spec.suspend === true,
    isDeleted: deletionTimestamp !== undefined,
    status: object.status?.state && fromShape(uid, spec.mode, object.status),
  };
}

/** What syncStatusShape has made of a status, as far as it has kept it. */
function fromShape(uid: string, mode: Mode | undefined, status: SyncObjectStatus): SyncStatus {
  const {
    conditions = [],
    lag: _lag,
    rate: _rate,
    offset,
    state = 'Pending',
    bound: _bound,
    ...rest
  } = status;
  const isReady = findCondition(conditions, 'Ready');
  return {
    uid,
    observedGeneration: 1,
    reason: isReady?.reason ?? state,
    message: '',
    rows: { read: 0, written: 0, deleted: 0, rejected: 0 },
    observedAt: '',
    ...rest,
    state,
    hasCaughtUp: isReady?.status === 'True',
    ...(offset !== undefined &&
      mode !== undefined && {
        offset: encodeOffset(parseOffset(offset, offsetMode(mode))),
        offsetText: offset,
      }),
  };
}

function offsetMode(mode: Mode): Offset['mode'] {
  if (mode === 'LastDestinationId') return 'Id';
  return mode === 'LastDestinationTimestamp' ? 'Timestamp' : mode;
}
