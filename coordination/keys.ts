import type { TrendKind } from '../core/trend.ts';
import { type KeyRange, underPrefix } from './etcd/transport.ts';

/**
 * Every key of Idra in etcd; no other code builds keys. The version in the prefix is that of the layout: agents of two adjacent versions
 * run side by side, so a change that an older one cannot read gets a new number, and both layouts are written for one version. Values are
 * JSON. "Session" is the lease of one agent; "-" means none: such keys stay until they are deleted.
 */
export class Keys {
  readonly root: string;

  constructor(prefix: string) {
    this.root = `${prefix}v1/`;
  }

  /** DesiredSync. Written by operator and `idra apply`, read by leader and agents. Lease: -. */
  sync(uid: string): string {
    return `${this.syncs}${uid}`;
  }
  get syncs(): string {
    return `${this.root}syncs/`;
  }

  /** The uid of the newest Sync with a name. Written with the Sync, read to find a Sync by name. Lease: -. */
  name(namespace: string, name: string): string {
    return `${this.root}names/${namespace}/${name}`;
  }

  /** DesiredDataSource. Written by operator and `idra apply`, read by leader and agents. Lease: -. */
  dataSource(namespace: string, name: string): string {
    return `${this.dataSources}${namespace}/${name}`;
  }
  get dataSources(): string {
    return `${this.root}data-sources/`;
  }

  /**
   * Agent without its loads. Written by the agent, read by the leader and for display. Lease: session; its expiry means that the agent
   * has ended.
   */
  agent(name: string): string {
    return `${this.agents}${name}`;
  }
  get agents(): string {
    return `${this.root}agents/`;
  }

  /** AgentHold. Written for users by the API server and the command line, read by the leader and for display. Lease: -. */
  hold(agent: string): string {
    return `${this.holds}${agent}`;
  }
  get holds(): string {
    return `${this.root}holds/`;
  }

  /** Measured load of an agent's syncs, by uid. Written by the agent periodically, read by the leader. Lease: session. */
  load(agent: string): string {
    return `${this.loads}${agent}`;
  }
  get loads(): string {
    return `${this.root}loads/`;
  }

  /** The last transaction of a session; each is conditional on the previous one. Written and read by the agent. Lease: session. */
  session(agent: string): string {
    return `${this.root}sessions/${agent}`;
  }

  /** LeaderRecord. Created by the agent that becomes leader; its create revision is the term. Read by all. Lease: session. */
  get leader(): string {
    return `${this.root}leader`;
  }

  /** Assignment. Written by the leader, conditional on its term; read by that agent. Lease: -. */
  assignment(agent: string, uid: string): string {
    return `${this.assignmentsOf(agent)}${uid}`;
  }
  assignmentsOf(agent: string): string {
    return `${this.assignments}${agent}/`;
  }
  get assignments(): string {
    return `${this.root}assignments/`;
  }

  /**
   * UnassignedReason by uid of a Sync that nobody can run. Written by the leader, conditional on its term; read by the operator and for
   * display. Lease: session.
   */
  get unassigned(): string {
    return `${this.root}unassigned/`;
  }

  /**
   * RateDemand by namespace and name of a data source with a rate limit, and agent. Written by that agent, read by agents. Lease:
   * session.
   */
  get rates(): string {
    return `${this.root}rates/`;
  }

  /** LockRecord. Created by the agent that runs the Sync; its create revision is the fencing token. Lease: session. */
  lock(uid: string): string {
    return `${this.locks}${uid}`;
  }
  get locks(): string {
    return `${this.root}locks/`;
  }

  /**
   * SlotRecord: which Syncs hold or await a slot of a data source; the oldest ones hold. Written by the agent that runs the Sync. Lease:
   * session.
   */
  slot(namespace: string, name: string, uid: string): string {
    return `${this.slotsOf(namespace, name)}${uid}`;
  }
  slotsOf(namespace: string, name: string): string {
    return `${this.slots}${namespace}/${name}/`;
  }
  get slots(): string {
    return `${this.root}places/`;
  }

  /** Encoded offset. Written under the lock, read at a claim. Lease: -. */
  offset(uid: string): string {
    return `${this.root}offsets/${uid}`;
  }

  /** SyncProgress. Written under the lock, read at a claim. Lease: -. */
  progress(uid: string): string {
    return `${this.root}memory/${uid}`;
  }

  /** SyncStatus. Written under the lock, read by the operator and for display. Lease: -. */
  status(uid: string): string {
    return `${this.statuses}${uid}`;
  }
  get statuses(): string {
    return `${this.root}status/`;
  }

  /** The last manual changes of the offset. Written under the lock, read by undo requests and for display. Lease: -. */
  history(uid: string): string {
    return `${this.root}history/${uid}`;
  }

  /** Request. Written by operator and command line, deleted under the lock when it is done. Lease: -. */
  request(uid: string, type: string, id: string): string {
    return `${this.requestsOf(uid)}${type}/${encodeURIComponent(id)}`;
  }
  requestsOf(uid: string): string {
    return `${this.requests}${uid}/`;
  }
  get requests(): string {
    return `${this.root}requests/`;
  }

  /** The last executed requests of a Sync. Written under the lock, read when one is posted. Lease: -. */
  answers(uid: string): string {
    return `${this.root}answers/${uid}`;
  }

  /** DataSourceReport. Written by an agent, read by the operator and for display. Lease: -. */
  report(namespace: string, name: string): string {
    return `${this.reports}${namespace}/${name}`;
  }
  get reports(): string {
    return `${this.root}reports/`;
  }

  /** Probe. Written by the asker, read by agents. Lease: the asker's, while it waits. */
  probe(id: string): string {
    return `${this.probes}${id}`;
  }
  get probes(): string {
    return `${this.root}probes/`;
  }

  /** Which agent answers a probe. Created by that agent. Lease: session, so it is released if the agent dies meanwhile. */
  probeClaim(id: string): string {
    return `${this.probeClaims}${id}`;
  }
  get probeClaims(): string {
    return `${this.root}probe-claims/`;
  }

  /** ProbeAnswer. Written by the agent, read by the asker. Lease: the asker's. */
  probeAnswer(id: string): string {
    return `${this.root}probe-answers/${id}`;
  }

  /**
   * TrialRecord: an agent connects to a data source for the first time. Written and deleted by that agent; outlives an agent that dies.
   * Lease: -.
   */
  trial(dataSource: string, instance: string): string {
    return `${this.trialsOf(dataSource)}${instance}`;
  }
  /** `namespace/name`. */
  trialsOf(dataSource: string): string {
    return `${this.root}trials/${dataSource}/`;
  }

  /**
   * Removal: deletion of a Sync is complete, and one side has deleted the keys that it writes. Written by agents, operator and command
   * line; deleted by the leader, last of all. Lease: -.
   */
  removed(uid: string): string {
    return `${this.removals}${uid}`;
  }
  get removals(): string {
    return `${this.root}removed/`;
  }

  /** Documents of the API server: users, sessions, tokens, audit log. Written and read by it alone. Lease: -. */
  document(name: string): string {
    return `${this.documents}${name}`;
  }
  get documents(): string {
    return `${this.root}api/`;
  }

  /** Lists of uids that slots refer to. Written by agents, deleted by the leader when they are old. Lease: -. */
  trendList(atMs: number, agent: string): string {
    return `${this.trendLists}${String(Math.max(0, Math.floor(atMs))).padStart(14, '0')}-${agent}`;
  }
  get trendLists(): string {
    return `${this.trends}agents/`;
  }
  /** Points of charts: one key for all Syncs of an agent and an interval. Written by that agent, deleted by the leader. Lease: -. */
  trend(kind: TrendKind, tick: number, agent: string): string {
    return `${this.trendsOf(kind)}${String(tick).padStart(10, '0')}/${agent}`;
  }
  trendsOf(kind: TrendKind): string {
    return `${this.trends}${kind}/`;
  }
  get trends(): string {
    return `${this.root}trends/`;
  }

  /** The epoch of fencing tokens. Written by `idra epoch raise`, read by agents when they join and acquire. Lease: -. */
  get epoch(): string {
    return `${this.root}epoch`;
  }

  /** All keys of Idra. */
  get all(): Required<KeyRange> {
    return underPrefix(this.root);
  }

  /** The last part of a key: uid, agent or name. */
  lastPart(key: string): string {
    return key.slice(key.lastIndexOf('/') + 1);
  }
}
