import type {
  Assignment,
  Coordination,
  LockInfo,
  Observation,
  ObservationSink,
} from '../../coordination/contract.ts';
import { asIdraError, describeError } from '../../core/errors.ts';
import { stateUnknown } from '../../operator/controllers/outage.ts';
import { agentsIn } from '../cluster.ts';
import type { FleetAgent, FleetDataSource } from '../contract.ts';
import { whyOutdated } from '../etcd.ts';
import type { FleetView } from './contract.ts';
import type { ViewObjects } from './objects.ts';

/** How often it is checked whether etcd answers and can be written: agents cannot report while it is full. */
const checkEveryMs = 10_000;

export type ObjectSink = Omit<ObservationSink, 'onAgents' | 'onLocks' | 'onAssignment'>;

/** What is only in etcd, with and without Kubernetes: agents, assignments, locks. Also notices that etcd does not answer. */
export class ClusterPart {
  readonly observation: Observation;
  readonly #etcd: Coordination;
  readonly #objects: ViewObjects;
  readonly #onOutdated: (outdated: FleetDataSource['outdated']) => void;
  readonly #timer: NodeJS.Timeout;
  #agents: readonly FleetAgent[] | undefined;
  #locks: readonly LockInfo[] | undefined;

  constructor(
    etcd: Coordination,
    objects: ViewObjects,
    sink: Partial<ObjectSink>,
    onOutdated: (outdated: FleetDataSource['outdated']) => void = () => {},
  ) {
    this.#etcd = etcd;
    this.#objects = objects;
    this.#onOutdated = onOutdated;
    this.observation = etcd.observe(this.#wholeSink(sink), (error) => this.#failed(error));
    this.#timer = setInterval(() => void this.#check(), checkEveryMs);
    this.#timer.unref();
  }

  agents(): readonly FleetAgent[] {
    const { observation } = this;
    this.#agents ??= agentsIn({
      agents: observation.agents(),
      leader: observation.leader(),
      assignments: [...observation.assignments().values()],
      holds: observation.holds(),
    });
    return this.#agents;
  }

  assignmentOf(uid: string): Assignment | undefined {
    return this.observation.assignments().get(uid);
  }

  locks(): readonly LockInfo[] {
    this.#locks ??= this.observation.locks();
    return this.#locks;
  }

  async close(): Promise<void> {
    clearInterval(this.#timer);
    await this.observation.close();
  }

  #wholeSink(sink: Partial<ObjectSink>): ObservationSink {
    const objects = this.#objects;
    const none = () => {};
    return {
      onSync: none,
      onStatus: none,
      onUnassigned: none,
      onDataSource: none,
      onReport: none,
      ...sink,
      onAssignment: (uid) => {
        if (objects.syncs.has(uid)) objects.notify({ kind: 'sync', uid });
      },
      onAgents: () => {
        this.#agents = undefined;
        objects.notify({ kind: 'agents' });
      },
      onLocks: () => {
        this.#locks = undefined;
        objects.notify({ kind: 'locks' });
      },
    };
  }

  async #check(): Promise<void> {
    try {
      const outdated = await whyOutdated(this.#etcd);
      this.#onOutdated(outdated);
      this.#objects.setOutage(outdated && { code: outdated.reason, message: outdated.message });
    } catch (thrown) {
      this.#failed(thrown);
    }
  }

  #failed(thrown: unknown): void {
    const error = asIdraError(thrown);
    if (error.disposition === 'bug') return;
    this.#objects.setOutage({ code: error.code, message: stateUnknown(describeError(error)) });
  }
}

/** A view over both; `end` is for what else must be closed. */
export function viewOf(
  objects: ViewObjects,
  cluster: ClusterPart,
  { isSynced, end }: { readonly isSynced: Promise<void>; readonly end?: () => Promise<void> },
): FleetView {
  return {
    isSynced,
    get outage() {
      return objects.outage;
    },
    syncs: () => objects.syncs.values(),
    getSync: (uid) => objects.syncs.get(uid),
    findSync: (namespace, name) => objects.findSync(namespace, name),
    dataSources: () => objects.dataSources(),
    findDataSource: (namespace, name) => objects.findDataSource(namespace, name),
    agents: () => cluster.agents(),
    assignmentOf: (uid) => cluster.assignmentOf(uid),
    locks: () => cluster.locks(),
    onChange: (listener) => objects.onChange(listener),
    async close() {
      await Promise.all([cluster.close(), end?.()]);
    },
  };
}
