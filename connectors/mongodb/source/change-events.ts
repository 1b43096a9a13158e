import { BSON, type ClientSession, type Document } from 'mongodb';
import { protocolError } from '../../../core/error-class.ts';
import { permanent } from '../../../core/errors.ts';
import { historyLost } from '../../../core/history-lost.ts';
import { isCode } from '../errors.ts';
import { type Session, shortMs } from '../session.ts';
import { type BsonValue, bson, bytesOf, documentValue, elementsOf, fieldOf } from '../types/format.ts';
import { textOf } from '../types/scalars.ts';
import type { StreamPosition } from './stream-token.ts';

/** One change, with its fragments joined. */
export interface ChangeEvent {
  readonly type: string;
  readonly position: StreamPosition;
  readonly documentKey: BsonValue | undefined;
  /** Undefined for a document that was deleted since. */
  readonly fullDocument: BsonValue | undefined;
  readonly clusterTime: bigint;
  /** Milliseconds. */
  readonly wallTime: bigint;
  /** Events of one transaction have the same text; undefined: a write of its own. */
  readonly transaction: string | undefined;
  readonly bytes: number;
}

export interface EventBatch {
  readonly events: readonly ChangeEvent[];
  /** Where the stream is after this batch; undefined within an event whose last fragment has not arrived. */
  readonly position: StreamPosition | undefined;
  /** Nothing has happened for a while. */
  readonly isIdle: boolean;
}

const fetched = 1_000;
/** How long the server waits for an event before it answers with an empty batch. */
const awaitMs = 250;
const historyCodes = [136, 280, 286];
const postImageMissing = 47;
const eventTooLarge = 10_334;
/** Of an event in fragments: the document before and after it, and what was changed. */
const mostEventBytes = 64 * 1_024 ** 2;

const withDocument: ReadonlySet<string> = new Set(['insert', 'replace']);
const withKey: ReadonlySet<string> = new Set(['insert', 'update', 'replace', 'delete']);

/** A change stream of one collection, batch by batch. */
export class ChangeEvents {
  readonly #session: Session;
  readonly #collection: string;
  readonly #client: ClientSession | undefined;
  #cursor: bigint;
  #first: EventBatch | undefined;
  /** Fragments of an event whose last one has not arrived. */
  #fragments: BsonValue[] = [];
  /** The cluster's time when the stream was opened; undefined if the server does not say. */
  readonly startTime: bigint | undefined;

  private constructor(
    session: Session,
    collection: string,
    client: ClientSession | undefined,
    answer: Document,
  ) {
    this.#session = session;
    this.#collection = collection;
    this.#client = client;
    this.startTime = timestampOf(answer.operationTime);
    const cursor = cursorOf(answer);
    this.#cursor = cursor.id;
    this.#first = this.#read(cursor.value, 'firstBatch');
  }

  /** `from` undefined: only what happens from now on. */
  static async open(
    session: Session,
    {
      collection,
      from,
      hasImages,
    }: { collection: string; from: StreamPosition | undefined; hasImages: boolean },
    signal: AbortSignal,
  ): Promise<ChangeEvents> {
    const client = session.facts.hasSessions ? session.startSession() : undefined;
    const start =
      from === undefined
        ? {}
        : 'after' in from
          ? { startAfter: from.after }
          : { startAtOperationTime: from.at };
    const stream = { $changeStream: { fullDocument: hasImages ? 'required' : 'updateLookup', ...start } };
    const split = splitsEvents(session.facts.version) ? [{ $changeStreamSplitLargeEvent: {} }] : [];
    const command = { aggregate: collection, pipeline: [stream, ...split], cursor: { batchSize: fetched } };
    try {
      return new ChangeEvents(
        session,
        collection,
        client,
        await ask(session, collection, command, client, signal),
      );
    } catch (thrown) {
      await client?.endSession().catch(() => {});
      throw session.classified(thrown);
    }
  }

  async next(signal: AbortSignal): Promise<EventBatch> {
    const first = this.#first;
    this.#first = undefined;
    if (first && first.events.length > 0) return first;
    if (this.#cursor === 0n) return { events: [], position: first?.position, isIdle: true };
    const command = {
      getMore: BSON.Long.fromBigInt(this.#cursor),
      collection: this.#collection,
      batchSize: fetched,
      maxTimeMS: awaitMs,
    };
    const answer = await ask(this.#session, this.#collection, command, this.#client, signal);
    try {
      const cursor = cursorOf(answer);
      this.#cursor = cursor.id;
      return this.#read(cursor.value, 'nextBatch');
    } catch (thrown) {
      throw this.#session.classified(thrown);
    }
  }

  /** The server has closed the stream. */
  get isOver(): boolean {
    return this.#cursor === 0n;
  }

  /** The position before any event. */
  get opened(): StreamPosition | undefined {
    return this.#first?.position;
  }

  async close(): Promise<void> {
    if (this.#cursor !== 0n && !this.#session.isLost) {
      const kill = { killCursors: this.#collection, cursors: [BSON.Long.fromBigInt(this.#cursor)] };
      const options = this.#client ? { session: this.#client } : {};
      await this.#session.database.command(kill, options).catch(() => {});
    }
    this.#cursor = 0n;
    await this.#client?.endSession().catch(() => {});
  }

  #read(cursor: BsonValue, name: string): EventBatch {
    const token = fieldOf(cursor, 'postBatchResumeToken');
    const events: ChangeEvent[] = [];
    const batch = fieldOf(cursor, name);
    if (batch?.type === bson.array) {
      for (const each of elementsOf(batch)) {
        const event = this.#joined(each);
        if (event) events.push(event);
      }
    }
    const isWithin = this.#fragments.length > 0;
    return {
      events,
      position: token && !isWithin ? { after: driverDocument(token) } : undefined,
      isIdle: events.length === 0 && !isWithin,
    };
  }

  /** A large event arrives in fragments, each with some of its fields. */
  #joined(event: BsonValue): ChangeEvent | undefined {
    const split = fieldOf(event, 'splitEvent');
    if (!split) return eventOf([event], this.#session.where);
    const [fragment, of] = [numberIn(split, 'fragment'), numberIn(split, 'of')];
    this.#fragments.push(event);
    const bytes = this.#fragments.reduce((sum, { start, end }) => sum + end - start, 0);
    if (fragment !== this.#fragments.length || fragment > of || bytes > mostEventBytes)
      throw protocolError(this.#session.where, new Error(`fragment ${fragment} of ${of} of an event`));
    if (fragment !== of) return undefined;
    const whole = this.#fragments;
    this.#fragments = [];
    return eventOf(whole, this.#session.where);
  }
}

async function ask(
  session: Session,
  collection: string,
  command: Document,
  client: ClientSession | undefined,
  signal: AbortSignal,
): Promise<Document> {
  try {
    const options = { raw: true, ...(client && { session: client }) };
    const limits = 'getMore' in command ? {} : { maxTimeMS: shortMs };
    return await session.abortable(
      () => session.database.command({ ...command, ...limits }, options),
      signal,
    );
  } catch (thrown) {
    throw refused(thrown, collection) ?? session.classified(thrown);
  }
}

function refused(thrown: unknown, collection: string): Error | undefined {
  if (isCode(thrown, ...historyCodes))
    return historyLost(collection, {
      what: 'its log begins after it',
      keep: 'give the log of the replica set a size (replSetResizeOplog) that covers the pauses of the Sync',
    });
  if (isCode(thrown, postImageMissing))
    return historyLost(collection, {
      what: 'the server has no post-images of some of them',
      keep: 'keep post-images for longer (expireAfterSeconds of changeStreamOptions.preAndPostImages); or, if they were only now switched on for the collection, switch them off until the Sync has caught up',
    });
  if (!isCode(thrown, eventTooLarge)) return undefined;
  return permanent('RowTooLarge', `a change of ${collection} makes an event of more than 16 MiB`, {
    path: 'spec.source.collection',
    fix: 'MongoDB 6.0.9 and later send such events in parts: upgrade the server',
  });
}

/** With `raw` the driver leaves what is within the answer as bytes. */
function cursorOf(answer: Document): { readonly id: bigint; readonly value: BsonValue } {
  const value = documentValue(Buffer.from(answer.cursor as Uint8Array));
  const id = fieldOf(value, 'id');
  return { id: id?.type === bson.int64 ? id.bytes.readBigInt64LE(id.start) : BigInt(numberOf(id)), value };
}

function eventOf(parts: readonly BsonValue[], where: string): ChangeEvent {
  const find = (name: string) => parts.map((part) => fieldOf(part, name)).find((each) => each !== undefined);
  const token = fieldOf(parts.at(-1) as BsonValue, '_id');
  const full = find('fullDocument');
  const clusterTime = find('clusterTime');
  const wall = find('wallTime');
  const time =
    clusterTime?.type === bson.timestamp ? clusterTime.bytes.readBigUInt64LE(clusterTime.start) : 0n;
  const event = {
    type: textIn(find('operationType')),
    position: { after: token?.type === bson.object ? driverDocument(token) : {} },
    documentKey: find('documentKey'),
    fullDocument: full?.type === bson.object ? full : undefined,
    clusterTime: time,
    wallTime: wall?.type === bson.date ? wall.bytes.readBigInt64LE(wall.start) : (time >> 32n) * 1_000n,
    transaction: transactionOf(find('lsid'), find('txnNumber')),
    bytes: parts.reduce((sum, { start, end }) => sum + end - start, 0),
  };
  requireWhole(event, where);
  return event;
}

/** What an event must have, or its change would be left out silently. */
function requireWhole({ type, position, documentKey, fullDocument }: ChangeEvent, where: string): void {
  const isIncomplete =
    type === '' ||
    ('after' in position && Object.keys(position.after).length === 0) ||
    (withDocument.has(type) && !fullDocument) ||
    (withKey.has(type) && documentKey?.type !== bson.object);
  if (isIncomplete)
    throw protocolError(where, new Error(`an event of type "${type.slice(0, 20)}" is incomplete`));
}

function transactionOf(session: BsonValue | undefined, number: BsonValue | undefined): string | undefined {
  if (!session || !number) return undefined;
  return `${bytesOf(session).toString('base64')} ${bytesOf(number).toString('hex')}`;
}

function textIn(value: BsonValue | undefined): string {
  return value?.type === bson.string ? (textOf(value) ?? '') : '';
}

function numberIn(document: BsonValue, name: string): number {
  return numberOf(fieldOf(document, name));
}

function numberOf(value: BsonValue | undefined): number {
  if (value?.type === bson.int32) return value.bytes.readInt32LE(value.start);
  return value?.type === bson.int64 ? Number(value.bytes.readBigInt64LE(value.start)) : 0;
}

function driverDocument(value: BsonValue): Document {
  return BSON.deserialize(bytesOf(value), { promoteValues: false });
}

function timestampOf(value: unknown): bigint | undefined {
  return value instanceof BSON.Timestamp ? BigInt.asUintN(64, value.toBigInt()) : undefined;
}

/** From 6.0.9 on. */
function splitsEvents(version: string): boolean {
  const [major = 0, minor = 0, patch = 0] = version.split('.').map((each) => Number.parseInt(each, 10));
  return major > 6 || (major === 6 && (minor > 0 || patch >= 9));
}
