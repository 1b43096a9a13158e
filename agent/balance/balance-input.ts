/**
 * `open`: receives syncs, also from fuller agents. `returning`: an announced restart has just ended; receives syncs without an owner, but
 * is filled up later. `unsteady`: joins and leaves repeatedly; receives only what no other agent may run. `draining`: gives all away.
 *
 * As users want it: `cordoned`: keeps what it has and receives nothing. `emptying`: keeps only syncs in the middle of a pass. `emptied`:
 * keeps nothing.
 */
export type AgentAvailability =
  | 'open'
  | 'returning'
  | 'unsteady'
  | 'draining'
  | 'cordoned'
  | 'emptying'
  | 'emptied';

export interface BalanceAgent {
  readonly name: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly availability: AgentAvailability;
}

export interface BalanceSync {
  readonly uid: string;
  /** Relative load, above 0. */
  readonly weight: number;
  /** Labels that an agent must have: the selectors of the Sync and of both its DataSources. Each must match. */
  readonly selectors: readonly Readonly<Record<string, string>>[];
  /** The agent that it is assigned to, which may no longer be a member. */
  readonly owner?: string;
  /** Moves in the last minutes: a sync that moved recently stays if another one can move instead. */
  readonly recentMoves: number;
  /** It is moving rows: it is not moved for load alone until its pass has ended. */
  readonly isMidPass?: boolean;
}

/** Input of `assign`. */
export interface BalanceInput {
  readonly agents: readonly BalanceAgent[];
  readonly syncs: readonly BalanceSync[];
}
