import type { UnassignedReason } from '../../core/effective-status.ts';
import type { SyncStatus } from '../../core/status.ts';
import type {
  Agent,
  AgentHold,
  Assignment,
  DataSourceReport,
  DesiredDataSource,
  DesiredSync,
  LockInfo,
  Observation,
  ObservationSink,
} from '../contract.ts';
import type { EtcdKv } from '../etcd/kv.ts';
import type { KeyValue } from '../etcd/transport.ts';
import { Reflector } from '../etcd/watch.ts';
import type { Keys } from '../keys.ts';
import { locksIn } from './cluster-reader.ts';
import { toDataSource, toSync } from './desired.ts';
import {
  type AgentRecord,
  agentFields,
  assignmentFields,
  type LeaderRecord,
  parseRecord,
  reportFields,
} from './records.ts';
import { isOver } from './removal.ts';
import { holdFields } from './scheduling.ts';

interface Part {
  readonly prefix: string;
  readonly isOptional?: true;
  put(pair: KeyValue): void;
  remove(key: string): void;
}

/** Reports the whole state of an installation and each change of it, for display. */
export function observe(
  kv: EtcdKv,
  keys: Keys,
  sink: ObservationSink,
  onError: (error: Error) => void,
): Observation {
  const observer = new Observer(keys, sink);
  const watches = observer.parts.map(
    ({ prefix, put, remove, isOptional }) =>
      new Reflector(kv, prefix, { onPut: put, onDelete: remove, onSettled() {}, onError }, { isOptional }),
  );
  const isSynced = Promise.all(watches.map((watch) => watch.isSynced)).then(() => {});
  isSynced.catch(() => {});
  return {
    isSynced,
    agents: () => observer.agents(),
    holds: () => [...observer.holds.values()],
    leader: () => observer.leader,
    assignments: () => observer.assignments,
    locks: () => observer.locks(),
    close: async () => {
      await Promise.all(watches.map((watch) => watch.close()));
    },
  };
}

class Observer {
  readonly parts: readonly Part[];
  readonly assignments = new Map<string, Assignment>();
  readonly holds = new Map<string, AgentHold>();
  leader: string | undefined;
  readonly #keys: Keys;
  readonly #sink: ObservationSink;
  readonly #stored = new Map<string, DesiredSync>();
  readonly #removals = new Set<string>();
  readonly #agents = new Map<string, AgentRecord>();
  readonly #loads = new Map<string, Agent['loads']>();
  readonly #locks = new Map<string, KeyValue>();
  readonly #slots = new Map<string, KeyValue>();
  readonly #dataSources = new Map<string, DesiredDataSource>();
  #epoch: KeyValue | undefined;

  constructor(keys: Keys, sink: ObservationSink) {
    this.#keys = keys;
    this.#sink = sink;
    this.parts = [...this.#objectParts(), ...this.#reportParts(), ...this.#clusterParts()];
  }

  agents(): readonly Agent[] {
    return [...this.#agents.values()].map((agent) => ({
      ...agent,
      loads: this.#loads.get(agent.name) ?? {},
    }));
  }

  locks(): readonly LockInfo[] {
    return locksIn({
      keys: this.#keys,
      epoch: this.#epoch,
      locks: [...this.#locks.values()],
      slots: [...this.#slots.values()],
      dataSources: this.#dataSources.values(),
    });
  }

  #objectParts(): readonly Part[] {
    const { syncs, removals, dataSources } = this.#keys;
    const uidOf = (key: string) => this.#keys.lastPart(key);
    return [
      {
        prefix: syncs,
        put: (pair) => {
          this.#stored.set(uidOf(pair.key), toSync(pair));
          this.#reportSync(uidOf(pair.key));
        },
        remove: (key) => {
          this.#stored.delete(uidOf(key));
          this.#reportSync(uidOf(key));
        },
      },
      {
        prefix: removals,
        put: ({ key }) => {
          this.#removals.add(uidOf(key));
          this.#reportSync(uidOf(key));
        },
        remove: (key) => {
          this.#removals.delete(uidOf(key));
          this.#reportSync(uidOf(key));
        },
      },
      {
        prefix: dataSources,
        put: (pair) => {
          const name = pair.key.slice(dataSources.length);
          const dataSource = toDataSource(pair);
          this.#dataSources.set(name, dataSource);
          this.#sink.onDataSource(name, dataSource);
        },
        remove: (key) => {
          this.#dataSources.delete(key.slice(dataSources.length));
          this.#sink.onDataSource(key.slice(dataSources.length), undefined);
        },
      },
    ];
  }

  #reportSync(uid: string): void {
    const sync = this.#stored.get(uid);
    const isGone = sync === undefined || isOver(sync, this.#removals.has(uid));
    this.#sink.onSync(uid, isGone ? undefined : sync);
  }

  #reportParts(): readonly Part[] {
    const { statuses, unassigned, reports } = this.#keys;
    const uidOf = (key: string) => this.#keys.lastPart(key);
    return [
      {
        prefix: statuses,
        put: (pair) => this.#sink.onStatus(uidOf(pair.key), parseRecord<SyncStatus>(pair)),
        remove: (key) => this.#sink.onStatus(uidOf(key), undefined),
      },
      {
        prefix: unassigned,
        put: (pair) => this.#sink.onUnassigned(uidOf(pair.key), parseRecord<UnassignedReason>(pair)),
        remove: (key) => this.#sink.onUnassigned(uidOf(key), undefined),
      },
      {
        prefix: reports,
        put: (pair) =>
          this.#sink.onReport(
            pair.key.slice(reports.length),
            parseRecord<DataSourceReport>(pair, reportFields),
          ),
        remove: (key) => this.#sink.onReport(key.slice(reports.length), undefined),
      },
    ];
  }

  #clusterParts(): readonly Part[] {
    const { agents, holds, loads, assignments, leader, locks, slots, epoch } = this.#keys;
    const last = (key: string) => this.#keys.lastPart(key);
    const agentsChange = () => this.#sink.onAgents();
    const part = (prefix: string, put: Part['put'], remove: Part['remove'], changed: () => void): Part => ({
      prefix,
      put: (pair) => {
        put(pair);
        changed();
      },
      remove: (key) => {
        remove(key);
        changed();
      },
    });
    const kept = (prefix: string, map: Map<string, KeyValue>) =>
      part(
        prefix,
        (pair) => map.set(pair.key, pair),
        (key) => map.delete(key),
        () => this.#sink.onLocks(),
      );
    return [
      part(
        agents,
        (pair) => this.#agents.set(last(pair.key), parseRecord<AgentRecord>(pair, agentFields)),
        (key) => this.#agents.delete(last(key)),
        agentsChange,
      ),
      {
        ...part(
          holds,
          (pair) => this.holds.set(last(pair.key), parseRecord<AgentHold>(pair, holdFields)),
          (key) => this.holds.delete(last(key)),
          agentsChange,
        ),
        isOptional: true,
      },
      part(
        loads,
        (pair) => this.#loads.set(last(pair.key), parseRecord<Agent['loads']>(pair)),
        (key) => this.#loads.delete(last(key)),
        agentsChange,
      ),
      part(
        assignments,
        (pair) => this.#assign(pair),
        (key) => this.#unassign(key),
        agentsChange,
      ),
      part(
        leader,
        (pair) => {
          this.leader = parseRecord<LeaderRecord>(pair).agent;
        },
        () => {
          this.leader = undefined;
        },
        agentsChange,
      ),
      kept(locks, this.#locks),
      kept(slots, this.#slots),
      {
        prefix: epoch,
        put: (pair) => {
          this.#epoch = pair;
        },
        remove: () => {
          this.#epoch = undefined;
        },
      },
    ];
  }

  #assign(pair: KeyValue): void {
    const uid = this.#keys.lastPart(pair.key);
    const assignment = parseRecord<Assignment>(pair, assignmentFields);
    this.assignments.set(uid, assignment);
    this.#sink.onAssignment(uid, assignment);
  }

  #unassign(key: string): void {
    const uid = this.#keys.lastPart(key);
    const [agent] = key.slice(this.#keys.assignments.length).split('/');
    // A move deletes one key and puts another at one revision, in either order.
    if (this.assignments.get(uid)?.agent !== agent) return;
    this.assignments.delete(uid);
    this.#sink.onAssignment(uid, undefined);
  }
}
