import type { Coordination, DesiredDataSource, DesiredState, DesiredSync } from '../coordination/contract.ts';
import { asIdraError, describeError, permanent } from '../core/errors.ts';
import { stateUnknown } from '../operator/controllers/outage.ts';
import type { Fleet, FleetDataSource, FleetSync } from './contract.ts';
import { toFleetDataSource, toFleetSync } from './etcd-objects.ts';
import { byName, dataSourcesIn } from './names.ts';
import { notOffered } from './not-offered.ts';
import { putManifest } from './put-manifest.ts';

/** A cluster without Kubernetes. Closing the fleet closes the connection. */
export function etcdFleet(etcd: Coordination, place: string): Fleet {
  const { desired, reports, requests } = etcd;
  const removeFinished = removeOnce(etcd);
  const usersOf = async (namespace: string, name: string) =>
    (await desired.read()).syncs.filter((sync) => isUser(sync, { namespace, name }));
  return {
    place,
    answersAtOnce: true,
    listSyncs: (namespace) => listSyncs(etcd, namespace),
    async findSync(namespace, name) {
      const sync = await desired.findSync(namespace, name);
      if (!sync) return undefined;
      const [status, unassigned, outdated] = await Promise.all([
        reports.readStatus(sync.uid),
        reports.readUnassigned(),
        whyOutdated(etcd),
      ]);
      return toFleetSync(sync, { status, unassigned: unassigned.get(sync.uid), outdated });
    },
    listDataSources: (namespace) => listDataSources(etcd, namespace),
    findDataSource: async (namespace, name) =>
      (await listDataSources(etcd, namespace)).find((each) => each.name === name),
    async put(manifest, options = {}) {
      if (!options.isDryRun) await removeFinished();
      return await putManifest(desired, manifest, options);
    },
    async deleteSync({ uid }) {
      await removeFinished();
      const stored = await desired.getSync(uid);
      if (!stored || stored.deletedAt !== undefined) return;
      const { version, ...rest } = stored;
      await desired.putSync({ ...rest, deletedAt: new Date().toISOString() }, version);
    },
    async isGone({ uid }) {
      if (await desired.getSync(uid)) return false;
      // The agents have finished cleanup; desired state is deleted by the side that wrote it.
      await desired.purgeSync(uid, 'operator');
      return true;
    },
    async deleteDataSource(namespace, name) {
      await removeFinished();
      if (!(await desired.getDataSource(namespace, name))) return false;
      const users = await usersOf(namespace, name);
      if (users.length > 0) {
        throw permanent(
          'DataSourceInUse',
          `DataSource ${namespace}/${name} is used by ${users.map((each) => each.name).join(', ')}`,
          {
            fix: 'delete these syncs first',
          },
        );
      }
      await desired.deleteDataSource(namespace, name);
      return true;
    },
    async post(sync, request) {
      await requests.post(sync.uid, request);
    },
    pending: (sync) => requests.pending(sync.uid),
    answers: (sync) => requests.answers(sync.uid),
    history: (sync) => requests.history(sync.uid),
    ...besideSpec(desired),
    close: () => etcd.close(),
  };
}

/** What is stored beside the spec, which belongs to whoever applies it. */
function besideSpec(desired: DesiredState): Pick<Fleet, 'suspend' | 'label' | 'putSecret' | 'fieldOwners'> {
  return {
    async suspend(sync, isSuspended) {
      const stored = await desired.getSync(sync.uid);
      if (!stored) return;
      const { version, isSuspendedByAnnotation: _before, ...rest } = stored;
      // Stored beside the spec, like the annotation on Kubernetes, because the spec belongs to whoever applies it.
      const isNeeded = isSuspended || (rest.spec as { suspend?: boolean }).suspend === true;
      const flag = isNeeded ? { isSuspendedByAnnotation: isSuspended } : {};
      await desired.putSync({ ...rest, ...flag }, version);
    },
    async label(sync, labels) {
      const stored = await desired.getSync(sync.uid);
      if (!stored) return;
      const { version, ...rest } = stored;
      const all = Object.entries({ ...rest.labels, ...labels }).filter(([, value]) => value !== null);
      await desired.putSync({ ...rest, labels: Object.fromEntries(all) as Record<string, string> }, version);
    },
    async putSecret({ name }) {
      throw notOffered(
        `Secret ${name} cannot be stored: etcd holds no secrets`,
        `put it where agents read it: IDRA_SECRETS_DIR/${name}/KEY`,
      );
    },
    fieldOwners: async () => [],
  };
}

/** Purges Syncs that were deleted without waiting, before anything else is written. */
function removeOnce({ desired }: Coordination): () => Promise<void> {
  let removed: Promise<void> | undefined;
  return async () => {
    removed ??= desired.purgeFinished();
    await removed;
  };
}

/** Agents cannot report while etcd is full. Somebody who may only read cannot know. */
export async function whyOutdated(etcd: Coordination): Promise<FleetDataSource['outdated']> {
  try {
    await etcd.checkWrites();
  } catch (thrown) {
    const error = asIdraError(thrown);
    if (error.code === 'EtcdFull') return { reason: error.code, message: stateUnknown(describeError(error)) };
    if (error.code !== 'EtcdPermissionDenied') throw error;
  }
  return undefined;
}

async function listSyncs(etcd: Coordination, namespace: string | undefined): Promise<readonly FleetSync[]> {
  const [{ syncs }, statuses, unassigned, outdated] = await Promise.all([
    etcd.desired.read(),
    etcd.reports.readStatuses(),
    etcd.reports.readUnassigned(),
    whyOutdated(etcd),
  ]);
  return syncs
    .filter((each) => namespace === undefined || each.namespace === namespace)
    .map((each) => {
      const [status, reason] = [statuses.get(each.uid), unassigned.get(each.uid)];
      return toFleetSync(each, { status, unassigned: reason, outdated });
    })
    .sort(byName);
}

async function listDataSources(
  etcd: Coordination,
  namespace: string | undefined,
): Promise<readonly FleetDataSource[]> {
  const [{ syncs, dataSources }, reports, outdated] = await Promise.all([
    etcd.desired.read(),
    etcd.reports.readDataSources(),
    whyOutdated(etcd),
  ]);
  return dataSources
    .filter((each) => namespace === undefined || each.namespace === namespace)
    .map((each): FleetDataSource => {
      const report = reports.find(
        ({ namespace, name }) => namespace === each.namespace && name === each.name,
      );
      return toFleetDataSource(each, {
        syncs: syncs.filter((sync) => isUser(sync, each)).length,
        report,
        outdated,
      });
    })
    .sort(byName);
}

function isUser(
  sync: DesiredSync,
  { namespace, name }: Pick<DesiredDataSource, 'namespace' | 'name'>,
): boolean {
  return sync.namespace === namespace && dataSourcesIn(sync.spec).includes(name);
}
