import type { BalanceAgent, BalanceSync } from './assign.ts';

/** Syncs whose selectors ask for the same: they may run on the same agents. */
interface Kind {
  readonly id: string;
  /** By name; draining ones are not among them. */
  readonly agents: ReadonlySet<string>;
}

interface Carried {
  readonly agent: BalanceAgent;
  load: number;
  readonly kinds: Map<string, Map<string, BalanceSync>>;
}

/** What each agent carries while `assign` decides. */
export class Loads {
  readonly #carried = new Map<string, Carried>();
  readonly #kinds = new Map<string, Kind>();
  readonly #kindOf = new Map<BalanceSync, Kind>();

  constructor(agents: readonly BalanceAgent[]) {
    for (const agent of [...agents].sort((a, b) => (a.name < b.name ? -1 : 1))) {
      if (agent.standing !== 'draining') this.#carried.set(agent.name, { agent, load: 0, kinds: new Map() });
    }
  }

  mayRun(agent: string, sync: BalanceSync): boolean {
    return this.#kind(sync).agents.has(agent);
  }

  of(agent: string): number {
    return this.#carried.get(agent)?.load ?? 0;
  }

  add(agent: string, sync: BalanceSync): void {
    const carried = this.#carried.get(agent);
    if (!carried) return;
    const { id } = this.#kind(sync);
    const alike = carried.kinds.get(id) ?? new Map<string, BalanceSync>();
    carried.kinds.set(id, alike.set(sync.uid, sync));
    carried.load += sync.weight;
  }

  remove(agent: string, sync: BalanceSync): void {
    const carried = this.#carried.get(agent);
    if (carried?.kinds.get(this.#kind(sync).id)?.delete(sync.uid)) carried.load -= sync.weight;
  }

  /**
   * The agent for a sync that has none: the least load, an unsteady one last of all. Of equals the one that has just come back:
   * in a rolling update those that have not restarted yet would give it away once more.
   */
  roomiest(sync: BalanceSync): string | undefined {
    let best: Carried | undefined;
    for (const name of this.#kind(sync).agents) {
      const one = this.#carried.get(name);
      if (one && (!best || isRoomier(one, best))) best = one;
    }
    return best?.agent.name;
  }

  /** Of the agents that may be filled up. */
  least(): number {
    let least = Number.POSITIVE_INFINITY;
    for (const { agent, load } of this.#carried.values())
      if (agent.standing === 'open') least = Math.min(least, load);
    return least;
  }

  fullestFirst(): string[] {
    return [...this.#carried.values()].sort((a, b) => b.load - a.load).map(({ agent }) => agent.name);
  }

  /** For each kind of sync on the agent the least loaded other that may be filled up with it, the least of all first. */
  outlets(from: string): { readonly to: string; readonly syncs: Iterable<BalanceSync> }[] {
    const outlets: { to: string; load: number; syncs: Iterable<BalanceSync> }[] = [];
    for (const [id, syncs] of this.#carried.get(from)?.kinds ?? []) {
      let best: Carried | undefined;
      for (const name of this.#kinds.get(id)?.agents ?? []) {
        const one = this.#carried.get(name);
        if (one && name !== from && one.agent.standing === 'open' && (!best || one.load < best.load))
          best = one;
      }
      if (best) outlets.push({ to: best.agent.name, load: best.load, syncs: syncs.values() });
    }
    return outlets.sort((a, b) => a.load - b.load);
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
    return new Set(
      agents
        .filter((agent) => labels.every(([key, value]) => agent.labels[key] === value))
        .map(({ name }) => name),
    );
  }
}

function isRoomier(one: Carried, other: Carried): boolean {
  const [unsteady, otherUnsteady] = [one.agent.standing === 'unsteady', other.agent.standing === 'unsteady'];
  if (unsteady !== otherUnsteady) return otherUnsteady;
  if (one.load !== other.load) return one.load < other.load;
  return one.agent.standing === 'returning' && other.agent.standing !== 'returning';
}
