import type {
  Agent,
  AgentHold,
  Assignment,
  ClusterChange,
  ClusterView,
  ClusterWatching,
  DesiredDataSource,
  DesiredSync,
} from '../contract.ts';
import type { EtcdKv } from '../etcd/kv.ts';
import type { KeyValue } from '../etcd/transport.ts';
import { Reflector } from '../etcd/watch.ts';
import type { Keys } from '../keys.ts';
import { toDataSource, toSync } from '../state/desired.ts';
import { type AgentRecord, agentFields, assignmentFields, parseRecord } from '../state/records.ts';
import { isOver } from '../state/removal.ts';
import { holdFields } from '../state/scheduling.ts';

interface Part {
  readonly prefix: string;
  readonly change: ClusterChange;
  readonly isOptional?: true;
  put(pair: KeyValue): void;
  remove(key: string): void;
}

/** Everything that the leader's decisions depend on, updated in place. */
export function watchCluster(
  kv: EtcdKv,
  keys: Keys,
  listener: (change: ClusterChange) => void,
  onError: (error: Error) => void,
): ClusterWatching {
  const view = new View(keys);
  const watches = view.parts.map(
    ({ prefix, change, put, remove, isOptional }) =>
      new Reflector(
        kv,
        prefix,
        { onPut: put, onDelete: remove, onSettled: () => listener(change), onError },
        { isOptional },
      ),
  );
  const isSynced = Promise.all(watches.map((watch) => watch.isSynced)).then(() => {});
  isSynced.catch(() => {});
  return {
    view,
    isSynced,
    close: async () => {
      await Promise.all(watches.map((watch) => watch.close()));
    },
  };
}

class View implements ClusterView {
  readonly agents = new Map<string, Agent>();
  readonly holds = new Map<string, AgentHold>();
  readonly syncs = new Map<string, DesiredSync>();
  readonly dataSources = new Map<string, DesiredDataSource>();
  readonly assignments = new Map<string, Assignment>();
  readonly withRequests = new Set<string>();
  readonly removed = new Set<string>();
  readonly parts: readonly Part[];
  readonly #stored = new Map<string, DesiredSync>();
  readonly #notes = new Set<string>();
  readonly #loads = new Map<string, Agent['loads']>();
  readonly #requests = new Map<string, Set<string>>();

  constructor(keys: Keys) {
    this.parts = [
      this.#agentsPart(keys),
      this.#loadsPart(keys),
      {
        prefix: keys.holds,
        change: 'holds',
        isOptional: true,
        put: (pair) => this.holds.set(keys.lastPart(pair.key), parseRecord<AgentHold>(pair, holdFields)),
        remove: (key) => this.holds.delete(keys.lastPart(key)),
      },
      this.#syncsPart(keys),
      this.#removalsPart(keys),
      {
        prefix: keys.dataSources,
        change: 'dataSources',
        put: (pair) => this.dataSources.set(pair.key.slice(keys.dataSources.length), toDataSource(pair)),
        remove: (key) => this.dataSources.delete(key.slice(keys.dataSources.length)),
      },
      this.#assignmentsPart(keys),
      this.#requestsPart(keys),
    ];
  }

  #syncsPart(keys: Keys): Part {
    return {
      prefix: keys.syncs,
      change: 'syncs',
      put: (pair) => {
        this.#stored.set(keys.lastPart(pair.key), toSync(pair));
        this.#showSync(keys.lastPart(pair.key));
      },
      remove: (key) => {
        this.#stored.delete(keys.lastPart(key));
        this.#showSync(keys.lastPart(key));
      },
    };
  }

  #removalsPart(keys: Keys): Part {
    return {
      prefix: keys.removals,
      change: 'syncs',
      put: (pair) => {
        this.#notes.add(keys.lastPart(pair.key));
        this.#showSync(keys.lastPart(pair.key));
      },
      remove: (key) => {
        this.#notes.delete(keys.lastPart(key));
        this.#showSync(keys.lastPart(key));
      },
    };
  }

  #showSync(uid: string): void {
    const sync = this.#stored.get(uid);
    const hasNote = this.#notes.has(uid);
    if (sync === undefined || isOver(sync, hasNote)) this.syncs.delete(uid);
    else this.syncs.set(uid, sync);
    if (sync === undefined && hasNote) this.removed.add(uid);
    else this.removed.delete(uid);
  }

  #agentsPart(keys: Keys): Part {
    return {
      prefix: keys.agents,
      change: 'agents',
      put: (pair) => {
        const name = keys.lastPart(pair.key);
        this.agents.set(name, {
          ...parseRecord<AgentRecord>(pair, agentFields),
          loads: this.#loads.get(name) ?? {},
        });
      },
      remove: (key) => this.agents.delete(keys.lastPart(key)),
    };
  }

  #loadsPart(keys: Keys): Part {
    const set = (name: string, loads: Agent['loads']) => {
      this.#loads.set(name, loads);
      const agent = this.agents.get(name);
      if (agent) this.agents.set(name, { ...agent, loads });
    };
    return {
      prefix: keys.loads,
      change: 'agents',
      put: (pair) => set(keys.lastPart(pair.key), parseRecord<Agent['loads']>(pair)),
      remove: (key) => {
        set(keys.lastPart(key), {});
        this.#loads.delete(keys.lastPart(key));
      },
    };
  }

  #assignmentsPart(keys: Keys): Part {
    return {
      prefix: keys.assignments,
      change: 'assignments',
      put: (pair) =>
        this.assignments.set(keys.lastPart(pair.key), parseRecord<Assignment>(pair, assignmentFields)),
      remove: (key) => {
        const uid = keys.lastPart(key);
        // A move deletes one key and puts another at one revision, in either order.
        if (this.assignments.get(uid)?.agent === agentOf(keys, key)) this.assignments.delete(uid);
      },
    };
  }

  #requestsPart(keys: Keys): Part {
    const uidOf = (key: string) => key.slice(keys.requests.length).split('/')[0] ?? '';
    return {
      prefix: keys.requests,
      change: 'requests',
      put: ({ key }) => {
        const uid = uidOf(key);
        this.#requests.set(uid, (this.#requests.get(uid) ?? new Set()).add(key));
        this.withRequests.add(uid);
      },
      remove: (key) => {
        const uid = uidOf(key);
        const left = this.#requests.get(uid);
        left?.delete(key);
        if (left && left.size > 0) return;
        this.#requests.delete(uid);
        this.withRequests.delete(uid);
      },
    };
  }
}

function agentOf(keys: Keys, key: string): string {
  return key.slice(keys.assignments.length).split('/')[0] ?? '';
}
