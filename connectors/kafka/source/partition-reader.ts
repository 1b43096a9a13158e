import { permanent } from '../../../core/errors.ts';
import type { Aborted, FetchedPartition } from '../connection/transfer-requests.ts';
import { WireError } from '../connection/wire.ts';
import { cursorOf, type RecordCursor, readBatch } from '../types/record-batch.ts';

interface Fetched {
  readonly records: Buffer;
  /** Transactions of which this part of the log has messages that do not count, by their first offset. */
  readonly aborted: readonly Aborted[];
  nextAborted: number;
  readonly active: Set<bigint>;
  at: number;
}

/** One partition of a pass: what was fetched and not yet read, and how far it is read. */
export class PartitionReader {
  readonly topic: string;
  readonly topicId: string | undefined;
  readonly partition: number;
  leader: number;
  leaderEpoch: number;
  /** The pass reads up to this offset. */
  readonly target: number;
  /** The next message to return. */
  position: number;
  /** The next message to fetch. */
  fetchOffset: number;
  /** Of the last message that was returned. */
  lastTimestamp: number | undefined;
  /** Where messages of committed transactions end, as far as is known. */
  end: number;
  readonly #queue: Fetched[] = [];
  #cursor: RecordCursor | undefined;
  #isOnMessage = false;
  #bufferedBytes = 0;

  constructor(init: {
    readonly topic: string;
    readonly topicId: string | undefined;
    readonly partition: number;
    readonly leader: number;
    readonly leaderEpoch: number;
    readonly position: number;
    readonly target: number;
  }) {
    this.topic = init.topic;
    this.topicId = init.topicId;
    this.partition = init.partition;
    this.leader = init.leader;
    this.leaderEpoch = init.leaderEpoch;
    this.position = init.position;
    this.fetchOffset = init.position;
    this.target = init.target;
    this.end = init.target;
  }

  get name(): string {
    return `topic ${this.topic}, partition ${this.partition}`;
  }

  get hasMessages(): boolean {
    return this.#cursor !== undefined || this.#queue.length > 0;
  }

  get needsFetch(): boolean {
    return this.fetchOffset < this.target;
  }

  get bufferedBytes(): number {
    return this.#bufferedBytes;
  }

  /** Keeps what was fetched. Batches are looked at only here for their ends, so that the next fetch can begin at once. */
  add({ records, aborted, lastStableOffset }: FetchedPartition): void {
    this.end = Math.max(this.end, lastStableOffset);
    let next = this.fetchOffset;
    let end = 0;
    for (;;) {
      const found = this.#guarded(next, () => readBatch(records, end));
      if (!found) break;
      next = Math.max(next, found.batch.lastOffset + 1);
      end = found.end;
    }
    if (end === 0) {
      if (records.length > 0) throw this.#damaged(next, 'its first batch is cut');
      return;
    }
    this.fetchOffset = next;
    this.#bufferedBytes += end;
    const sorted = aborted.toSorted((one, other) => one.firstOffset - other.firstOffset);
    const kept = records.subarray(0, end);
    this.#queue.push({ records: kept, aborted: sorted, nextAborted: 0, active: new Set(), at: 0 });
  }

  /** The cursor on the next message of the current batch; undefined: `nextBatch` has to be called. */
  current(): RecordCursor | undefined {
    const cursor = this.#cursor;
    if (!cursor || this.#isOnMessage) return cursor;
    for (;;) {
      if (!this.#guarded(this.position, () => cursor.next())) {
        this.#endBatch(cursor);
        return undefined;
      }
      // A batch may begin before the position.
      if (cursor.offset < this.position) continue;
      this.#isOnMessage = true;
      return cursor;
    }
  }

  /** The message on which the cursor stands is done. */
  done({ offset, timestamp }: RecordCursor): void {
    this.#isOnMessage = false;
    this.position = offset + 1;
    this.lastTimestamp = timestamp;
  }

  /** False: what was fetched is read. */
  async nextBatch(): Promise<boolean> {
    this.#cursor = await this.#nextBatch();
    return this.#cursor !== undefined;
  }

  #endBatch({ batch }: RecordCursor): void {
    this.position = Math.max(this.position, batch.lastOffset + 1);
    this.#cursor = undefined;
  }

  /** The next batch whose messages count. */
  async #nextBatch(): Promise<RecordCursor | undefined> {
    for (;;) {
      const fetched = this.#queue[0];
      if (!fetched) return undefined;
      const found = this.#guarded(this.position, () => readBatch(fetched.records, fetched.at, true));
      if (!found) {
        this.#queue.shift();
        this.#bufferedBytes -= fetched.records.length;
        continue;
      }
      fetched.at = found.end;
      const { batch } = found;
      activate(fetched, batch.lastOffset);
      const isAborted = batch.isTransactional && fetched.active.has(batch.producer);
      if (isAborted && !batch.isControl) {
        this.position = Math.max(this.position, batch.lastOffset + 1);
        continue;
      }
      const cursor = await cursorOf(batch).catch((thrown: unknown) => {
        throw this.#asDamaged(batch.baseOffset, thrown);
      });
      if (!batch.isControl) return cursor;
      // The end of a transaction.
      if (this.#guarded(batch.baseOffset, () => cursor.next()) && !cursor.isCommit)
        fetched.active.delete(batch.producer);
      this.position = Math.max(this.position, batch.lastOffset + 1);
    }
  }

  #guarded<T>(offset: number, read: () => T): T {
    try {
      return read();
    } catch (thrown) {
      throw this.#asDamaged(offset, thrown);
    }
  }

  #asDamaged(offset: number, thrown: unknown): unknown {
    return thrown instanceof WireError ? this.#damaged(offset, thrown.message) : thrown;
  }

  #damaged(offset: number, why: string): Error {
    return permanent(
      'RecordBatchDamaged',
      `${this.name}: the batch at offset ${offset} cannot be read: ${why}`,
      {
        path: 'spec.source.topic',
        fix: `check the broker's disk; to go on behind it: idra offset set NAME, with a later offset of partition ${this.partition}`,
      },
    );
  }
}

/** Transactions that begin up to this offset and were aborted. */
function activate(fetched: Fetched, lastOffset: number): void {
  for (;;) {
    const next = fetched.aborted[fetched.nextAborted];
    if (!next || next.firstOffset > lastOffset) return;
    fetched.active.add(next.producer);
    fetched.nextAborted += 1;
  }
}
