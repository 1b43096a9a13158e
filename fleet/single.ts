import { definitions } from '../connectors/catalog.ts';
import type { StateFile } from '../coordination/single/state-file.ts';
import { systemOf } from '../core/manifest/reader.ts';
import type { SyncIdentity } from '../core/sync-spec.ts';
import type { Fleet, FleetDataSource, FleetSync } from './contract.ts';
import { byName } from './names.ts';
import { notOffered } from './not-offered.ts';
import type { FleetView } from './view/contract.ts';
import { ViewObjects } from './view/objects.ts';

/** A manifest of single mode; `spec` with its defaults. */
export interface SingleObject extends SyncIdentity {
  readonly spec: Readonly<Record<string, unknown>>;
  readonly isSuspendedByAnnotation?: boolean;
}

export interface SingleInput {
  /** Open in this process, which also runs the Syncs. */
  readonly state: StateFile;
  readonly syncs: readonly SingleObject[];
  readonly dataSources: readonly SingleObject[];
}

/** Single mode while it runs: definitions come from the files that it was started with, so they can only be read. */
export function singleFleet(input: SingleInput): { readonly fleet: Fleet; readonly view: FleetView } {
  const { state } = input;
  const startedAt = new Date().toISOString();
  const objects = new ViewObjects();
  const specs = new Map(input.syncs.map((each) => [each.uid, each]));
  const show = (uid: string) => {
    const written = specs.get(uid);
    if (written) objects.setSync(uid, toFleetSync(state, written, startedAt));
  };
  for (const each of input.dataSources)
    objects.setDataSource(`${each.namespace}/${each.name}`, toFleetDataSource(each, startedAt));
  for (const { uid } of input.syncs) show(uid);
  const unlisten = state.onReport(({ uid }) => show(uid));
  const view: FleetView = {
    isSynced: Promise.resolve(),
    outage: undefined,
    syncs: () => objects.syncs.values(),
    getSync: (uid) => objects.syncs.get(uid),
    findSync: (namespace, name) => objects.findSync(namespace, name),
    dataSources: () => objects.dataSources(),
    findDataSource: (namespace, name) => objects.findDataSource(namespace, name),
    agents: () => [],
    assignmentOf: () => undefined,
    locks: () => [],
    onChange: (listener) => objects.onChange(listener),
    async close() {
      unlisten();
    },
  };
  return { view, fleet: fleetOver(state, view) };
}

function fleetOver(state: StateFile, view: FleetView): Fleet {
  const within =
    (namespace: string | undefined) =>
    (each: { readonly namespace: string }): boolean =>
      namespace === undefined || each.namespace === namespace;
  return {
    place: `state file ${state.path}`,
    answersAtOnce: true,
    listSyncs: async (namespace) => [...view.syncs()].filter(within(namespace)).sort(byName),
    findSync: async (namespace, name) => view.findSync(namespace, name),
    listDataSources: async (namespace) => [...view.dataSources()].filter(within(namespace)).sort(byName),
    findDataSource: async (namespace, name) => view.findDataSource(namespace, name),
    put: inManifests,
    deleteSync: inManifests,
    isGone: inManifests,
    deleteDataSource: inManifests,
    suspend: inManifests,
    label: inManifests,
    putSecret: inManifests,
    fieldOwners: async () => [],
    async post(sync, request) {
      state.post(sync.uid, request);
    },
    pending: async (sync) => state.pending(sync.uid),
    answers: async (sync) => state.answers(sync.uid),
    history: async (sync) => state.history(sync.uid),
    async close() {
      await view.close();
    },
  };
}

async function inManifests(): Promise<never> {
  throw notOffered(
    'in single mode the manifests are in files, which cannot be changed here',
    'change the files and start idra again',
  );
}

function toFleetSync(state: StateFile, written: SingleObject, startedAt: string): FleetSync {
  const { uid, namespace, name, spec, isSuspendedByAnnotation } = written;
  return {
    uid,
    namespace,
    name,
    generation: 1,
    createdAt: state.find(namespace, name)?.createdAt ?? startedAt,
    spec,
    version: 'file',
    isSuspended: isSuspendedByAnnotation ?? spec.suspend === true,
    ...(isSuspendedByAnnotation !== undefined && { isSuspendedByAnnotation }),
    status: state.readStatus(uid),
  };
}

function toFleetDataSource(written: SingleObject, startedAt: string): FleetDataSource {
  const { uid, namespace, name, spec } = written;
  return {
    uid,
    namespace,
    name,
    generation: 1,
    createdAt: startedAt,
    spec,
    version: 'file',
    type: systemOf(spec, definitions) ?? '',
    syncs: 0,
  };
}
