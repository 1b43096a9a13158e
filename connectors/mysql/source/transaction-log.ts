/**
 * What is at work on a server, from one snapshot of its processes and transactions, and since when (Invariant 10). Pure.
 *
 * NOW() of a row is the start of its statement, and a transaction shows neither the starts of its statements nor when it asked for its
 * first lock: `trx_started` comes after a wait for a metadata lock. So for a transaction the question is since when it can have taken
 * a time: not before the last snapshot at which it was not there.
 * Times are microseconds since 1970, by the server's clock.
 */
export interface ActivitySnapshot {
  /** Before the processes were listed, and so before the transactions were. */
  readonly atMicros: number;
  /** Statements at work, our own readers left out. */
  readonly statements: readonly Statement[];
  readonly transactions: readonly Transaction[];
}

export interface Statement {
  readonly connection: string;
  /** The server tells its age in whole seconds: it began between these. */
  readonly earliestMicros: number;
  readonly latestMicros: number;
  /** `shop@10.0.0.7 (connection 12)`. */
  readonly who: string;
}

export interface Transaction {
  readonly id: string;
  /** `0`: a prepared XA transaction without a session. */
  readonly connection: string;
  /** When InnoDB heard of it first, cut to the second. */
  readonly startedMicros: number;
  /** Without changes it has no times or ids: those of its later statements are later than this snapshot. */
  readonly hasChanges: boolean;
  readonly who: string;
}

/** A statement, or a transaction, that may still commit rows. */
export interface OpenTransaction {
  /** Its rows have no time before this; undefined: of any time. */
  readonly floorMicros: number | undefined;
  readonly sinceMicros: number;
  /** The floor is a guess to be on the safe side: another snapshot, when it has ended, gives a better one. */
  readonly isEstimated: boolean;
  readonly what: string;
}

/** At the first snapshot nothing says how long a transaction waited before it showed. */
export const longestWaitMicros = 3_600_000_000;
const estimatedMicros = 2_000_000;

interface Memory {
  readonly atMicros: number;
  readonly floors: ReadonlyMap<string, number | undefined>;
  readonly statements: readonly Statement[];
}

/** Remembers from snapshot to snapshot. */
export class TransactionLog {
  #memory: Memory | undefined;

  /** All that is open, the oldest floor first. */
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
    // It began within the statement that still runs: there was none before.
    if (running && transaction.startedMicros >= running.latestMicros) return running.earliestMicros;
    const before = this.#memory;
    if (!before) {
      return transaction.connection === '0' ? undefined : transaction.startedMicros - longestWaitMicros;
    }
    if (before.floors.has(transaction.id)) return before.floors.get(transaction.id);
    // A prepared one does not say which connection it had.
    const ran = before.statements.filter(
      ({ connection }) => transaction.connection === '0' || connection === transaction.connection,
    );
    return Math.min(before.atMicros, ...ran.map((each) => each.earliestMicros));
  }
}
