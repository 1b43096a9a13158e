/**
 * `open`: takes syncs, also from fuller agents. `returning`: an announced restart is just over; it takes syncs that have no
 * owner, but is filled up later. `unsteady`: comes and goes; takes only what nobody else may run. `draining`: gives all away.
 */
export type AgentAvailability = 'open' | 'returning' | 'unsteady' | 'draining';

export interface BalanceAgent {
  readonly name: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly availability: AgentAvailability;
}

export interface BalanceSync {
  readonly uid: string;
  /** Relative load, above 0. */
  readonly weight: number;
  /** Labels that an agent must have: those of the Sync and of both its DataSources. Each must hold. */
  readonly selectors: readonly Readonly<Record<string, string>>[];
  /** The agent that it is assigned to, which may be gone. */
  readonly owner?: string;
  /** Moves of the last minutes: one that has moved lately is left alone where another does as well. */
  readonly recentMoves: number;
  /** It moves rows: for load alone it stays until its pass is over. */
  readonly isMidPass?: boolean;
}

/** What `assign` decides by. */
export interface BalanceInput {
  readonly agents: readonly BalanceAgent[];
  readonly syncs: readonly BalanceSync[];
}
