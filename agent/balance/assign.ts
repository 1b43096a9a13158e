import { labelTexts } from '../../core/labels.ts';
import type { BalanceAgent, BalanceInput, BalanceSync } from './balance-input.ts';
import { type Alike, Loads } from './loads.ts';

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
/** Less than what any sync costs that could stay: it has moved in this decision already. */
const movesAnyway = -1;
/** More than any sync costs that may be moved for load. */
const stays = Number.POSITIVE_INFINITY;

/**
 * Which agent shall run which Sync, as the difference to what runs where now.
 *
 * A sync without an owner that may run it goes to the agent with the least load. Then, while an agent carries more than the
 * largest weight above another, the first gives to the second. Without selectors this ends within the largest weight of an
 * even spread, and only agents above the mean give and only agents below it get; with equal weights the spread is even
 * within one, and no smaller number of moves reaches it. The same state gives the same answer, in whatever order it lists
 * agents and syncs, and what comes out needs no further move.
 */
export function assign(input: BalanceInput): Balance {
  const loads = new Loads(input.agents);
  const unplaced: BalanceSync[] = [];
  const weightLimit = input.syncs.reduce((most, { weight }) => Math.max(most, weight), 0);
  for (const sync of [...input.syncs].sort(byUid)) {
    if (sync.owner !== undefined && loads.mayRun(sync.owner, sync))
      loads.add(sync.owner, sync, sync.isMidPass ? stays : sync.recentMoves);
    else unplaced.push(sync);
  }
  const unassigned: Unassigned[] = [];
  const placed = new Map<BalanceSync, string>();
  // The heavy ones first: the light ones even out what those leave uneven.
  for (const sync of unplaced.sort((a, b) => b.weight - a.weight)) {
    const to = loads.leastLoaded(sync);
    if (to === undefined) {
      unassigned.push(withoutAgent(sync, input.agents));
      continue;
    }
    loads.add(to, sync, movesAnyway);
    placed.set(sync, to);
  }
  even(loads, weightLimit, placed);
  return { moves: [...placed].filter(([sync, to]) => sync.owner !== to).map(moveOf), unassigned };
}

/**
 * Each step takes from the fullest agent that can give, until none is more than the largest weight above another.
 * It ends: what is given is smaller than the gap, so the sum of the squares of the loads falls with each step.
 */
function even(loads: Loads, weightLimit: number, placed: Map<BalanceSync, string>): void {
  for (;;) {
    const step = nextStep(loads, weightLimit + slack);
    if (!step) return;
    loads.remove(step.from, step.sync, step.cost);
    loads.add(step.to, step.sync, movesAnyway);
    placed.set(step.sync, step.to);
  }
}

function nextStep(loads: Loads, threshold: number) {
  const least = loads.leastLoad();
  for (const from of loads.fullestFirst()) {
    if (loads.of(from) - least <= threshold) return undefined;
    // Selectors that are alike share their agents: one look at each kind, not at each sync.
    for (const { to, groups } of loads.moveCandidates(from)) {
      const gap = loads.of(from) - loads.of(to);
      if (gap <= threshold) break;
      const group = pick(groups, gap);
      const [sync] = group?.syncs ?? [];
      if (group && sync) return { from, to, sync, cost: group.cost };
    }
  }
  return undefined;
}

/** Those that move anyway, then those that have moved least of late, then those that even the two best, heavy before light. */
function pick(groups: Iterable<Alike>, gap: number): Alike | undefined {
  let best: Alike | undefined;
  for (const group of groups) if (group.cost !== stays && (!best || isBetter(group, best, gap))) best = group;
  return best;
}

function isBetter(one: Alike, other: Alike, gap: number): boolean {
  if (one.cost !== other.cost) return one.cost < other.cost;
  const [away, otherAway] = [Math.abs(one.weight - gap / 2), Math.abs(other.weight - gap / 2)];
  return away === otherAway ? one.weight > other.weight : away < otherAway;
}

function moveOf([{ uid, owner }, to]: [BalanceSync, string]): Move {
  return owner === undefined ? { uid, to } : { uid, from: owner, to };
}

function withoutAgent({ uid, owner, selectors }: BalanceSync, agents: readonly BalanceAgent[]): Unassigned {
  const from = owner === undefined ? {} : { from: owner };
  if (agents.every(({ availability }) => availability === 'draining')) {
    return {
      uid,
      ...from,
      reason: 'NoAgent',
      message: 'no agent is running; check that agent pods are up and reach etcd',
    };
  }
  const wanted = [...new Set(selectors.flatMap(labelTexts))].sort().join(', ');
  return { uid, ...from, reason: 'NoEligibleAgent', message: `no agent has all of the labels ${wanted}` };
}

function byUid(one: BalanceSync, other: BalanceSync): number {
  return one.uid < other.uid ? -1 : 1;
}
