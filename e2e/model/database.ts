import { claimedRow, writeIsFenced } from '../../connectors/sql/destination/commit-table.ts';
import type { ClaimRequest, CommitRow } from '../../core/connector.ts';
import { transient } from '../../core/errors.ts';
import type { Token } from '../../core/token.ts';
import type { Witness } from './witness.ts';

/** One connection as the database sees it: what was sent and not committed, until it ends. */
export interface DatabaseSession {
  isOver: boolean;
  rows: readonly number[];
}

export interface Commit {
  readonly uid: string;
  readonly token: Token;
  readonly offset: string | null;
}

/** The destination of the model: an append-only table, and commit rows as every SQL destination keeps them. */
export class Database {
  readonly #witness: Witness;
  readonly #endsSessions: boolean;
  readonly #commits = new Map<string, CommitRow>();
  readonly #holders = new Map<string, DatabaseSession>();

  /** `endsSessions`: whether claimants have the right to end sessions. */
  constructor(witness: Witness, endsSessions: boolean) {
    this.#witness = witness;
    this.#endsSessions = endsSessions;
  }

  connect(): DatabaseSession {
    return { isOver: false, rows: [] };
  }

  commitRows(): readonly CommitRow[] {
    return [...this.#commits.values()];
  }

  hasRows(table: string): boolean {
    return [...this.#commits.values()].some((row) => row.table === table && row.rows > 0);
  }

  /** In one transaction, under the lock of the row; an earlier owner's session is ended. */
  claim(session: DatabaseSession, request: ClaimRequest, table: string): CommitRow {
    requireOpen(session);
    const { uid } = request.plan;
    const row = { ...claimedRow(request, table, this.#commits.get(uid), undefined), time: '' };
    const holder = this.#holders.get(uid);
    if (this.#endsSessions && holder !== undefined && holder !== session) holder.isOver = true;
    this.#holders.set(uid, session);
    this.#commits.set(uid, row);
    this.#witness.claimed(uid, row);
    return row;
  }

  /** Rows of a transaction that is open from now on. */
  send(session: DatabaseSession, rows: readonly number[]): void {
    requireOpen(session);
    session.rows = rows;
  }

  /** Token, offset and COMMIT in one message. */
  commit(session: DatabaseSession, { uid, token, offset }: Commit): number {
    requireOpen(session);
    const stored = this.#commits.get(uid);
    const isHeld = stored?.token === token && !stored.isClosed;
    // One owner may also have two: a lost connection, whose last messages are still in transit, and the one with which it claimed again.
    const isClaimant = this.#holders.get(uid) === session;
    if (!isHeld || !isClaimant) {
      this.#witness.refused();
      throw writeIsFenced(token);
    }
    const rows = session.rows;
    session.rows = [];
    const row = { ...stored, offset, rows: stored.rows + rows.length };
    this.#commits.set(uid, row);
    this.#witness.committed(uid, token, offset, rows);
    return row.rows;
  }
}

function requireOpen(session: DatabaseSession): void {
  if (session.isOver) throw transient('ConnectionLost', 'the session was ended');
}
