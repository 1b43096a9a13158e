/** Passed to each process of the simulator, as JSON in its first argument. */
export interface SimulatorInput {
  readonly endpoints: readonly string[];
  readonly prefix: string;
  readonly leaseTtlMs: number;
  /** Interval between two passes of a busy sync. */
  readonly passEveryMs: number;
  /** One of this many syncs is busy; the others are idle. */
  readonly busyOneOf: number;
}

/** To the process of the agents. */
export type ToAgents =
  | { readonly kind: 'join'; readonly names: readonly string[] }
  | { readonly kind: 'leave'; readonly name: string }
  | { readonly kind: 'count' };

export interface FromAgents {
  readonly kind: 'joined' | 'left' | 'count';
  readonly locks: number;
}

/** From the process of the leader; `rssBytes` is the peak of the process. */
export interface FromLeader {
  readonly kind: 'leading' | 'decision' | 'alive';
  readonly moves: number;
  readonly decideMs: number;
  readonly writeMs: number;
  readonly rssBytes: number;
}
