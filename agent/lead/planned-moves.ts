import type {
  ClusterView,
  LeftWithoutAgent,
  MovesQuestion,
  PlannedMove,
  PlannedMoves,
} from '../../coordination/contract.ts';
import { permanent } from '../../core/errors.ts';
import type { Balance, Move } from '../balance/assign.ts';
import type { Wanted } from '../balance/wanted.ts';

/** The leader's answers to questions about moves. */
export interface MovePlanner {
  /** What an action would move. Changes nothing. Throws AgentNotFound. */
  preview(question: MovesQuestion): PlannedMoves;
  /** Evens the loads now, closer than usual and whichever agents have just restarted; returns when the moves are stored. */
  rebalance(signal: AbortSignal): Promise<PlannedMoves>;
}

/** An answer must fit into a value of etcd. */
const mostListed = 500;

export const noMoves: PlannedMoves = { moves: [], moveCount: 0, withoutAgent: [], withoutAgentCount: 0 };

export function plannedMoves(view: ClusterView, { syncs }: Wanted, balance: Balance): PlannedMoves {
  const midPass = new Set(syncs.flatMap(({ balance: { uid, isMidPass } }) => (isMidPass ? [uid] : [])));
  const moves = balance.moves.map((move) => plannedMove(view, move, midPass.has(move.uid)));
  // Those that wait for an agent already are no consequence of the action.
  const lost = balance.unassigned.filter(({ from }) => from !== undefined);
  const withoutAgent = lost.map(({ uid, message }): LeftWithoutAgent => ({ ...nameOf(view, uid), message }));
  return {
    moves: moves.slice(0, mostListed),
    moveCount: moves.length,
    withoutAgent: withoutAgent.slice(0, mostListed),
    withoutAgentCount: withoutAgent.length,
  };
}

function plannedMove(view: ClusterView, { uid, from, to }: Move, isMidPass: boolean): PlannedMove {
  return { ...nameOf(view, uid), ...(from !== undefined && { from }), to, isMidPass };
}

function nameOf(view: ClusterView, uid: string) {
  const sync = view.syncs.get(uid);
  return { uid, namespace: sync?.namespace ?? '', name: sync?.name ?? uid };
}

export function requireAgent(view: ClusterView, agent: string): void {
  if (view.agents.has(agent)) return;
  throw permanent('AgentNotFound', `no agent has the name ${agent}`, {
    fix: 'list them with idra get agents',
  });
}
