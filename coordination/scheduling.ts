/**
 * What a user wants of an agent, stored until it is released; the leader obeys it. Cordoned: it keeps its Syncs and gets no other.
 * Draining: it gives its Syncs away, one in the middle of a long pass when that has ended.
 */
export interface AgentHold {
  readonly agent: string;
  readonly mode: 'Cordoned' | 'Draining';
  /** Who wanted it. */
  readonly by: string;
  /** ISO 8601 UTC. */
  readonly at: string;
  /** Draining: how long the end of a pass is awaited before its Sync is moved all the same. */
  readonly passWaitMs: number;
}

/** Holds of agents. Written for users, never by agents. */
export interface Scheduling {
  holds(): Promise<readonly AgentHold[]>;
  hold(hold: AgentHold): Promise<void>;
  /** False: there was none. */
  release(agent: string): Promise<boolean>;
}

/** Whose moves are to be shown before anything is changed. */
export type MovesQuestion =
  | { readonly action: 'cordon' | 'drain' | 'uncordon'; readonly agent: string }
  | { readonly action: 'rebalance' };

export interface PlannedMove {
  readonly uid: string;
  readonly namespace: string;
  readonly name: string;
  readonly from?: string;
  readonly to: string;
  /** It is in the middle of a long pass: a drain moves it when that has ended. */
  readonly isMidPass: boolean;
}

export interface LeftWithoutAgent {
  readonly uid: string;
  readonly namespace: string;
  readonly name: string;
  readonly message: string;
}

/** What the leader would do, or has done. The lists are limited, the numbers are not. */
export interface PlannedMoves {
  readonly moves: readonly PlannedMove[];
  readonly moveCount: number;
  /** Syncs that no agent could run afterwards, although one runs them now. */
  readonly withoutAgent: readonly LeftWithoutAgent[];
  readonly withoutAgentCount: number;
}
