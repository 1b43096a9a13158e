import type { Batch } from '../../core/batch.ts';
import type {
  ClaimRequest,
  CommitRow,
  Destination,
  OffsetChange,
  WriteResult,
} from '../../core/connector.ts';
import { bug, transient } from '../../core/errors.ts';
import { encodeOffset } from '../../core/offset.ts';
import type { Relation } from '../../core/values.ts';
import type { Database, DatabaseSession } from './database.ts';
import type { Link } from './link.ts';

const answerWithinMs = 700;

/** A destination of the contract over the model's network: one connection, whose messages arrive in order or break it. */
export class ModelDestination implements Destination {
  readonly #database: Database;
  #session: DatabaseSession;
  readonly #link: Link;
  readonly guarantee = 'ExactlyOnce';
  readonly #relation: Relation;
  #claim: CommitRow | undefined;
  /** Messages of this connection. */
  #stream = { sent: 0, arrived: 0 };

  constructor(database: Database, link: Link, relation: Relation) {
    this.#database = database;
    this.#session = database.connect();
    this.#link = link;
    this.#relation = relation;
  }

  get name(): string {
    return this.#relation.name;
  }

  async describe(): Promise<Relation> {
    return this.#relation;
  }

  async check(): Promise<readonly []> {
    return [];
  }

  async hasRows(): Promise<boolean> {
    return this.#database.hasRows(this.#relation.name);
  }

  statements(): readonly string[] {
    return [];
  }

  rawRequests(): readonly [] {
    return [];
  }

  async commitRows(_uid: string, signal: AbortSignal): Promise<readonly CommitRow[]> {
    return await this.#call('reads', signal, () => this.#database.commitRows());
  }

  async claim(request: ClaimRequest, signal: AbortSignal): Promise<CommitRow> {
    const { name } = this.#relation;
    const session = this.#session;
    this.#claim = await this.#call('claims', signal, () => this.#database.claim(session, request, name));
    return this.#claim;
  }

  async largest(): Promise<null> {
    return null;
  }

  async beginPass(): Promise<void> {}

  async write(batch: Batch, signal: AbortSignal): Promise<WriteResult> {
    const claim = this.#claim;
    if (claim === undefined || !('rows' in batch.rows)) throw bug('a write without a claim');
    const rows = [...batch.rows.rows].map(([id]) => Number(id));
    const offset = encodeOffset(batch.offset);
    const session = this.#session;
    await this.#call('rows', signal, () => this.#database.send(session, rows));
    const commit = { uid: claim.uid, token: claim.token, offset };
    const totalRows = await this.#call('commit', signal, () => this.#database.commit(session, commit));
    return { written: rows.length, rejected: 0, rejections: [], deleted: 0, totalRows };
  }

  async endPass(): Promise<WriteResult> {
    throw bug('the model has no passes of Snapshot');
  }

  async setOffset(_change: OffsetChange): Promise<CommitRow> {
    throw bug('the model sets no offsets by hand');
  }

  async closeRows(): Promise<void> {}

  /** The next message uses a new connection. */
  async rest(): Promise<void> {
    await this.close();
    this.#claim = undefined;
    this.#session = this.#database.connect();
    this.#stream = { sent: 0, arrived: 0 };
  }

  async close(): Promise<void> {
    const [session, stream] = [this.#session, this.#stream];
    this.#link.toServer('bye', () => {
      // Messages still in transit arrive first.
      if (stream.arrived === stream.sent) session.isOver = true;
    });
  }

  #call<T>(what: string, signal: AbortSignal, run: () => T): Promise<T> {
    return new Promise((resolve, reject) => {
      if (signal.aborted) {
        reject(signal.reason);
        return;
      }
      const settle = (settled: () => void) => {
        timer.isCancelled = true;
        signal.removeEventListener('abort', stop);
        settled();
      };
      const stop = () => settle(() => reject(signal.reason));
      const timer = this.#link.process.timer(answerWithinMs, () => settle(() => reject(connectionLost())));
      signal.addEventListener('abort', stop, { once: true });
      const stream = this.#stream;
      const number = ++stream.sent;
      this.#link.toServer(what, () => {
        // A message that overtakes another, or arrives twice, is not part of a stream.
        if (number !== stream.arrived + 1) return;
        stream.arrived = number;
        try {
          const value = run();
          this.#link.toProcess(what, () => settle(() => resolve(value)));
        } catch (error) {
          this.#link.toProcess(what, () => settle(() => reject(error)));
        }
      });
    });
  }
}

function connectionLost(): Error {
  return transient('ConnectionLost', 'the destination does not answer');
}
