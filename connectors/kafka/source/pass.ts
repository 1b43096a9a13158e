import type { PassEnd } from '../../../core/connector.ts';
import { historyLost } from '../../../core/history-lost.ts';
import type { SourcePart } from '../../../core/pass-end.ts';
import type { TopicMetadata } from '../connection/requests.ts';
import { partitionName } from '../names.ts';
import type { KafkaSession } from '../session.ts';
import { earliest, latest, offsetsAt } from '../topics.ts';
import { messagesGone, requireSameTopic } from './change-stream.ts';
import { timestampOf } from './metadata-columns.ts';
import { PartitionReader } from './partition-reader.ts';
import { formatToken, type Positions, parseToken } from './positions.ts';

export interface PassInit {
  readonly session: KafkaSession;
  readonly topics: readonly TopicMetadata[];
  /** Undefined: the Sync begins. */
  readonly token: string | undefined;
  readonly startFrom: 'Earliest' | 'Latest' | number;
  /** PassEnd.mark of an earlier pass. */
  readonly mark: string | undefined;
  readonly isPattern: boolean;
  readonly signal: AbortSignal;
}

/** From the positions of a Sync to where the messages of committed transactions ended when the pass began. */
export class Pass {
  readonly readers: readonly PartitionReader[];
  /** The positions of this pass depend on when it began. */
  readonly mustStoreStart: boolean;
  readonly #ids: ReadonlyMap<string, string | undefined>;
  readonly #highWatermarks: ReadonlyMap<PartitionReader, number>;
  readonly #mark: string | undefined;
  readonly #beganAt = new Date().toISOString();
  #storedSum: number;

  constructor(
    readers: readonly PartitionReader[],
    highWatermarks: ReadonlyMap<PartitionReader, number>,
    { topics, token, startFrom, mark }: PassInit,
  ) {
    this.readers = readers;
    this.mustStoreStart = token === undefined && startFrom !== 'Earliest';
    this.#ids = new Map(topics.map(({ name, id }) => [name, id]));
    this.#highWatermarks = highWatermarks;
    this.#mark = mark;
    this.#storedSum = this.#sum();
  }

  /** The positions now; they count as stored. */
  token(): string {
    this.#storedSum = this.#sum();
    return formatToken(this.#positions(({ position }) => position));
  }

  /** Offsets passed since the last token. */
  movedWithoutRows(): number {
    return this.#sum() - this.#storedSum;
  }

  #sum(): number {
    return this.readers.reduce((sum, { position }) => sum + position, 0);
  }

  #positions(offsetOf: (reader: PartitionReader) => number): Positions {
    const topics = new Map<string, { id: string | undefined; offsets: number[] }>();
    for (const reader of this.readers) {
      const known = topics.get(reader.topic) ?? { id: this.#ids.get(reader.topic), offsets: [] };
      topics.set(reader.topic, known);
      while (known.offsets.length <= reader.partition) known.offsets.push(-1);
      known.offsets[reader.partition] = offsetOf(reader);
    }
    return topics;
  }

  /** Of the partition that is furthest behind; if none is behind, the latest time of all. */
  lastTimestamp(): string | undefined {
    const times = (readers: readonly PartitionReader[]) =>
      readers.flatMap(({ lastTimestamp }) => (lastTimestamp === undefined ? [] : [lastTimestamp]));
    const behind = times(this.readers.filter(({ position, target }) => position < target));
    const all = times(this.readers);
    if (all.length === 0) return undefined;
    const ms = behind.length > 0 ? Math.min(...behind) : Math.max(...all);
    return timestampOf(ms) ?? undefined;
  }

  end(): PassEnd {
    const marks = this.#mark === undefined ? undefined : parseToken(this.#mark);
    const waiting = (reader: PartitionReader) =>
      marks?.get(reader.topic)?.offsets[reader.partition] ??
      this.#highWatermarks.get(reader) ??
      reader.target;
    const parts = this.#parts();
    const held = this.readers.filter((reader) => reader.position < waiting(reader));
    const [first] = held;
    if (!first) return { bound: { kind: 'log' }, isHeldBack: false, parts };
    const what = `open transaction of a producer in ${first.name}, from offset ${first.position} on`;
    return {
      bound: { kind: 'log', heldBackBy: { what, since: this.#beganAt } },
      isHeldBack: true,
      hasRowsWaiting: true,
      mark: formatToken(this.#positions(waiting)),
      parts,
    };
  }

  #parts(): readonly SourcePart[] {
    // Brokers list partitions in any order.
    const sorted = this.readers.toSorted(
      (one, other) => compareText(one.topic, other.topic) || one.partition - other.partition,
    );
    return sorted.map((reader) => {
      const { position } = reader;
      const end = Math.max(position, this.#highWatermarks.get(reader) ?? 0, reader.end);
      const [offset, last] = [String(position), String(end)];
      return { name: partitionName(reader), offset, end: last, waiting: end - position };
    });
  }
}

const compareText = (one: string, other: string) => (one < other ? -1 : Number(one > other));

/** Throws StreamHistoryLost if messages that were not read are gone. */
export async function beginPass(init: PassInit): Promise<Pass> {
  const { session, topics, signal } = init;
  const known = init.token === undefined ? undefined : parseToken(init.token);
  for (const name of known?.keys() ?? [])
    if (!topics.some((topic) => topic.name === name))
      throw historyLost(`topic ${name}`, {
        what: 'it was deleted, or this user may no longer see it',
        keep: 'keep topics until the Sync has read them',
      });
  const readers: PartitionReader[] = [];
  const highWatermarks = new Map<PartitionReader, number>();
  for (const topic of topics) {
    const first = await offsetsAt(session, topic, earliest, { signal });
    // In this order: what is written between the two is not taken for an open transaction.
    const highs = await offsetsAt(session, topic, latest, { signal, isCommitted: false });
    const ends = await offsetsAt(session, topic, latest, { signal });
    const starts = known ? first : await startsOf(init, topic, first, ends);
    const stored = known?.get(topic.name);
    requireSameTopic({ topic: topic.name, topicId: stored?.id }, topic);
    for (const { partition, leader, leaderEpoch } of topic.partitions) {
      const reader = new PartitionReader({
        ...{ topic: topic.name, topicId: topic.id, partition, leader, leaderEpoch },
        // A partition that was added is read from its beginning.
        position: positionOf(stored?.offsets[partition], starts[partition] ?? 0),
        target: ends[partition] ?? 0,
      });
      requireMessages(reader, first[partition] ?? 0, highs[partition] ?? 0);
      readers.push(reader);
      highWatermarks.set(reader, highs[partition] ?? 0);
    }
  }
  return new Pass(readers, highWatermarks, init);
}

function positionOf(stored: number | undefined, start: number): number {
  return stored === undefined || stored < 0 ? start : stored;
}

function requireMessages(reader: PartitionReader, first: number, end: number): void {
  if (reader.position < first) throw messagesGone(reader, first);
  if (reader.position > end)
    throw historyLost(reader.name, {
      what: `it ends at offset ${end}, and ${reader.position} is the next one to read: its messages were lost, or the topic was created again`,
      keep: 'do not permit unclean leader elections (unclean.leader.election.enable)',
    });
}

async function startsOf(
  { session, startFrom, signal }: PassInit,
  topic: TopicMetadata,
  first: readonly number[],
  ends: readonly number[],
): Promise<readonly number[]> {
  if (startFrom === 'Earliest') return first;
  if (startFrom === 'Latest') return ends;
  const found = await offsetsAt(session, topic, startFrom, { signal });
  // No message has this time or a later one.
  return found.map((offset, partition) => (offset < 0 ? (ends[partition] ?? 0) : offset));
}
