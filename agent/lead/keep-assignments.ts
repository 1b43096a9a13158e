import { setImmediate as nextTurn } from 'node:timers/promises';
import type {
  Agent,
  Assignment,
  AssignmentChange,
  ClusterView,
  Leadership,
  MovesQuestion,
  PlannedMoves,
} from '../../coordination/contract.ts';
import { orAborted } from '../../core/aborted.ts';
import type { Clock } from '../../core/clock.ts';
import type { Log } from '../../core/log.ts';
import { assign, type Balance } from '../balance/assign.ts';
import {
  type Availability,
  AvailabilityTracker,
  defaultGraces,
  type Graces,
} from '../balance/availability.ts';
import {
  type Manifests,
  type ReadManifests,
  remembering,
  type Wanted,
  type WantedSync,
  wantedSyncs,
} from '../balance/wanted.ts';
import { ThrottledWarnings } from '../throttled-warnings.ts';
import { type MovePlanner, plannedMoves, requireAgent } from './planned-moves.ts';
import { WakeUp } from './wake-up.ts';

export interface KeepAssignmentsDeps {
  readonly clock: Clock;
  readonly log: Log;
  readonly manifests: Manifests;
  readonly graces?: Graces;
  /** Called for each watch that fails; default: logs a warning. */
  readonly onWatchError?: ((error: Error) => void) | undefined;
  /** Called when the view is complete; the view lives as long as the signal. For the other duties of a leader. */
  readonly onView?: (view: ClusterView, signal: AbortSignal) => void;
  /** Called with the planner when there is one, and with undefined when leading ends. */
  readonly onPlanner?: ((planner: MovePlanner | undefined) => void) | undefined;
  /** Called after each decision that was written. */
  readonly onDecision?: (decision: Decision) => void;
}

export interface Decision {
  /** Assignments whose owner changed or was set for the first time. */
  readonly moves: number;
  readonly changes: number;
  readonly decideMs: number;
  readonly writeMs: number;
}

/** Changes arrive in bursts (a deploy, a lost node). The longer a decision takes, the longer the next one is delayed. */
const gatherMs = { least: 100, most: 500, perDecidingMs: 4 };
/** Longest time of reading manifests without a pause. */
const readingPartMs = 20;
/** If the view does not show a write after this time, the decision is made again. */
const catchUpMs = 5_000;

/** Maintains the assignments until the signal or the leadership ends. Throws `fenced` if leadership is lost during a write. */
export async function keepAssignments(
  leadership: Leadership,
  deps: KeepAssignmentsDeps,
  signal: AbortSignal,
): Promise<void> {
  const ends = AbortSignal.any([signal, leadership.signal]);
  const wake = new WakeUp(deps.clock);
  const warnings = new ThrottledWarnings(deps.log, deps.clock);
  const watching = leadership.watchCluster(
    () => wake.ring(),
    deps.onWatchError ?? ((error) => warnings.warn('the cluster cannot be watched; will retry', error)),
  );
  try {
    await orAborted(watching.isSynced, ends);
    deps.onView?.(watching.view, ends);
    const keeper = new AssignmentKeeper(leadership, deps, watching.view, wake);
    deps.onPlanner?.(keeper);
    await keeper.run(ends);
  } catch (error) {
    if (!ends.aborted) throw error;
  } finally {
    deps.onPlanner?.(undefined);
    await watching.close();
  }
}

class AssignmentKeeper implements MovePlanner {
  readonly #leadership: Leadership;
  readonly #deps: KeepAssignmentsDeps;
  readonly #view: ClusterView;
  readonly #wake: WakeUp;
  readonly #graces: Graces;
  readonly #availability: AvailabilityTracker;
  readonly #manifests: ReadManifests;
  #decidingMs = 0;
  #rebalance: PromiseWithResolvers<PlannedMoves> | undefined;

  constructor(leadership: Leadership, deps: KeepAssignmentsDeps, view: ClusterView, wake: WakeUp) {
    this.#leadership = leadership;
    this.#deps = deps;
    this.#view = view;
    this.#wake = wake;
    this.#manifests = remembering(deps.manifests);
    this.#graces = deps.graces ?? defaultGraces;
    this.#availability = new AvailabilityTracker(deps.clock, this.#graces);
  }

  async run(signal: AbortSignal): Promise<void> {
    await this.#readManifests(signal);
    for (;;) {
      const againInMs = await this.#decide(signal);
      if (this.#rebalance) this.#wake.ring();
      await this.#wake.wait(againInMs, signal);
      // Recorded before the gathering, so that an agent that joins and leaves within it is not missed.
      this.#availability.see(this.#view.agents);
      const wantedMs = this.#decidingMs * gatherMs.perDecidingMs;
      await this.#deps.clock.sleep(Math.min(gatherMs.most, Math.max(gatherMs.least, wantedMs)), signal);
    }
  }

  preview(question: MovesQuestion): PlannedMoves {
    const isClose = question.action === 'rebalance';
    if (question.action !== 'rebalance') requireAgent(this.#view, question.agent);
    const { wanted, balance } = this.#assign((agent) => this.#availabilityAfter(question, agent), isClose);
    return plannedMoves(this.#view, wanted, balance);
  }

  async rebalance(signal: AbortSignal): Promise<PlannedMoves> {
    this.#rebalance ??= Promise.withResolvers<PlannedMoves>();
    const { promise } = this.#rebalance;
    this.#wake.ring();
    return await orAborted(promise, AbortSignal.any([signal, this.#leadership.signal]));
  }

  #availabilityAfter(question: MovesQuestion, agent: Agent): Availability {
    if (question.action === 'rebalance') return this.#withoutGraces(agent);
    if (question.agent !== agent.name || agent.isDraining) return this.#availabilityOf(agent);
    if (question.action === 'cordon') return { availability: 'cordoned' };
    // As it will be in the end, when long passes are over.
    return question.action === 'drain' ? { availability: 'emptied' } : this.#availability.of(agent);
  }

  #availabilityOf(agent: Agent): Availability {
    return this.#availability.of(agent, this.#view.holds.get(agent.name));
  }

  #withoutGraces(agent: Agent): Availability {
    const now = this.#availabilityOf(agent);
    const isInGrace = now.availability === 'returning' || now.availability === 'unsteady';
    return isInGrace ? { ...now, availability: 'open' } : now;
  }

  #assign(availabilityOf: (agent: Agent) => Availability, isClose: boolean) {
    const agents = [...this.#view.agents.values()].map((agent) => ({
      name: agent.name,
      labels: agent.labels,
      ...availabilityOf(agent),
    }));
    const now = this.#deps.clock.now();
    const wanted = wantedSyncs(this.#view, this.#manifests, now, this.#graces.memoryMs);
    const syncs = wanted.syncs.map((each) => each.balance);
    return { agents, wanted, balance: assign({ agents, syncs }, { isClose }) };
  }

  /** A new leader reads thousands of manifests: in parts, so that its lease is renewed in between. */
  async #readManifests(signal: AbortSignal): Promise<void> {
    let partStartMs = this.#deps.clock.monotonicMs();
    for (const sync of [...this.#view.syncs.values()]) {
      this.#manifests.needsOfSync(sync);
      if (this.#deps.clock.monotonicMs() - partStartMs < readingPartMs) continue;
      await nextTurn();
      signal.throwIfAborted();
      partStartMs = this.#deps.clock.monotonicMs();
    }
  }

  async #decide(signal: AbortSignal): Promise<number> {
    const startMs = this.#deps.clock.monotonicMs();
    this.#wake.clear();
    this.#availability.see(this.#view.agents);
    const rebalance = this.#rebalance;
    this.#rebalance = undefined;
    const { agents, wanted, balance } = this.#assign(
      (agent) => (rebalance ? this.#withoutGraces(agent) : this.#availabilityOf(agent)),
      rebalance !== undefined,
    );
    const planned = rebalance && plannedMoves(this.#view, wanted, balance);
    const changes = this.#changes(wanted, balance);
    const decidedMs = this.#deps.clock.monotonicMs();
    this.#decidingMs = decidedMs - startMs;
    if (changes.length > 0) {
      await this.#leadership.write(changes);
      const writeMs = this.#deps.clock.monotonicMs() - decidedMs;
      this.#deps.log.info('assignments changed', { moves: balance.moves.length, changes: changes.length });
      this.#deps.onDecision?.({
        moves: balance.moves.length,
        changes: changes.length,
        decideMs: this.#decidingMs,
        writeMs,
      });
    }
    if (planned) rebalance?.resolve(planned);
    if (changes.length > 0) await this.#catchUp(changes, signal);
    await this.#leadership.reportUnassigned([...wanted.cannotRun, ...balance.unassigned]);
    return Math.min(...agents.map(({ changesInMs }) => changesInMs ?? Number.POSITIVE_INFINITY));
  }

  #changes({ syncs }: Wanted, { moves, unassigned }: Balance): AssignmentChange[] {
    const to = new Map(moves.map((move) => [move.uid, move.to]));
    const lost = new Set(unassigned.map(({ uid }) => uid));
    const kept = new Set<string>();
    const changes: AssignmentChange[] = [];
    for (const sync of syncs) {
      const { uid } = sync.balance;
      if (lost.has(uid)) continue;
      kept.add(uid);
      const change = this.#changeOf(sync, to.get(uid));
      if (change) changes.push(change);
    }
    for (const { uid, agent } of this.#view.assignments.values())
      if (!kept.has(uid)) changes.push({ kind: 'remove', uid, from: agent });
    return changes;
  }

  /** A new version of a sync or data source is passed to its owner; it does not move the sync. */
  #changeOf({ balance, ...versions }: WantedSync, to: string | undefined): AssignmentChange | undefined {
    const stored = this.#view.assignments.get(balance.uid);
    if (to !== undefined) {
      const assignedAt = new Date(this.#deps.clock.now()).toISOString();
      // The first assignment of a sync is not a move.
      const recentMoves = stored ? balance.recentMoves + 1 : 0;
      const assignment: Assignment = { uid: balance.uid, agent: to, ...versions, assignedAt, recentMoves };
      return { kind: 'assign', assignment, ...(stored ? { from: stored.agent } : {}) };
    }
    if (!stored || isAtVersions(stored, versions)) return undefined;
    return { kind: 'assign', assignment: { ...stored, ...versions } };
  }

  /** The next decision must not be based on the state before this one. */
  async #catchUp(changes: readonly AssignmentChange[], signal: AbortSignal): Promise<void> {
    const deadline = this.#deps.clock.monotonicMs() + catchUpMs;
    while (!changes.every((change) => this.#isSeen(change))) {
      const leftMs = deadline - this.#deps.clock.monotonicMs();
      if (leftMs <= 0) return;
      await this.#wake.wait(leftMs, signal);
      this.#wake.clear();
    }
    // Changes that arrived meanwhile may be more than the echo of the write.
    this.#wake.ring();
  }

  #isSeen(change: AssignmentChange): boolean {
    if (change.kind === 'remove') return this.#view.assignments.get(change.uid)?.agent !== change.from;
    const { assignment } = change;
    const stored = this.#view.assignments.get(assignment.uid);
    // Just purged: the view will not show it.
    if (!stored) return !this.#view.syncs.has(assignment.uid);
    return stored.agent === assignment.agent && isAtVersions(stored, assignment);
  }
}

type Versions = Pick<Assignment, 'syncVersion' | 'sourceVersion' | 'destinationVersion'>;

function isAtVersions(stored: Versions, wanted: Versions): boolean {
  return (
    stored.syncVersion === wanted.syncVersion &&
    stored.sourceVersion === wanted.sourceVersion &&
    stored.destinationVersion === wanted.destinationVersion
  );
}
