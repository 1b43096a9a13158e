/** Lends sessions of servers, each to one user at a time. */
export interface SessionPool {
  lend<S extends PooledSession>(
    key: SessionKey,
    open: (signal: AbortSignal) => Promise<S>,
    signal: AbortSignal,
  ): Promise<Lent<S>>;
}

/** Sessions of one identity may stand in for each other. */
export interface SessionKey {
  readonly server: string;
  readonly identity: string;
  readonly dataSource: string;
}

export interface PooledSession {
  readonly isLost: boolean;
  /** As after its opening: no transaction, temporary table, lock or setting of the last user is left. */
  reset(): Promise<void>;
  close(): Promise<void>;
}

export interface Lent<S> {
  readonly session: S;
  /** Once. False: it is busy, cut or lost, and is closed. */
  giveBack(isUsable: boolean): Promise<void>;
}
