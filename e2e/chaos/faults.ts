import { setTimeout as pause } from 'node:timers/promises';
import { crashPoints } from '../../core/crash-points.ts';
import type { ChaosAgent } from './agents.ts';
import type { ChaosFleet } from './fleet.ts';

/** Points that an agent can reach. */
export const agentPoints = crashPoints.filter((point) => !point.startsWith('operator:'));

export interface FaultContext {
  readonly fleet: ChaosFleet;
  readonly leaseTtlMs: number;
  /** How long the whole etcd is unavailable. */
  readonly etcdOutageMs: number;
  readonly random: () => number;
}

/** A fault, from injection to removal. */
export interface Fault {
  readonly name: string;
  readonly weight: number;
  inflict(context: FaultContext): Promise<void>;
}

export const faults: readonly Fault[] = [
  { name: 'agent killed', weight: 4, inflict: (context) => killed(context, chooseAgent(context)) },
  { name: 'agent drained', weight: 2, inflict: drained },
  { name: 'agent stopped beyond its lease, then woken', weight: 4, inflict: stopped },
  { name: 'agent cut from etcd', weight: 3, inflict: (context) => cutOff(context, ['etcd']) },
  { name: 'agent cut from the databases', weight: 3, inflict: (context) => cutOff(context, ['databases']) },
  { name: 'agent cut from both', weight: 2, inflict: (context) => cutOff(context, ['etcd', 'databases']) },
  { name: 'answers of etcd come late', weight: 3, inflict: slowEtcd },
  { name: 'wall clock of an agent jumps', weight: 2, inflict: clockJump },
  { name: 'killed at a crash point', weight: 6, inflict: (context) => atPoint(context, 'kill') },
  { name: 'stopped at a crash point, then woken', weight: 6, inflict: (context) => atPoint(context, 'stop') },
  { name: 'request for a pass', weight: 3, inflict: runNow },
  { name: 'leader of etcd killed', weight: 2, inflict: etcdLeaderKilled },
  { name: 'member of etcd restarted', weight: 2, inflict: etcdMemberRestarted },
  { name: 'whole etcd gone', weight: 1, inflict: etcdGone },
];

export function chooseFault(random: () => number): Fault {
  const total = faults.reduce((sum, { weight }) => sum + weight, 0);
  let left = random() * total;
  for (const fault of faults) {
    left -= fault.weight;
    if (left < 0) return fault;
  }
  return faults[0] as Fault;
}

function chooseAgent({ fleet, random }: FaultContext): ChaosAgent {
  return choose(fleet.agents, random);
}

function choose<T>(from: readonly T[], random: () => number): T {
  return from[Math.floor(random() * from.length)] as T;
}

/** Longer than a lease, so that another agent must have taken over meanwhile. */
function beyondLease({ leaseTtlMs, random }: FaultContext): number {
  return leaseTtlMs * (1.2 + random());
}

async function killed(context: FaultContext, agent: ChaosAgent): Promise<void> {
  await agent.kill();
  await pause(context.random() * context.leaseTtlMs);
  await agent.launch();
}

async function drained(context: FaultContext): Promise<void> {
  const agent = chooseAgent(context);
  await agent.drain();
  await agent.launch();
}

async function stopped(context: FaultContext): Promise<void> {
  const agent = chooseAgent(context);
  agent.signal('SIGSTOP');
  await pause(beyondLease(context));
  agent.signal('SIGCONT');
}

async function cutOff(context: FaultContext, from: readonly ('etcd' | 'databases')[]): Promise<void> {
  const agent = chooseAgent(context);
  for (const each of from) agent.cutFrom(each);
  await pause(beyondLease(context));
  agent.heal();
}

async function slowEtcd(context: FaultContext): Promise<void> {
  const agent = chooseAgent(context);
  for (let turn = 0; turn < 5; turn++) {
    agent.slow('etcd');
    await pause(context.random() * context.leaseTtlMs * 0.4);
    agent.heal();
    await pause(50);
  }
}

async function clockJump(context: FaultContext): Promise<void> {
  chooseAgent(context).control.order({ clockJumpMs: Math.round((context.random() - 0.5) * 7_200_000) });
}

async function atPoint(context: FaultContext, action: 'kill' | 'stop'): Promise<void> {
  const agent = chooseAgent(context);
  const before = agent.control.events.length;
  agent.control.order({ at: choose(agentPoints, context.random), action });
  const deadline = performance.now() + 5_000;
  while (agent.control.events.length === before && performance.now() < deadline) await pause(20);
  // A point not reached in time is reached later or never: an agent that is resumed and restarted is healthy.
  await pause(action === 'stop' ? beyondLease(context) : context.random() * context.leaseTtlMs);
  agent.signal('SIGCONT');
  if (!agent.isRunning) await agent.launch();
}

async function runNow({ fleet, random }: FaultContext): Promise<void> {
  const flow = choose(fleet.flows, random);
  const id = `chaos-${random()}`;
  await fleet.coordination.requests.post(flow.uid, { type: 'run-now', id, by: 'chaos' }).catch(() => {});
}

async function etcdLeaderKilled({ fleet }: FaultContext): Promise<void> {
  const member = fleet.etcd.members[await leaderIndex(fleet)];
  await member?.process.kill();
  await pause(2_000);
  await member?.process.restart();
}

async function etcdMemberRestarted({ fleet, random }: FaultContext): Promise<void> {
  await choose(fleet.etcd.members, random).process.restart();
}

async function etcdGone({ fleet, etcdOutageMs }: FaultContext): Promise<void> {
  await Promise.all(fleet.etcd.members.map(({ process }) => process.kill()));
  await pause(etcdOutageMs);
  // A single member has no quorum, and answers only when the others are running.
  await Promise.all(fleet.etcd.members.map(({ process }) => process.restart()));
}

async function leaderIndex(fleet: ChaosFleet): Promise<number> {
  const flags = await Promise.all(
    fleet.etcd.members.map(async ({ endpoint }) => {
      const text = await fetch(`${endpoint}/metrics`, { signal: AbortSignal.timeout(1_000) })
        .then((answer) => answer.text())
        .catch(() => '');
      return /^etcd_server_is_leader 1$/m.test(text);
    }),
  );
  return Math.max(0, flags.indexOf(true));
}
