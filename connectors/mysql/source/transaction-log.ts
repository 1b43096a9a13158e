/**
 * What is open on a server, from one snapshot of its processes and transactions, and since when (Invariant 10). Pure.
 *
 * NOW() of a row is the start of its statement. A transaction shows neither the starts of its statements nor when it requested its first
 * lock: `trx_started` comes after a wait for a metadata lock. So for a transaction the question is since when it can have taken a time:
 * not before the last snapshot that did not contain it.
 *
 * Times are microseconds since 1970, by the server's clock.
 */
export interface ActivitySnapshot {
  /** Before the processes were listed, and so before the transactions were. */
  readonly atMicros: number;
  /** Running statements, without those of our own readers. */
  readonly statements: readonly Statement[];
  readonly transactions: readonly Transaction[];
}

export interface Statement {
  readonly connection: string;
  /** The server reports its age in whole seconds, so it began between these two times. */
  readonly earliestMicros: number;
  readonly latestMicros: number;
  /** `shop@10.0.0.7 (connection 12)`. */
  readonly who: string;
}

export interface Transaction {
  readonly id: string;
  /** `0` for a prepared XA transaction without a session. */
  readonly connection: string;
  /** When InnoDB first saw it, truncated to the second. */
  readonly startedMicros: number;
  /** Without changes it holds no times or ids yet: those of its later statements are later than this snapshot. */
  readonly hasChanges: boolean;
  readonly who: string;
}

/** A statement, or a transaction, that may still commit rows. */
export interface OpenTransaction {
  /** Its rows have no time before this; undefined if they may have any time. */
  readonly floorMicros: number | undefined;
  readonly sinceMicros: number;
  /** The floor is a conservative estimate; a later snapshot, after it has ended, gives a better one. */
  readonly isEstimated: boolean;
  readonly what: string;
}

/** At the first snapshot it is unknown how long a transaction waited before it became visible. */
export const longestWaitMicros = 3_600_000_000;
const estimatedMicros = 2_000_000;

interface Memory {
  readonly atMicros: number;
  readonly floors: ReadonlyMap<string, number | undefined>;
  readonly statements: readonly Statement[];
}

/** Keeps state between snapshots. */
export class TransactionLog {
  #memory: Memory | undefined;

  /** Everything that is open, the oldest floor first. */
  take(snapshot: ActivitySnapshot): readonly OpenTransaction[] {
    const floors = new Map<string, number | undefined>();
    const open: OpenTransaction[] = snapshot.statements.map((each) => ({
      floorMicros: each.earliestMicros,
      sinceMicros: each.earliestMicros,
      isEstimated: false,
      what: `a statement of ${each.who}`,
    }));
    for (const transaction of snapshot.transactions) {
      if (!transaction.hasChanges) continue;
      const floorMicros = this.#floorOf(transaction, snapshot);
      floors.set(transaction.id, floorMicros);
      open.push({
        floorMicros,
        sinceMicros: transaction.startedMicros,
        isEstimated: floorMicros === undefined || transaction.startedMicros - floorMicros > estimatedMicros,
        what:
          transaction.connection === '0'
            ? 'a prepared XA transaction'
            : `a transaction of ${transaction.who}`,
      });
    }
    this.#memory = { atMicros: snapshot.atMicros, floors, statements: snapshot.statements };
    return open.sort((one, other) => (one.floorMicros ?? 0) - (other.floorMicros ?? 0));
  }

  #floorOf(transaction: Transaction, snapshot: ActivitySnapshot): number | undefined {
    const running = snapshot.statements.find((each) => each.connection === transaction.connection);
    // It began within the statement that still runs, so there was no earlier statement.
    if (running && transaction.startedMicros >= running.latestMicros) return running.earliestMicros;
    const before = this.#memory;
    if (!before) {
      return transaction.connection === '0' ? undefined : transaction.startedMicros - longestWaitMicros;
    }
    if (before.floors.has(transaction.id)) return before.floors.get(transaction.id);
    // A prepared transaction does not show which connection it had.
    const ran = before.statements.filter(
      ({ connection }) => transaction.connection === '0' || connection === transaction.connection,
    );
    return Math.min(before.atMicros, ...ran.map((each) => each.earliestMicros));
  }
}
