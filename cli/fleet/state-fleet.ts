import { openStateFile, type StateFile } from '../../coordination/single/state-file.ts';
import { permanent } from '../../core/errors.ts';
import type { Fleet, FleetSync } from './fleet.ts';

/** Single mode's state file, while no run has it: requests are carried out by the next `idra run`. */
export function stateFleet(path: string): Fleet {
  const state = openStateFile(path);
  const list = () => state.list().map((known) => toFleetSync(state, known));
  return {
    place: `state file ${path}`,
    listSyncs: async (namespace) =>
      list().filter((each) => namespace === undefined || each.namespace === namespace),
    findSync: async (namespace, name) =>
      list().find((each) => each.namespace === namespace && each.name === name),
    async post(sync, request) {
      state.post(sync.uid, request);
    },
    answer: async (sync, request) =>
      state.answers(sync.uid).find((each) => each.type === request.type && each.id === request.id),
    history: async (sync) => state.history(sync.uid),
    async suspend(sync) {
      throw permanent('NotOfferedHere', `${sync.name} is suspended in its manifest in single mode`, {
        path: 'spec.suspend',
        mend: 'set spec.suspend in the manifest, and run it',
      });
    },
    async close() {
      state.close();
    },
  };
}

function toFleetSync(state: StateFile, known: ReturnType<StateFile['list']>[number]): FleetSync {
  const status = state.readStatus(known.uid);
  return {
    ...known,
    generation: status?.observedGeneration ?? 1,
    spec: undefined,
    isSuspended: status?.state === 'Suspended',
    isDeleted: false,
    status,
  };
}
