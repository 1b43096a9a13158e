/** Lends sessions of servers, each to one user at a time. */
export interface SessionPool {
  lend<S extends PooledSession>(
    key: SessionKey,
    open: (signal: AbortSignal) => Promise<S>,
    signal: AbortSignal,
  ): Promise<Lent<S>>;
}

/** Sessions of one identity are interchangeable. */
export interface SessionKey {
  readonly server: string;
  readonly identity: string;
  readonly dataSource: string;
}

export interface PooledSession {
  readonly isLost: boolean;
  /** Resets to the state after opening: no transaction, temporary table, lock or setting of the last user remains. */
  reset(): Promise<void>;
  close(): Promise<void>;
}

export interface Lent<S> {
  readonly session: S;
  /** Call once. False: the session is busy, cut or lost, and is closed. */
  giveBack(isUsable: boolean): Promise<void>;
}
