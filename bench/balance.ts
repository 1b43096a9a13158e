import { setTimeout as pause } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import { assign } from '../agent/balance/assign.ts';
import type { BalanceSync } from '../agent/balance/balance-input.ts';
import { shortDataSource, shortSync } from '../agent/balance/test-manifests.ts';
import { connectCoordination } from '../coordination/connect.ts';
import type { Coordination } from '../coordination/contract.ts';
import { type EtcdServer, etcd } from '../e2e/kit/servers.ts';
import { until } from '../e2e/kit/wait.ts';
import { Simulator } from '../e2e/simulator/simulator.ts';

/**
 * Rebalancing many syncs over many agents: `assign` alone, then the real leader and real sessions on a real etcd, with timers instead of
 * passes. A tenth of the syncs is busy: each commits an offset every 10 s.
 */
const { values } = parseArgs({
  options: {
    syncs: { type: 'string', default: '10000' },
    agents: { type: 'string', default: '100' },
    'steady-seconds': { type: 'string', default: '60' },
  },
});
const [syncCount, agentCount] = [Number(values.syncs), Number(values.agents)];
const steadySeconds = Number(values['steady-seconds']);
const newcomer = 'newcomer';
let isMissed = false;

function printFigure(what: string, figure: number, limit: number, unit: string): void {
  const isMet = figure <= limit;
  isMissed ||= !isMet;
  console.log(`${isMet ? 'ok    ' : 'MISSED'} ${what}: ${figure.toFixed(1)} ${unit} (at most ${limit})`);
}

function decideAlone(): void {
  const agents = (count: number) =>
    Array.from({ length: count }, (_, index) => ({
      name: `agent-${index}`,
      labels: {},
      availability: 'open' as const,
    }));
  const unplaced = Array.from({ length: syncCount }, (_, index): BalanceSync => {
    return { uid: `s${index}`, weight: 1, selectors: [], recentMoves: 0 };
  });
  const timed = (syncs: readonly BalanceSync[], count: number) => {
    const start = performance.now();
    const { moves } = assign({ agents: agents(count), syncs });
    return { moves, ms: performance.now() - start };
  };
  const first = timed(unplaced, agentCount);
  printFigure('assign: all are new', first.ms, 1_000, 'ms');
  const owners = new Map(first.moves.map(({ uid, to }) => [uid, to]));
  const owned = unplaced.map((sync) => ({ ...sync, owner: owners.get(sync.uid) ?? '' }));
  const onOne = unplaced.map((sync) => ({ ...sync, owner: 'agent-0' }));
  printFigure('assign: all are on one agent', timed(onOne, agentCount).ms, 1_000, 'ms');
  const join = timed(owned, agentCount + 1);
  printFigure(`assign: a join, ${join.moves.length} moves`, join.ms, 1_000, 'ms');
  const leave = timed(owned, agentCount - 1);
  printFigure(`assign: a leave, ${leave.moves.length} moves`, leave.ms, 1_000, 'ms');
}

async function onEtcd(server: EtcdServer, one: Coordination, simulator: Simulator): Promise<void> {
  for (const name of ['shop', 'warehouse']) await one.desired.putDataSource(shortDataSource(name));
  for (let start = 0; start < syncCount; start += 200) {
    const length = Math.min(200, syncCount - start);
    await Promise.all(
      Array.from({ length }, (_, index) => one.desired.putSync(shortSync(`s${start + index}`))),
    );
  }
  // The leader's process is one more agent.
  await simulator.join(Array.from({ length: agentCount - 1 }, (_, index) => `agent-${index}`));
  await simulator.lead();
  await even(one, agentCount);
  await changed('a join', one, simulator, agentCount + 1, () => simulator.join([newcomer]));
  await changed('a leave', one, simulator, agentCount, () => simulator.leave(newcomer));
  const before = await committedProposals(server);
  await pause(steadySeconds * 1_000);
  const proposals = (await committedProposals(server)) - before;
  printFigure(
    `steady state over ${steadySeconds} s, etcd's proposals`,
    proposals / steadySeconds,
    500,
    'a second',
  );
  printFigure('leader, most memory', simulator.leaderRssBytes / 2 ** 20, 200, 'MiB');
}

async function changed(
  what: string,
  one: Coordination,
  simulator: Simulator,
  agents: number,
  change: () => Promise<void>,
): Promise<void> {
  const earlier = simulator.decisions.length;
  const owners = new Map((await one.cluster.assignments()).map(({ uid, agent }) => [uid, agent]));
  await change();
  await even(one, agents);
  const after = await one.cluster.assignments();
  const moved = after.filter(({ uid, agent }) => owners.get(uid) !== agent).length;
  const decisions = simulator.decisions.slice(earlier);
  const ms = decisions.reduce((sum, { decideMs, writeMs }) => sum + decideMs + writeMs, 0);
  const decided = decisions.reduce((sum, { moves }) => sum + moves, 0);
  printFigure(`${what}: decided and written`, ms, 1_000, 'ms');
  // What the newcomer had, or else its smallest share: with fewer moves the agents would not be balanced.
  const had = [...owners.values()].filter((agent) => agent === newcomer).length;
  const least = had > 0 ? had : Math.floor(syncCount / agents);
  printFigure(`${what}: moves, ${moved} observed at the end`, decided, least, 'moves');
}

/** Waits until every sync is assigned and its lock held, and the agents differ by at most one sync. */
async function even(one: Coordination, agents: number): Promise<void> {
  const isEven = async () => {
    const counts = new Map<string, number>();
    for (const { agent } of await one.cluster.assignments()) counts.set(agent, (counts.get(agent) ?? 0) + 1);
    const all = [...counts.values()];
    const total = all.reduce((sum, count) => sum + count, 0);
    const isHeld = (await one.cluster.locks()).length === syncCount;
    return (
      total === syncCount && counts.size === agents && Math.max(...all) - Math.min(...all) <= 1 && isHeld
    );
  };
  await until(isEven, { what: `${agents} agents to be even`, timeoutMs: 120_000, everyMs: 2_000 });
}

async function committedProposals(server: EtcdServer): Promise<number> {
  const text = await (await fetch(`${server.endpoints[0]}/metrics`)).text();
  const found = /^etcd_server_proposals_committed_total (\S+)$/m.exec(text)?.[1];
  if (found === undefined) throw new Error('etcd does not report its committed proposals');
  return Number(found);
}

decideAlone();
const server = await etcd();
const one = connectCoordination(server);
const { endpoints, prefix } = server;
const simulator = new Simulator({
  endpoints,
  prefix,
  leaseTtlMs: 10_000,
  passEveryMs: 10_000,
  busyOneOf: 10,
});
try {
  await onEtcd(server, one, simulator);
} finally {
  await simulator.stop();
  await one.close();
  await server.stop();
}
if (isMissed) process.exitCode = 1;
