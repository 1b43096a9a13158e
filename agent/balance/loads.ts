import { hasLabels } from '../../core/labels.ts';
import type { BalanceAgent, BalanceSync } from './balance-input.ts';

/** Syncs with equal selectors: they may run on the same agents. */
interface Kind {
  readonly id: string;
  /** By name, without draining ones; also those that users hold. */
  readonly agents: ReadonlySet<string>;
}

/** Syncs of one kind, weight and cost, which are interchangeable for a move. */
export interface SyncGroup {
  readonly weight: number;
  readonly cost: number;
  readonly syncs: Set<BalanceSync>;
}

interface Carried {
  readonly agent: BalanceAgent;
  load: number;
  /** By kind, then by weight and cost. */
  readonly kinds: Map<string, Map<string, SyncGroup>>;
}

/** The load of each agent while `assign` decides. */
export class Loads {
  readonly #carried = new Map<string, Carried>();
  readonly #kinds = new Map<string, Kind>();
  readonly #kindOf = new Map<BalanceSync, Kind>();

  constructor(agents: readonly BalanceAgent[]) {
    for (const agent of [...agents].sort((a, b) => (a.name < b.name ? -1 : 1))) {
      if (agent.availability !== 'draining')
        this.#carried.set(agent.name, { agent, load: 0, kinds: new Map() });
    }
  }

  /** Whether its owner may go on with it. */
  mayKeep(agent: string, sync: BalanceSync): boolean {
    const availability = this.#carried.get(agent)?.agent.availability;
    if (availability === 'emptied' || (availability === 'emptying' && !sync.isMidPass)) return false;
    return this.#kind(sync).agents.has(agent);
  }

  /** The agents that have its labels but that users hold, by name. */
  heldFor(sync: BalanceSync): readonly string[] {
    return [...this.#kind(sync).agents].filter((name) => this.#isHeld(name));
  }

  of(agent: string): number {
    return this.#carried.get(agent)?.load ?? 0;
  }

  /** `cost`: the cost of moving it away again; syncs of low cost are moved first. */
  add(agent: string, sync: BalanceSync, cost: number): void {
    const carried = this.#carried.get(agent);
    if (!carried) return;
    const { weight } = sync;
    const { id } = this.#kind(sync);
    const groups = carried.kinds.get(id) ?? new Map<string, SyncGroup>();
    carried.kinds.set(id, groups);
    const group = `${cost} ${weight}`;
    const syncGroup = groups.get(group) ?? { weight, cost, syncs: new Set() };
    syncGroup.syncs.add(sync);
    groups.set(group, syncGroup);
    carried.load += weight;
  }

  remove(agent: string, sync: BalanceSync, cost: number): void {
    const carried = this.#carried.get(agent);
    const groups = carried?.kinds.get(this.#kind(sync).id);
    const group = `${cost} ${sync.weight}`;
    const syncGroup = groups?.get(group);
    if (!carried || !syncGroup?.syncs.delete(sync)) return;
    carried.load -= sync.weight;
    if (syncGroup.syncs.size === 0) groups?.delete(group);
  }

  /**
   * The agent for an unplaced sync: the one with the least load, with unsteady agents last. Among equals, the one that restarted most
   * recently: in a rolling update, agents that have not restarted yet would give it away again.
   */
  leastLoaded(sync: BalanceSync): string | undefined {
    let best: Carried | undefined;
    for (const name of this.#kind(sync).agents) {
      const one = this.#carried.get(name);
      if (one && !isHeld(one) && (!best || isLessLoaded(one, best))) best = one;
    }
    return best?.agent.name;
  }

  /** Among the agents that may be filled up. */
  leastLoad(): number {
    let least = Number.POSITIVE_INFINITY;
    for (const { agent, load } of this.#carried.values())
      if (agent.availability === 'open') least = Math.min(least, load);
    return least;
  }

  /** The agents that may give syncs away to even the loads. */
  fullestFirst(): string[] {
    return [...this.#carried.values()]
      .filter((each) => !isHeld(each))
      .sort((a, b) => b.load - a.load)
      .map(({ agent }) => agent.name);
  }

  /** For each kind of sync on the agent, the least loaded other agent that may be filled up with it, in order of load. */
  moveCandidates(from: string): { readonly to: string; readonly groups: Iterable<SyncGroup> }[] {
    const moveCandidates: { to: string; load: number; groups: Iterable<SyncGroup> }[] = [];
    for (const [id, groups] of this.#carried.get(from)?.kinds ?? []) {
      let best: Carried | undefined;
      for (const name of this.#kinds.get(id)?.agents ?? []) {
        const one = this.#carried.get(name);
        if (one && name !== from && one.agent.availability === 'open' && (!best || one.load < best.load))
          best = one;
      }
      if (best) moveCandidates.push({ to: best.agent.name, load: best.load, groups: groups.values() });
    }
    return moveCandidates.sort((a, b) => a.load - b.load);
  }

  #isHeld(name: string): boolean {
    const carried = this.#carried.get(name);
    return carried !== undefined && isHeld(carried);
  }

  #kind(sync: BalanceSync): Kind {
    const known = this.#kindOf.get(sync);
    if (known) return known;
    const wanted = sync.selectors.flatMap((selector) => Object.entries(selector));
    const id = wanted
      .map((pair) => JSON.stringify(pair))
      .sort()
      .join();
    const kind = this.#kinds.get(id) ?? { id, agents: this.#having(wanted) };
    this.#kinds.set(id, kind);
    this.#kindOf.set(sync, kind);
    return kind;
  }

  #having(labels: readonly (readonly [string, string])[]): ReadonlySet<string> {
    const agents = [...this.#carried.values()].map(({ agent }) => agent);
    return new Set(agents.filter((agent) => hasLabels(agent.labels, labels)).map(({ name }) => name));
  }
}

function isHeld({ agent: { availability } }: Carried): boolean {
  return availability === 'cordoned' || availability === 'emptying' || availability === 'emptied';
}

function isLessLoaded(one: Carried, other: Carried): boolean {
  const [unsteady, otherUnsteady] = [
    one.agent.availability === 'unsteady',
    other.agent.availability === 'unsteady',
  ];
  if (unsteady !== otherUnsteady) return otherUnsteady;
  if (one.load !== other.load) return one.load < other.load;
  return one.agent.availability === 'returning' && other.agent.availability !== 'returning';
}
