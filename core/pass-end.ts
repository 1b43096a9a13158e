/** Result of a pass. */
export interface PassEnd {
  /** The bound in force and what holds it back, for status. */
  readonly bound: BoundReport;
  /** Rows whose cursor field is NULL, which are never read. Counted at most once per pass; undefined if not requested. */
  readonly nullRows?: number;
  /** Timestamp modes and Stream: canonical timestamp of the oldest row that is held back. */
  readonly oldestWaiting?: string;
  /**
   * Rows that existed when the pass began, or when the pass of ReadRequest.mark began, were not read because they may not be final. Later
   * rows do not count: a busy server always has some.
   */
  readonly isHeldBack: boolean;
  /** There are rows after the last one that was read: held back, or written since. LAG is not zero. */
  readonly hasRowsWaiting?: boolean;
  /** With isHeldBack: the largest value of the field at the start of that pass, for the next pass. */
  readonly mark?: string;
  /** For status, if the source has parts. */
  readonly parts?: readonly SourcePart[];
}

/** How far one part of a source is read, where a source has several with positions of their own: a partition of a topic. */
export interface SourcePart {
  /** `orders/3`. */
  readonly name: string;
  /** The next record to read, and where the records end. */
  readonly offset: string;
  readonly end: string;
  /** Records between the two, at most. */
  readonly waiting: number;
}

export interface BoundReport {
  readonly kind: 'transactions' | 'singleWriter' | 'log' | 'safetyLag' | 'none';
  /** Why no better bound applies: `standby`, `needs pg_read_all_stats`. */
  readonly because?: string;
  readonly heldBackBy?: HeldBackBy;
  /** Zone used for a timestampField without one; undefined if the field has a zone. */
  readonly timeZone?: string;
}

export interface HeldBackBy {
  /** `transaction 3/1842 of shop (pid 4211, psql)`, `prepared transaction "x1"`. */
  readonly what: string;
  /** ISO 8601 UTC. */
  readonly since: string;
}
