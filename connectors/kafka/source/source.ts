import type { Batch, RawRequest } from '../../../core/batch.ts';
import type { ReadColumn } from '../../../core/column-plan.ts';
import type {
  CountRequest,
  PassEnd,
  ReadRequest,
  Source,
  SystemAccess,
  SystemIdentity,
} from '../../../core/connector.ts';
import type { Finding } from '../../../core/errors.ts';
import { schemaChanged } from '../../../core/errors.ts';
import { instantMs } from '../../../core/instant.ts';
import type { Offset } from '../../../core/offset.ts';
import type { RowCount } from '../../../core/row-count.ts';
import type { SourceObject } from '../../../core/sync-spec.ts';
import type { Relation } from '../../../core/values.ts';
import { checkSource } from '../check.ts';
import type { TopicMetadata } from '../connection/requests.ts';
import { describeSource, isDebezium, isRaw, type SourceShape } from '../describe.ts';
import { type TopicChoice, topicChoice } from '../names.ts';
import { SessionHolder } from '../session-holder.ts';
import { earliest, findTopics, latest, offsetsAt } from '../topics.ts';
import { BatchBuilder } from './batch-builder.ts';
import { ChangeStream, type Taken } from './change-stream.ts';
import { GroupOffsets } from './group-offsets.ts';
import { MessageRows } from './message-rows.ts';
import type { Message } from './metadata-columns.ts';
import { beginPass, type Pass } from './pass.ts';
import { isAhead, parseToken } from './positions.ts';
import { isWholeColumns, packMessage, rawRowMaker, wholeFormat } from './raw-messages.ts';

const path = 'spec.source.topic';

/** Reads topics as a stream: messages are rows, and messages without value deletions. */
export class KafkaSource implements Source {
  readonly #access: SystemAccess;
  readonly #object: SourceObject;
  readonly #choice: TopicChoice;
  readonly #session: SessionHolder;
  readonly #group: GroupOffsets;
  #shape: SourceShape | undefined;
  #identity: string | undefined;
  #storedMs = performance.now();

  constructor(access: SystemAccess, object: SourceObject) {
    this.#access = access;
    this.#object = object;
    this.#choice = topicChoice(object.topic ?? '', path);
    this.#session = new SessionHolder(access, 'source');
    this.#group = new GroupOffsets(this.#session, object.consumerGroup ?? groupOf(access, object));
  }

  async identity(signal: AbortSignal): Promise<SystemIdentity> {
    const { clusterId } = await (await this.#session.get(signal)).metadata([], { signal });
    if (clusterId === null) return [];
    this.#identity = clusterId;
    return [`kafka:${clusterId}`];
  }

  async describe(signal: AbortSignal): Promise<Relation> {
    const session = await this.#session.get(signal);
    const topics = await findTopics(session, this.#choice, path, signal);
    this.#shape = await describeSource(this.#access, session, this.#object, topics, signal);
    return this.#shape.relation;
  }

  async check(_mode: string, signal: AbortSignal): Promise<readonly Finding[]> {
    return await checkSource(await this.#session.get(signal), this.#choice, this.#group.name, signal);
  }

  canServe({ format }: RawRequest, columns: readonly ReadColumn[]): boolean {
    return format === wholeFormat && isWholeColumns(columns.map(({ column }) => column));
  }

  isAhead(before: string, after: string): boolean {
    return isAhead(before, after);
  }

  async *read(request: ReadRequest, signal: AbortSignal): AsyncGenerator<Batch, PassEnd> {
    const session = await this.#session.get(signal);
    const topics = await findTopics(session, this.#choice, path, signal);
    if (this.#identity !== undefined && (await this.#clusterId(signal)) !== this.#identity)
      throw schemaChanged(request.relation.name, { what: 'another cluster answers at its address' });
    const pass = await beginPass({
      session,
      topics,
      token: request.after?.mode === 'Stream' ? request.after.token : undefined,
      startFrom: this.#startFrom,
      mark: request.mark,
      isPattern: this.#choice.isPattern,
      signal,
    });
    const offset = (): Offset => ({ mode: 'Stream', token: pass.token() });
    const builder = new BatchBuilder(request.limits, request.rowFormat);
    // Otherwise the next pass would begin at a later end.
    if (pass.mustStoreStart) yield this.#stored(builder.take(offset(), {}));
    const { maxBytes } = request.limits;
    const stream = new ChangeStream({ session, readers: pass.readers, maxBytes, path, signal });
    const rows = await this.#acceptor(request, builder, signal);
    try {
      for (;;) {
        const isComplete = await stream.read(rows.accept);
        const more = rows.take();
        const isWorthStoring = isComplete && this.#mustStore(pass);
        if (!builder.isEmpty || more.misfits || isWorthStoring) {
          const time = pass.lastTimestamp();
          yield this.#stored(
            builder.take(offset(), { ...more, ...(time !== undefined && { lastTimestamp: time }) }),
          );
        }
        if (isComplete) return pass.end();
      }
    } finally {
      await stream.settle();
    }
  }

  get #startFrom(): 'Earliest' | 'Latest' | number {
    const { startFrom = 'Earliest' } = this.#object;
    if (startFrom === 'Earliest' || startFrom === 'Latest') return startFrom;
    return instantMs(startFrom, 'UTC') ?? 0;
  }

  async #clusterId(signal: AbortSignal): Promise<string | null> {
    return (await (await this.#session.get(signal)).metadata([], { signal })).clusterId;
  }

  #stored(batch: Batch): Batch {
    this.#storedMs = performance.now();
    return batch;
  }

  /** The ends of transactions move the offset without rows. If it is not stored for long, retention may overtake it. */
  #mustStore(pass: Pass): boolean {
    const moved = pass.movedWithoutRows();
    return moved > manyOffsets || (moved > 0 && performance.now() - this.#storedMs > storeAfterMs);
  }

  async #acceptor(request: ReadRequest, builder: BatchBuilder, signal: AbortSignal) {
    const object = this.#object;
    if (isRaw(object)) return this.#rawAcceptor(request, builder);
    const shape = this.#shape ?? (await this.#described(signal));
    const { relation, format } = shape;
    if (!format) throw schemaChanged(relation.name);
    const columns = relation.recordColumns ?? [];
    const key = relation.keys[0]?.columns ?? [];
    const rows = new MessageRows({ format, isDebezium: isDebezium(object), columns, key }, request);
    const add = (message: Message): Taken => {
      const { keyLength, valueLength } = message.cursor;
      const bytes = Math.max(0, keyLength) + Math.max(0, valueLength);
      if (!builder.hasRoomFor(bytes)) return 'later';
      const found = rows.read(message);
      if (found?.moved) builder.addRow(found.moved, true, 0);
      if (found) builder.addRow(found.row, found.isDeletion, bytes);
      return builder.isFull ? 'enough' : 'more';
    };
    const accept = (message: Message): Taken | Promise<Taken> => {
      const preparing = rows.prepare(message, signal);
      return preparing === undefined ? add(message) : preparing.then(() => add(message));
    };
    return { accept, take: () => rows.take() };
  }

  async #described(signal: AbortSignal): Promise<SourceShape> {
    await this.describe(signal);
    return this.#shape as SourceShape;
  }

  #rawAcceptor(request: ReadRequest, builder: BatchBuilder) {
    const isWhole = request.rowFormat.format === wholeFormat;
    const make = rawRowMaker(request.columns);
    const isMirror = this.#object.isWhole === true;
    const accept = (message: Message): Taken => {
      const { keyLength, valueLength } = message.cursor;
      const bytes = Math.max(0, keyLength) + Math.max(0, valueLength);
      if (!builder.hasRoomFor(bytes)) return 'later';
      // From topic to topic a message without value is a deletion.
      if (isMirror && valueLength < 0 && !request.wantsDeletions) return 'more';
      if (isWhole) builder.addChunk(packMessage(message));
      else builder.addRow(make(message), false, bytes);
      return builder.isFull ? 'enough' : 'more';
    };
    return { accept, take: (): Pick<Batch, 'misfits' | 'newFields'> => ({}) };
  }

  async timeZone(): Promise<string> {
    return 'UTC';
  }

  async estimateWaiting({ after }: ReadRequest, signal: AbortSignal): Promise<number | undefined> {
    const session = await this.#session.get(signal);
    const topics = await findTopics(session, this.#choice, path, signal);
    const known = after?.mode === 'Stream' ? parseToken(after.token) : undefined;
    let waiting = 0;
    for (const topic of topics) {
      const ends = await offsetsAt(session, topic, latest, { signal });
      const from = known?.get(topic.name)?.offsets ?? (await this.#starts(topic, signal));
      for (const [partition, end] of ends.entries())
        waiting += Math.max(0, end - Math.max(0, from[partition] ?? 0));
    }
    return waiting;
  }

  /** Offsets, of which ends of transactions and compacted messages have some: so at most so many messages. */
  async countBetween({ request, upTo }: CountRequest, signal: AbortSignal): Promise<RowCount | undefined> {
    const session = await this.#session.get(signal);
    const topics = await findTopics(session, this.#choice, path, signal);
    const positions = (at: CountRequest['upTo']) =>
      at !== null && at !== 'end' && at.mode === 'Stream' ? parseToken(at.token) : undefined;
    const [from, to] = [positions(request.after), positions(upTo)];
    let rows = 0;
    for (const topic of topics) {
      const [first, last] = [
        await offsetsAt(session, topic, earliest, { signal }),
        await offsetsAt(session, topic, latest, { signal }),
      ];
      const starts = await this.#starts(topic, signal);
      for (const [partition, newest] of last.entries()) {
        const oldest = first[partition] ?? 0;
        const of = (all: typeof from) => {
          const given = all?.get(topic.name)?.offsets[partition] ?? -1;
          return Math.min(newest, Math.max(oldest, given < 0 ? (starts[partition] ?? oldest) : given));
        };
        rows += Math.max(0, (upTo === 'end' ? newest : of(to)) - of(from));
      }
    }
    return { rows, precision: rows === 0 ? 'exact' : 'atMost' };
  }

  async #starts(topic: TopicMetadata, signal: AbortSignal): Promise<readonly number[]> {
    const start = this.#startFrom;
    const at = start === 'Latest' ? latest : start === 'Earliest' ? -2 : start;
    return await offsetsAt(await this.#session.get(signal), topic, at, { signal });
  }

  async acknowledge(offset: Offset): Promise<void> {
    if (offset.mode === 'Stream') await this.#group.commit(parseToken(offset.token));
  }

  async rest(): Promise<void> {
    await this.#group.flush();
    await this.#session.release();
  }

  async close(): Promise<void> {
    await this.rest();
  }
}

const manyOffsets = 1_000;
const storeAfterMs = 60_000;

function groupOf({ dataSource }: SystemAccess, { topic }: SourceObject): string {
  return `idra-${dataSource.replace('/', '-')}-${topic}`.slice(0, 255);
}
