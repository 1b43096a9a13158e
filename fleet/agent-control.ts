import type { AgentHold, Coordination, MovesQuestion, PlannedMoves } from '../coordination/contract.ts';
import { errorCode } from '../core/error-codes.ts';
import { permanent, transient } from '../core/errors.ts';

/** Longer than the time limit of the leader for its answer. */
const askMs = 30_000;

/** What users want of agents, and what the leader makes of it. */
export interface AgentControl {
  /** What an action would move, as the leader sees it now. */
  preview(question: MovesQuestion, signal: AbortSignal): Promise<PlannedMoves>;
  /** Throws AgentNotFound unless it is a member. */
  hold(hold: AgentHold): Promise<void>;
  /** Throws AgentNotFound if nothing holds it and it is no member. */
  release(agent: string): Promise<void>;
  /** The leader plans again now; returns what it has moved. */
  rebalance(signal: AbortSignal): Promise<PlannedMoves>;
}

export function agentControl(etcd: Coordination): AgentControl {
  const requireAgent = async (agent: string) => {
    const names = (await etcd.cluster.agents()).map(({ name }) => name);
    if (names.includes(agent)) return;
    throw permanent('AgentNotFound', `no agent has the name ${agent}`, {
      fix: names.length === 0 ? 'no agent is running' : `there are ${names.slice(0, 10).join(', ')}`,
    });
  };
  return {
    preview: (question, signal) => askLeader(etcd, { kind: 'moves', subject: question }, signal),
    rebalance: (signal) => askLeader(etcd, { kind: 'rebalance', subject: null }, signal),
    async hold(hold) {
      await requireAgent(hold.agent);
      await etcd.scheduling.hold(hold);
    },
    async release(agent) {
      if (!(await etcd.scheduling.release(agent))) await requireAgent(agent);
    },
  };
}

interface LeaderQuestion {
  readonly kind: 'moves' | 'rebalance';
  readonly subject: MovesQuestion | null;
}

async function askLeader(
  etcd: Coordination,
  question: LeaderQuestion,
  signal: AbortSignal,
): Promise<PlannedMoves> {
  const leader = await etcd.cluster.leader();
  if (!leader)
    throw transient('NoAgentAnswered', 'no agent leads at this moment', {
      fix: 'check that an agent is running (idra get agents), and retry in some seconds',
    });
  const probe = { ...question, selector: {}, agent: leader.agent };
  const { result, error } = await etcd.probes.ask(probe, askMs, signal);
  if (error) throw permanent(errorCode(error.code), error.message);
  if (result !== undefined) return result as PlannedMoves;
  throw transient('NoAgentAnswered', `the agent that leads, ${leader.agent}, has an older version`, {
    fix: 'wait until all agents are upgraded',
  });
}
