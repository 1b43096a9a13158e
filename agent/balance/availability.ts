import type { Agent, AgentHold } from '../../coordination/contract.ts';
import type { Clock } from '../../core/clock.ts';
import type { AgentAvailability } from './balance-input.ts';

export interface Graces {
  /** Counted from an announced restart, and from the last of several: a rolling update is one event. */
  readonly returnMs: number;
  /** Doubled with each further unannounced loss. */
  readonly unsteadyMs: number;
  /** Period in which losses are counted. */
  readonly memoryMs: number;
}

export const defaultGraces: Graces = { returnMs: 30_000, unsteadyMs: 30_000, memoryMs: 600_000 };

const lossesToBeUnsteady = 2;
const mostDoublings = 4;

export interface Availability {
  readonly availability: AgentAvailability;
  readonly changesInMs?: number;
}

interface Past {
  instance: string;
  isDraining: boolean;
  isGone: boolean;
  /** Monotonic times. */
  losses: number[];
  /** Time at which it came back from an announced restart. */
  returnedAt?: number;
  joinedAt: number;
}

/**
 * The leader's memory of agents that left and came back. A new leader starts without memory and treats agents that have just joined as
 * returned ones.
 */
export class AvailabilityTracker {
  readonly #clock: Clock;
  readonly #graces: Graces;
  readonly #pasts = new Map<string, Past>();
  /** When a drain that a user wants was first seen: the clock of the user's machine may be wrong. */
  readonly #drains = new Map<string, { readonly at: string; readonly seenMs: number }>();
  #lastDrain = Number.NEGATIVE_INFINITY;
  #isFirst = true;

  constructor(clock: Clock, graces: Graces = defaultGraces) {
    this.#clock = clock;
    this.#graces = graces;
  }

  /** Call with the agents that are currently members. */
  see(agents: ReadonlyMap<string, Agent>): void {
    const now = this.#clock.monotonicMs();
    for (const [name, past] of this.#pasts) {
      if (agents.has(name)) continue;
      if (!past.isGone) this.#lose(past, now);
      const isForgotten = now - Math.max(past.joinedAt, ...past.losses) > this.#graces.memoryMs;
      if (past.isGone && isForgotten) this.#pasts.delete(name);
    }
    for (const agent of agents.values()) this.#seeOne(agent, now);
    this.#isFirst = false;
  }

  /** Also returns the time after which the availability changes without further events. */
  of(agent: Agent, hold?: AgentHold): Availability {
    if (agent.isDraining) return { availability: 'draining' };
    if (hold?.mode === 'Draining') return this.#drained(hold);
    if (hold) return { availability: 'cordoned' };
    const past = this.#pasts.get(agent.name);
    if (!past) return { availability: 'open' };
    const now = this.#clock.monotonicMs();
    const losses = past.losses.filter((at) => now - at < this.#graces.memoryMs).length;
    const doublings = Math.min(losses - lossesToBeUnsteady, mostDoublings);
    const steadyIn = past.joinedAt + this.#graces.unsteadyMs * 2 ** doublings - now;
    if (losses >= lossesToBeUnsteady && steadyIn > 0)
      return { availability: 'unsteady', changesInMs: steadyIn };
    if (past.returnedAt === undefined) return { availability: 'open' };
    const filledIn = Math.max(past.returnedAt, this.#lastDrain) + this.#graces.returnMs - now;
    return filledIn > 0 ? { availability: 'returning', changesInMs: filledIn } : { availability: 'open' };
  }

  #drained({ agent, at, passWaitMs }: AgentHold): Availability {
    const now = this.#clock.monotonicMs();
    const known = this.#drains.get(agent);
    const { seenMs } = known?.at === at ? known : { seenMs: now };
    this.#drains.set(agent, { at, seenMs });
    const leftMs = Math.min(seenMs + passWaitMs - now, Date.parse(at) + passWaitMs - this.#clock.now());
    return leftMs > 0 ? { availability: 'emptying', changesInMs: leftMs } : { availability: 'emptied' };
  }

  #seeOne(agent: Agent, now: number): void {
    const past = this.#pasts.get(agent.name);
    const { instance, isDraining } = agent;
    if (!past) {
      const isNew = this.#isFirst && this.#clock.now() - Date.parse(agent.joinedAt) < this.#graces.returnMs;
      const since = { instance, isDraining: false, isGone: false, losses: [], joinedAt: now };
      this.#pasts.set(agent.name, isNew ? { ...since, returnedAt: now } : since);
    } else if (past.isGone || past.instance !== instance) {
      // It left and came back between two calls.
      if (!past.isGone) this.#lose(past, now);
      if (past.isDraining) past.returnedAt = now;
      else delete past.returnedAt;
      Object.assign(past, { instance, isDraining: false, isGone: false, joinedAt: now });
    }
    const seen = this.#pasts.get(agent.name);
    if (!seen || !isDraining || seen.isDraining) return;
    seen.isDraining = true;
    this.#lastDrain = now;
  }

  #lose(past: Past, now: number): void {
    past.isGone = true;
    if (!past.isDraining) past.losses = [...past.losses, now].slice(-10);
  }
}
