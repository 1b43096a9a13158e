/** What a change is about, for the audit log. Never contains secrets. */
export interface Change {
  /** `updateSync`: usually the operation id. */
  readonly action: string;
  /** `Sync team-a/orders`, `User ana`. */
  readonly object: string;
  readonly namespace?: string;
  readonly before?: unknown;
  readonly after?: unknown;
}

/** Who made it, from where. */
export interface Actor {
  readonly user: string;
  /** The token's id; undefined: a session, or a login. */
  readonly token?: string;
  readonly ip: string;
  readonly userAgent: string;
}

export interface AuditEntry extends Change {
  readonly id: string;
  /** ISO 8601 UTC. */
  readonly time: string;
  readonly by: Actor;
  /** `Started`: the process ended before it could record the outcome. */
  readonly outcome: 'Started' | 'Done' | 'Failed';
  /** Code of the error. */
  readonly code?: string;
}
