import { labelTexts } from '../../core/labels.ts';
import type { BalanceAgent, BalanceInput, BalanceSync } from './balance-input.ts';
import { Loads, type SyncGroup } from './loads.ts';

export interface Move {
  readonly uid: string;
  readonly from?: string;
  readonly to: string;
}

export interface Unassigned {
  readonly uid: string;
  readonly from?: string;
  readonly reason: 'NoAgent' | 'NoEligibleAgent';
  readonly message: string;
}

export interface Balance {
  readonly moves: readonly Move[];
  readonly unassigned: readonly Unassigned[];
}

/** Sums of weights are floating point. */
const slack = 1e-9;
/** Less than the cost of any sync that could stay: this sync has already moved in this decision. */
const movesAnyway = -1;
/** A closer balance must lessen the difference between two agents at least by this share of it: moves are not free. */
const worthMoving = 0.25;
/** More than the cost of any sync that may be moved for load. */
const stays = Number.POSITIVE_INFINITY;

/**
 * Decides which agent runs which Sync, as the difference to the current assignments.
 *
 * A sync without an eligible owner goes to the agent with the least load. Then, while one agent carries more than the largest weight
 * above another, the first gives to the second. Without selectors this ends within the largest weight of an even spread, and only agents
 * above the mean give and only agents below it receive; with equal weights the spread is even within one, with the minimum number of
 * moves. The result does not depend on the order of agents and syncs in the input, and applying it leaves nothing to move.
 *
 * `isClose`: evens the loads as far as moves are worth it, not only within the largest weight; for a rebalance that a user wants.
 */
export function assign(
  input: BalanceInput,
  { isClose = false }: { readonly isClose?: boolean } = {},
): Balance {
  const loads = new Loads(input.agents);
  const unplaced: BalanceSync[] = [];
  const weightLimit = input.syncs.reduce((most, { weight }) => Math.max(most, weight), 0);
  for (const sync of [...input.syncs].sort(byUid)) {
    if (sync.owner !== undefined && loads.mayKeep(sync.owner, sync))
      loads.add(sync.owner, sync, sync.isMidPass ? stays : sync.recentMoves);
    else unplaced.push(sync);
  }
  const unassigned: Unassigned[] = [];
  const placed = new Map<BalanceSync, string>();
  // Heavy syncs first: light ones then even out the remaining differences.
  for (const sync of unplaced.sort((a, b) => b.weight - a.weight)) {
    const to = loads.leastLoaded(sync);
    if (to === undefined) {
      unassigned.push(withoutAgent(sync, input.agents, loads.heldFor(sync)));
      continue;
    }
    loads.add(to, sync, movesAnyway);
    placed.set(sync, to);
  }
  even(loads, { weightLimit, isClose }, placed);
  return { moves: [...placed].filter(([sync, to]) => sync.owner !== to).map(moveOf), unassigned };
}

interface Closeness {
  readonly weightLimit: number;
  readonly isClose: boolean;
}

/**
 * Each step takes from the fullest agent that can give, until none is more than the largest weight above another. This terminates: the
 * moved weight is smaller than the gap, so the sum of the squared loads decreases with each step.
 */
function even(loads: Loads, closeness: Closeness, placed: Map<BalanceSync, string>): void {
  for (;;) {
    const step = nextStep(loads, closeness);
    if (!step) return;
    loads.remove(step.from, step.sync, step.cost);
    loads.add(step.to, step.sync, movesAnyway);
    placed.set(step.sync, step.to);
  }
}

function nextStep(loads: Loads, { weightLimit, isClose }: Closeness) {
  const threshold = (isClose ? 0 : weightLimit) + slack;
  const least = loads.leastLoad();
  for (const from of loads.fullestFirst()) {
    if (loads.of(from) - least <= threshold) return undefined;
    // Syncs with equal selectors share their agents, so each kind is examined once instead of each sync.
    for (const { to, groups } of loads.moveCandidates(from)) {
      const gap = loads.of(from) - loads.of(to);
      if (gap <= threshold) break;
      const group = pick(groups, gap, isClose && gap <= weightLimit + slack ? worthMoving : 0);
      const [sync] = group?.syncs ?? [];
      if (group && sync) return { from, to, sync, cost: group.cost };
    }
  }
  return undefined;
}

/**
 * Prefers syncs that move anyway, then those that have moved least recently, then those that even the two agents best, heavy before
 * light. `gain`: share of the gap that the move must take away at least.
 */
function pick(groups: Iterable<SyncGroup>, gap: number, gain: number): SyncGroup | undefined {
  let best: SyncGroup | undefined;
  for (const group of groups) {
    const left = Math.abs(gap - 2 * group.weight);
    if (group.cost === stays || (gain > 0 && left > gap * (1 - gain))) continue;
    if (!best || isBetter(group, best, gap)) best = group;
  }
  return best;
}

function isBetter(one: SyncGroup, other: SyncGroup, gap: number): boolean {
  if (one.cost !== other.cost) return one.cost < other.cost;
  const [away, otherAway] = [Math.abs(one.weight - gap / 2), Math.abs(other.weight - gap / 2)];
  return away === otherAway ? one.weight > other.weight : away < otherAway;
}

function moveOf([{ uid, owner }, to]: [BalanceSync, string]): Move {
  return owner === undefined ? { uid, to } : { uid, from: owner, to };
}

function withoutAgent(
  { uid, owner, selectors }: BalanceSync,
  agents: readonly BalanceAgent[],
  held: readonly string[],
): Unassigned {
  const from = owner === undefined ? {} : { from: owner };
  if (agents.every(({ availability }) => availability === 'draining')) {
    return {
      uid,
      ...from,
      reason: 'NoAgent',
      message: 'no agent is running; check that agent pods are up and reach etcd',
    };
  }
  if (held.length > 0) {
    const names = `${held.slice(0, 5).join(', ')}${held.length > 5 ? ', ...' : ''}`;
    const message = `the agents that may run it are cordoned or drained: ${names}; release one with idra uncordon`;
    return { uid, ...from, reason: 'NoEligibleAgent', message };
  }
  const wanted = [...new Set(selectors.flatMap(labelTexts))].sort().join(', ');
  return { uid, ...from, reason: 'NoEligibleAgent', message: `no agent has all of the labels ${wanted}` };
}

function byUid(one: BalanceSync, other: BalanceSync): number {
  return one.uid < other.uid ? -1 : 1;
}
