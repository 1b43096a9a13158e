import type { Batch } from '../../../core/batch.ts';
import type { ReadRequest } from '../../../core/connector.ts';
import { IdraError, transient } from '../../../core/errors.ts';
import type { Offset } from '../../../core/offset.ts';
import type { Value } from '../../../core/values.ts';
import { type ObjectPosition, startOfObject } from '../object-reader.ts';
import type { ObjectEntry, S3Session } from '../session.ts';
import { openObject } from './open-object.ts';
import type { RecordReading } from './record-reading.ts';
import type { Horizon } from './stream-state.ts';

export interface PassInit {
  readonly session: S3Session;
  readonly reading: RecordReading;
  readonly request: ReadRequest;
  readonly prefix: string;
  readonly horizon: Horizon;
  readonly signal: AbortSignal;
}

/** What was read of an object: up to a position, or all of it. */
export type Progress =
  | { readonly object: ObjectEntry; readonly position: ObjectPosition }
  /** isChanged: the rest cannot be read any more, since the object was replaced or deleted meanwhile. */
  | { readonly object: ObjectEntry; readonly isDone: true; readonly isChanged: boolean };

/** Rows of several objects in one batch, with the offset behind the last of them. */
export class BatchBuilder {
  readonly #pass: PassInit;
  #rows: Value[][] = [];
  #bytes = 0;
  #isChanged = false;
  /** The next record does not fit. */
  #isFull = false;

  constructor(pass: PassInit) {
    this.#pass = pass;
  }

  get isFull(): boolean {
    const { maxRows, maxBytes } = this.#pass.request.limits;
    return this.#isFull || this.#rows.length >= maxRows || this.#bytes >= maxBytes;
  }

  /** Something was read since the last batch, if only that objects have no rows. */
  get isChanged(): boolean {
    return this.#isChanged;
  }

  take(offset: Offset): Batch {
    const rows = this.#rows;
    const byteCount = this.#bytes;
    this.#rows = [];
    this.#bytes = 0;
    this.#isChanged = false;
    this.#isFull = false;
    return {
      rows: { format: 'values', rows },
      rowCount: rows.length,
      byteCount,
      offset,
      ...this.#pass.reading.take(),
    };
  }

  /** Reads an object from a position. Yields when a batch is full, or the object ends. Nothing else is read until the batch is taken. */
  async *read(object: ObjectEntry, from: ObjectPosition = startOfObject): AsyncGenerator<Progress> {
    const { reading, signal } = this.#pass;
    let isChanged = false;
    try {
      const reader = await openObject(reading, object, from, signal);
      try {
        for (;;) {
          const { maxRows, maxBytes } = this.#pass.request.limits;
          const limits = {
            maxRows: maxRows - this.#rows.length,
            maxBytes: Math.max(1, maxBytes - this.#bytes),
          };
          const part = await reader.part(limits, this.#rows.length === 0);
          this.#add(part.rows, part.bytes);
          this.#isChanged = true;
          if (part.isEnd) break;
          this.#isFull = true;
          yield { object, position: part.position };
        }
      } finally {
        reader.close();
      }
    } catch (thrown) {
      if (!(thrown instanceof IdraError && thrown.code === 'ObjectChanged')) throw thrown;
      await this.#requireGone(object);
      isChanged = true;
    }
    this.#isChanged = true;
    yield { object, isDone: true, isChanged };
  }

  /** Its version counts as read from now on, so it must not be one that the server has, and refuses for another reason. */
  async #requireGone({ key, etag }: ObjectEntry): Promise<void> {
    const { session, signal } = this.#pass;
    const { objects } = await session.list({ prefix: key, maxKeys: 1 }, signal);
    const [found] = objects;
    if (found?.key !== key || found.etag !== etag) return;
    throw transient(
      'ObjectChanged',
      `${session.where}: ${key} is listed with the ETag ${etag}, but cannot be read with it`,
      { fix: 'check whether the endpoint, or a proxy before it, answers with other ETags than it lists' },
    );
  }

  #add(rows: readonly Value[][], bytes: number): void {
    if (this.#rows.length === 0) this.#rows = rows as Value[][];
    else for (const row of rows) this.#rows.push(row);
    this.#bytes += bytes;
  }
}
