import { BSON, type Document } from 'mongodb';
import type { Batch, Rows } from '../../../core/batch.ts';
import { systemClock } from '../../../core/clock.ts';
import { restartCommand } from '../../../core/commands.ts';
import type { PassEnd, ReadRequest } from '../../../core/connector.ts';
import { permanent } from '../../../core/errors.ts';
import type { Row } from '../../../core/values.ts';
import { findCollection } from '../describe.ts';
import type { Session } from '../session.ts';
import { bytesOf, documentValue, fieldOf } from '../types/format.ts';
import { deletionOf, wholeFormat } from '../types/row-formats.ts';
import { timestampText } from '../types/time-text.ts';
import { type ChangeEvent, ChangeEvents } from './change-events.ts';
import type { CollectionReader } from './collection-reader.ts';
import { stepsAfter } from './key-order.ts';
import { idName } from './relation.ts';
import {
  decodeToken,
  encodeToken,
  isStale,
  type StreamPosition,
  type StreamToken,
  timeOf,
} from './stream-token.ts';

export { isTokenAhead } from './stream-token.ts';

interface StreamOptions {
  readonly request: ReadRequest;
  readonly collection: string;
  /** Without what is there already. */
  readonly startsNow: boolean;
}

/** A transaction larger than this is not kept whole, because its rows are in memory until the batch is written. */
const mostTransactionBytes = 64 * 1_024 ** 2;
const endings: ReadonlySet<string> = new Set(['drop', 'rename', 'dropDatabase', 'invalidate']);

/** Reads mode Stream: first everything that is there, then the changes since before. */
export class ChangeStream {
  readonly #session: Session;
  readonly #reader: CollectionReader;
  readonly #options: StreamOptions;

  constructor(session: Session, reader: CollectionReader, options: StreamOptions) {
    this.#session = session;
    this.#reader = reader;
    this.#options = options;
  }

  async *read(signal: AbortSignal): AsyncGenerator<Batch, PassEnd> {
    const { request, startsNow } = this.#options;
    const stored = request.after?.mode === 'Stream' ? decodeToken(request.after.token) : undefined;
    const start = stored ?? (await this.#begin(startsNow, signal));
    if (start.phase === 'snapshot') yield* this.#snapshot(start, signal);
    // Without a stored token a pass that finds no change would begin somewhere else the next time.
    const isStored = stored?.phase === 'changes';
    yield* this.#changes(start.from, isStored, signal);
    return { bound: { kind: 'log' }, isHeldBack: false };
  }

  /** The position is taken before the first document is read: changes meanwhile are read again, and there is no gap. */
  async #begin(startsNow: boolean, signal: AbortSignal): Promise<StreamToken> {
    const events = await this.#open(undefined, signal);
    try {
      const { startTime, opened } = events;
      const from =
        opened ??
        (startTime === undefined
          ? undefined
          : { at: BSON.Timestamp.fromBits(Number(startTime & 0xffff_ffffn), Number(startTime >> 32n)) });
      if (!from)
        throw permanent('ServerTooOld', `${this.#session.where} does not say where a change stream begins`, {
          fix: 'use MongoDB 4.4 or later',
        });
      return startsNow ? { phase: 'changes', from } : { phase: 'snapshot', page: 0, key: null, from };
    } finally {
      await events.close();
    }
  }

  async *#snapshot(
    start: Extract<StreamToken, { phase: 'snapshot' }>,
    signal: AbortSignal,
  ): AsyncGenerator<Batch, void> {
    const reader = this.#reader;
    const steps = stepsAfter(reader.fields, start.key && reader.valuesOf(start.key), undefined);
    let pages = start.page;
    for await (const page of reader.pages(steps, signal)) {
      const last = page.documents.at(-1) as Buffer;
      pages += 1;
      const token: StreamToken = { ...start, page: pages, key: reader.positionOf(documentValue(last)) };
      yield reader.toBatch(page, { mode: 'Stream', token: encodeToken(token) });
    }
  }

  async *#changes(from: StreamPosition, isStored: boolean, signal: AbortSignal): AsyncGenerator<Batch, void> {
    const { request } = this.#options;
    const events = await this.#open(from, signal);
    const group = new ChangeGroup(this.#reader, request);
    const linger = new Linger(request.lingers);
    let [position, stored] = [from, isStored ? from : undefined];
    const take = (at: StreamPosition) => {
      stored = at;
      return group.take(at);
    };
    try {
      for (;;) {
        const batch = await events.next(signal);
        for (const event of batch.events) {
          if (group.isFullBefore(event)) yield take(position);
          if (endings.has(event.type)) {
            if (group.hasChanges) yield take(position);
            throw this.#ended(event.type);
          }
          // A source that never rests: what happened after the start of the pass is for the next one.
          if (
            isAfter(event.clusterTime, events.startTime) &&
            group.endsBefore(event) &&
            !linger.goesOn(false)
          ) {
            if (group.hasChanges || !stored) yield take(position);
            return;
          }
          group.add(event);
          position = event.position;
        }
        if (batch.isIdle) position = batch.position ?? position;
        // More follows at once: until the pass has caught up, within a transaction, and within an event.
        const isWithin = batch.position === undefined || group.isWithinTransaction;
        if (!batch.isIdle && (isWithin || !linger.hasBegun)) continue;
        if (!isCaughtUp(position, events.startTime)) continue;
        if (group.hasChanges || !stored || isStale(stored, position)) yield take(position);
        if (!linger.goesOn(batch.isIdle) || events.isOver) return;
      }
    } finally {
      await events.close();
    }
  }

  #ended(type: string): Error {
    const { collection } = this.#options;
    const what =
      type === 'rename' ? 'renamed' : type === 'invalidate' ? 'dropped, renamed or replaced' : 'dropped';
    return permanent(
      'StreamEnded',
      `${collection} was ${what}, which ends its stream of changes; all changes before that were applied`,
      {
        path: 'spec.source.collection',
        fix: `if ${collection} is there again, ${restartCommand} reads it from the beginning; rows at the destination stay`,
      },
    );
  }

  async #open(from: StreamPosition | undefined, signal: AbortSignal): Promise<ChangeEvents> {
    const { collection } = this.#options;
    const found = await findCollection(this.#session, collection, signal);
    const images: Document = found?.options.changeStreamPreAndPostImages ?? {};
    return await ChangeEvents.open(
      this.#session,
      { collection, from, hasImages: images.enabled === true },
      signal,
    );
  }
}

/** The time of a token of another form is not known: an empty batch is the end then. */
function isCaughtUp(position: StreamPosition, startTime: bigint | undefined): boolean {
  const time = timeOf(position);
  return time === undefined || startTime === undefined || time >= startTime;
}

function isAfter(time: bigint, startTime: bigint | undefined): boolean {
  return startTime !== undefined && time > startTime;
}

/** How long a pass stays at the end of the stream. */
class Linger {
  readonly #given: ReadRequest['lingers'];
  #untilMs: number | undefined;

  constructor(given: ReadRequest['lingers']) {
    this.#given = given;
  }

  /** It has caught up, and may wait: changes are passed on as they come. */
  get hasBegun(): boolean {
    return this.#untilMs !== undefined;
  }

  goesOn(isIdle: boolean): boolean {
    if (!this.#given || this.#given.until.aborted) return false;
    const nowMs = systemClock.monotonicMs();
    if (!isIdle || this.#untilMs === undefined) this.#untilMs = nowMs + this.#given.forMs;
    return nowMs < this.#untilMs;
  }
}

/** The changes of one batch: it ends only where a transaction of the source ends. */
class ChangeGroup {
  readonly #reader: CollectionReader;
  readonly #request: ReadRequest;
  #rows: Row[] = [];
  #chunks: Buffer[] = [];
  #deletions: number[] = [];
  #count = 0;
  #bytes = 0;
  #transactionBytes = 0;
  #last: ChangeEvent | undefined;

  constructor(reader: CollectionReader, request: ReadRequest) {
    this.#reader = reader;
    this.#request = request;
  }

  get hasChanges(): boolean {
    return this.#last !== undefined;
  }

  get isWithinTransaction(): boolean {
    return this.#last?.transaction !== undefined;
  }

  endsBefore({ transaction }: ChangeEvent): boolean {
    return transaction === undefined || transaction !== this.#last?.transaction;
  }

  isFullBefore(event: ChangeEvent): boolean {
    const { maxRows, maxBytes } = this.#request.limits;
    const isFull = this.#count >= maxRows || this.#bytes + event.bytes > maxBytes;
    if (!isFull || this.#count === 0) return false;
    return this.endsBefore(event) || this.#transactionBytes > mostTransactionBytes;
  }

  add(event: ChangeEvent): void {
    this.#transactionBytes = this.endsBefore(event) ? event.bytes : this.#transactionBytes + event.bytes;
    this.#last = event;
    const { type, fullDocument, documentKey } = event;
    const id = documentKey && fieldOf(documentKey, idName);
    if (type === 'delete' && id && this.#request.wantsDeletions) {
      if (this.#request.rowFormat.format === wholeFormat) this.#chunks.push(deletionOf(id));
      else this.#addRow(this.#reader.deletionRow(id), true);
    } else if (fullDocument && ['insert', 'update', 'replace'].includes(type)) {
      if (this.#request.rowFormat.format === wholeFormat) this.#chunks.push(bytesOf(fullDocument));
      else this.#addRow(this.#reader.rowOf(fullDocument), false);
    } else return;
    this.#bytes += event.bytes;
    this.#count += 1;
  }

  #addRow(row: Row | undefined, isDeletion: boolean): void {
    if (!row) return;
    if (isDeletion) this.#deletions.push(this.#rows.length);
    this.#rows.push(row);
  }

  /** The batch up to this position. */
  take(position: StreamPosition): Batch {
    const time = this.#last && timestampText(this.#last.wallTime);
    const isWhole = this.#request.rowFormat.format === wholeFormat;
    const rows: Rows = isWhole
      ? { format: wholeFormat, chunks: this.#chunks.length > 0 ? [Buffer.concat(this.#chunks)] : [] }
      : {
          format: 'values',
          rows: this.#rows,
          ...(this.#deletions.length > 0 && { deletions: this.#deletions }),
        };
    const batch = {
      rows,
      rowCount: isWhole ? this.#chunks.length : this.#rows.length,
      byteCount: this.#bytes,
      offset: { mode: 'Stream' as const, token: encodeToken({ phase: 'changes', from: position }) },
      ...(time !== undefined && { lastTimestamp: time }),
      ...this.#reader.takeMisfits(),
    };
    this.#rows = [];
    this.#chunks = [];
    this.#deletions = [];
    this.#count = 0;
    this.#bytes = 0;
    this.#last = undefined;
    return batch;
  }
}
