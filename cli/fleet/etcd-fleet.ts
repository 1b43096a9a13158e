import type { Coordination, DesiredSync } from '../../coordination/contract.ts';
import { permanent } from '../../core/errors.ts';
import type { SyncStatus } from '../../core/status.ts';
import type { Cli } from '../cli.ts';
import type { Fleet, FleetSync } from './fleet.ts';

const elsewhere =
  'set IDRA_ETCD_ENDPOINTS (a cluster without Kubernetes). On Kubernetes ask kubectl: kubectl get syncs, kubectl describe sync NAME. In single mode idra run -f FILE --once ends with the table, and idra offset get NAME reads the state file';

/** Opens etcd as IDRA_ETCD_* say, asks it once, and closes it after `body`. */
export async function withEtcd<T>(cli: Cli, body: (etcd: Coordination) => Promise<T>): Promise<T> {
  if (!cli.env.IDRA_ETCD_ENDPOINTS)
    throw permanent('EtcdNotConfigured', 'this is asked of an etcd, and none is named', { mend: elsewhere });
  // Its client is a third of what a command loads, and single mode needs none of it.
  const { connectCoordination, readEtcdConfig } = await import('../../coordination/connect.ts');
  const etcd = connectCoordination(readEtcdConfig(cli.env));
  try {
    await etcd.ping();
    return await body(etcd);
  } finally {
    await etcd.close();
  }
}

export function etcdFleet(etcd: Coordination, place: string): Fleet {
  return {
    place,
    async listSyncs(namespace) {
      const [{ syncs }, statuses] = await Promise.all([etcd.desired.read(), etcd.reports.readStatuses()]);
      return syncs
        .filter((each) => namespace === undefined || each.namespace === namespace)
        .map((each) => toFleetSync(each, statuses.get(each.uid)))
        .sort(byName);
    },
    async findSync(namespace, name) {
      const sync = await etcd.desired.findSync(namespace, name);
      return sync && toFleetSync(sync, await etcd.reports.readStatus(sync.uid));
    },
    async post(sync, request) {
      await etcd.requests.post(sync.uid, request);
    },
    async answer(sync, request) {
      const answers = await etcd.requests.answers(sync.uid);
      return answers.find((each) => each.type === request.type && each.id === request.id);
    },
    history: (sync) => etcd.requests.history(sync.uid),
    async suspend(sync, isSuspended) {
      const stored = await etcd.desired.getSync(sync.uid);
      if (!stored) return;
      const { version, isSuspendedByAnnotation: _before, ...rest } = stored;
      // As the annotation on Kubernetes: beside the spec, which is of who applies it.
      const isNeeded = isSuspended || (rest.spec as { suspend?: boolean }).suspend === true;
      const flag = isNeeded ? { isSuspendedByAnnotation: isSuspended } : {};
      await etcd.desired.putSync({ ...rest, ...flag }, version);
    },
    async close() {},
  };
}

export function toFleetSync(sync: DesiredSync, status: SyncStatus | undefined): FleetSync {
  const { uid, namespace, name, generation, createdAt, spec } = sync;
  const isSuspended = sync.isSuspendedByAnnotation ?? (spec as { suspend?: boolean }).suspend === true;
  return {
    uid,
    namespace,
    name,
    generation,
    createdAt,
    spec,
    isSuspended,
    isDeleted: sync.deletedAt !== undefined,
    status,
  };
}

export function byName(
  one: { namespace: string; name: string },
  other: { namespace: string; name: string },
): number {
  return one.namespace.localeCompare(other.namespace) || one.name.localeCompare(other.name);
}
