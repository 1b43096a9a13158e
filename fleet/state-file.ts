import { openStateFile, type StateFile } from '../coordination/single/state-file.ts';
import type { Fleet, FleetSync } from './contract.ts';
import { notOffered } from './not-offered.ts';

/** Single mode's state file, while no run has it open: requests are executed by the next `idra run`. */
export function stateFleet(path: string): Fleet {
  const state = openStateFile(path);
  const list = () => state.list().map((known) => toFleetSync(state, known));
  return {
    place: `state file ${path}`,
    answersAtOnce: false,
    listSyncs: async (namespace) =>
      list().filter((each) => namespace === undefined || each.namespace === namespace),
    findSync: async (namespace, name) =>
      list().find((each) => each.namespace === namespace && each.name === name),
    listDataSources: inManifests,
    findDataSource: inManifests,
    put: inManifests,
    deleteSync: inManifests,
    isGone: inManifests,
    deleteDataSource: inManifests,
    async post(sync, request) {
      state.post(sync.uid, request);
    },
    pending: async (sync) => state.pending(sync.uid),
    answers: async (sync) => state.answers(sync.uid),
    history: async (sync) => state.history(sync.uid),
    async suspend(sync) {
      throw notOffered(
        `${sync.name} is suspended in its manifest in single mode`,
        'set spec.suspend in the manifest and run it',
        'spec.suspend',
      );
    },
    label: inManifests,
    putSecret: inManifests,
    fieldOwners: async () => [],
    async close() {
      state.close();
    },
  };
}

async function inManifests(): Promise<never> {
  throw notOffered(
    'single mode stores no manifests: they are in the files that it is run with',
    'change these files and run them',
  );
}

function toFleetSync(state: StateFile, known: ReturnType<StateFile['list']>[number]): FleetSync {
  const status = state.readStatus(known.uid);
  return {
    ...known,
    generation: status?.observedGeneration ?? 1,
    spec: undefined,
    version: 'file',
    isSuspended: status?.state === 'Suspended',
    status,
  };
}
