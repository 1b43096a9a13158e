import { setTimeout as pause } from 'node:timers/promises';
import type { CommitRow } from '../../../core/connector.ts';
import { type Finding, permanent } from '../../../core/errors.ts';
import { commitLayout, requireKnownLayout } from '../../sql/destination/commit-table.ts';
import type { TopicMetadata } from '../connection/requests.ts';
import { fetch } from '../connection/transfer-requests.ts';
import { BrokerError, brokerErrors } from '../errors.ts';
import { commitTopic } from '../names.ts';
import type { KafkaSession } from '../session.ts';
import { ChangeStream } from '../source/change-stream.ts';
import { PartitionReader } from '../source/partition-reader.ts';
import { earliest, latest, offsetsAt, topicError } from '../topics.ts';
import { cursorOf, type RecordCursor, readBatch } from '../types/record-batch.ts';
import { topicSettings } from './ddl.ts';

const path = 'spec.destination.topic';
const readBytes = 1024 * 1024;
const settleForMs = 500;
const settleEveryMs = 20;

interface Found {
  readonly rows: readonly CommitRow[];
  /** A transaction that has not ended has a row about the same. */
  readonly isOpen: boolean;
}

/** The row of a Sync and topic as a message: its key is kept by compaction, the latest value counts. */
export function commitMessage(row: CommitRow): { readonly key: string; readonly value: string } {
  const { uid, table, fingerprint, token, isClosed, ...rest } = row;
  const value = {
    ...rest,
    meaning: fingerprint,
    token: String(token),
    closed: isClosed,
    layout: commitLayout,
  };
  return { key: JSON.stringify({ uid, table }), value: JSON.stringify(value) };
}

/**
 * The commit rows about one topic or one Sync, as the compacted topic `_idra_commits` has them. Each call reads on to its end.
 *
 * Committed messages are read up to the first open transaction of anybody. Behind it the ends of transactions are followed here, so that an
 * open transaction of another Sync does not hide a row of this one.
 */
export class CommitLog {
  readonly #table: string;
  #topicId: string | undefined;
  /** Per partition: where committed messages were read to. */
  #positions: number[] = [];
  #rows = new Map<string, CommitRow>();

  constructor(table: string) {
    this.#table = table;
  }

  /**
   * Rows for this topic, or for this uid. The end of a transaction reaches this topic a moment after its producer was told, so what may be
   * about to be committed is awaited for a moment. A claim fences its producer first, and then there is nothing to wait for.
   */
  async readSettled(session: KafkaSession, uid: string, signal: AbortSignal): Promise<readonly CommitRow[]> {
    const untilMs = performance.now() + settleForMs;
    for (;;) {
      const { rows, isOpen } = await this.#read(session, uid, signal);
      if (!isOpen || performance.now() > untilMs) return rows;
      await pause(settleEveryMs, undefined, { signal });
    }
  }

  /** The same without waiting. */
  async read(session: KafkaSession, uid: string, signal: AbortSignal): Promise<readonly CommitRow[]> {
    return (await this.#read(session, uid, signal)).rows;
  }

  async #read(session: KafkaSession, uid: string, signal: AbortSignal): Promise<Found> {
    const topic = await findCommitTopic(session, signal);
    if (!topic) return { rows: [], isOpen: false };
    if (topic.id !== this.#topicId) {
      this.#positions = [];
      this.#rows = new Map();
      this.#topicId = topic.id;
    }
    const [first, committed, ends] = [
      await offsetsAt(session, topic, earliest, { signal }),
      await offsetsAt(session, topic, latest, { signal }),
      await offsetsAt(session, topic, latest, { signal, isCommitted: false }),
    ];
    await this.#readCommitted(session, topic, { first, ends: committed }, signal);
    const rows = new Map(this.#rows);
    const isAbout = (row: Pick<CommitRow, 'uid' | 'table'>) => row.uid === uid || row.table === this.#table;
    let isOpen = false;
    for (const { partition } of topic.partitions) {
      const from = committed[partition] ?? 0;
      const end = ends[partition] ?? 0;
      if (from >= end) continue;
      const open = await readOpen(
        session,
        topic,
        { partition, from, end },
        (cursor) => apply(rows, cursor),
        signal,
      );
      isOpen ||= open.some(isAbout);
    }
    return { rows: [...rows.values()].filter(isAbout), isOpen };
  }

  async #readCommitted(
    session: KafkaSession,
    topic: TopicMetadata,
    { first, ends }: { readonly first: readonly number[]; readonly ends: readonly number[] },
    signal: AbortSignal,
  ): Promise<void> {
    const readers = topic.partitions.map(
      ({ partition, leader, leaderEpoch }) =>
        new PartitionReader({
          ...{ topic: topic.name, topicId: topic.id, partition, leader, leaderEpoch },
          position: Math.max(this.#positions[partition] ?? 0, first[partition] ?? 0),
          target: ends[partition] ?? 0,
        }),
    );
    const stream = new ChangeStream({ session, readers, maxBytes: readBytes, path, signal });
    try {
      await stream.read(({ cursor }) => {
        apply(this.#rows, cursor);
        return 'more';
      });
    } finally {
      await stream.settle();
    }
    for (const reader of readers) this.#positions[reader.partition] = reader.position;
  }
}

/** Undefined: it does not exist. */
export async function findCommitTopic(
  session: KafkaSession,
  signal: AbortSignal,
): Promise<TopicMetadata | undefined> {
  const { topics } = await session.metadata([commitTopic], { signal });
  const topic = topics.find(({ name }) => name === commitTopic);
  if (!topic || topic.error === brokerErrors.UNKNOWN_TOPIC_OR_PARTITION) return undefined;
  if (topic.error !== 0) throw topicError(session, commitTopic, new BrokerError(topic.error), path);
  return topic;
}

/** Throws OwnTableUnsafe. */
export async function requireCompacted(session: KafkaSession, signal: AbortSignal): Promise<void> {
  const fault = await commitTopicFault(session, signal);
  if (fault) throw permanent(fault.code, fault.message, { path, fix: fault.fix ?? '' });
}

/**
 * A topic that somebody else created may lose the row of a Sync that pauses longer than its retention: the Sync would begin again. Undefined:
 * it keeps all rows, or this user may not see its settings.
 */
export async function commitTopicFault(
  session: KafkaSession,
  signal: AbortSignal,
): Promise<Finding | undefined> {
  const names = ['cleanup.policy', 'retention.ms', 'retention.bytes'];
  const settings = await topicSettings(session, commitTopic, names, signal);
  const policy = settings.get('cleanup.policy')?.split(',') ?? [];
  const isEndless = settings.get('retention.ms') === '-1' && settings.get('retention.bytes') === '-1';
  if (!policy.includes('delete') || isEndless) return undefined;
  return {
    severity: 'error',
    code: 'OwnTableUnsafe',
    path,
    message: `the topic ${commitTopic} deletes old messages (cleanup.policy=${policy.join()}), and with them the offsets of Syncs that pause`,
    fix: `kafka-configs --alter --entity-type topics --entity-name ${commitTopic} --add-config cleanup.policy=compact`,
  };
}

interface OpenRange {
  readonly partition: number;
  readonly from: number;
  readonly end: number;
}

/** Applies what transactions that have ended meanwhile wrote, in their order; what is still open does not count. */
async function readOpen(
  session: KafkaSession,
  topic: TopicMetadata,
  { partition, from, end }: OpenRange,
  apply: (cursor: RecordCursor) => void,
  signal: AbortSignal,
): Promise<readonly Pick<CommitRow, 'uid' | 'table'>[]> {
  const open = new Map<bigint, RecordCursor[]>();
  for (let offset = from; offset < end; ) {
    const records = await fetchFrom(session, topic, partition, offset, signal);
    const before = offset;
    for (let at = 0; ; ) {
      const found = readBatch(records, at);
      if (!found) break;
      at = found.end;
      offset = found.batch.lastOffset + 1;
      const cursor = await cursorOf(found.batch);
      const { producer, isTransactional, isControl } = found.batch;
      if (!isTransactional) apply(cursor);
      else if (!isControl) open.set(producer, [...(open.get(producer) ?? []), cursor]);
      else {
        if (cursor.next() && cursor.isCommit) for (const each of open.get(producer) ?? []) apply(each);
        open.delete(producer);
      }
    }
    if (offset === before) break;
  }
  return [...open.values()].flat().flatMap(namesIn);
}

/** What the messages of a batch are about. */
function namesIn(cursor: RecordCursor): Pick<CommitRow, 'uid' | 'table'>[] {
  const names: Pick<CommitRow, 'uid' | 'table'>[] = [];
  while (cursor.next()) if (cursor.key) names.push(nameOf(cursor.key.toString('utf8')));
  return names;
}

/** Throws OwnTableUnsafe. */
function nameOf(key: string): Pick<CommitRow, 'uid' | 'table'> {
  try {
    const { uid, table } = JSON.parse(key) as Record<string, unknown>;
    return { uid: String(uid), table: String(table) };
  } catch (thrown) {
    throw notOurs(thrown);
  }
}

/** Record batches from this offset on, whether or not their transactions are committed. */
export async function fetchFrom(
  session: KafkaSession,
  topic: TopicMetadata,
  partition: number,
  offset: number,
  signal: AbortSignal,
): Promise<Buffer> {
  const found = topic.partitions.find((each) => each.partition === partition);
  const part = { partition, leaderEpoch: found?.leaderEpoch ?? -1, offset, maxBytes: readBytes };
  const request = {
    ...{ maxWaitMs: 500, minBytes: 1, maxBytes: readBytes, isCommitted: false },
    topics: [{ name: topic.name, id: topic.id, partitions: [part] }],
  };
  return await session.retried({ signal }, async () => {
    const answer = await session.ask(found?.leader ?? -1, 'fetch', fetch, request, { signal, waitMs: 500 });
    const fetched = answer.topics[0]?.partitions[0];
    const error = answer.error || (fetched?.error ?? 0);
    if (error !== 0 || !fetched) throw new BrokerError(error);
    return fetched.records;
  });
}

/** All messages of the batch on which the cursor is, or the one on which it stands. */
function apply(rows: Map<string, CommitRow>, cursor: RecordCursor): void {
  if (cursor.offset >= 0) applyOne(rows, cursor);
  else while (cursor.next()) applyOne(rows, cursor);
}

function applyOne(rows: Map<string, CommitRow>, { key, value }: RecordCursor): void {
  if (key === null) return;
  const name = key.toString('utf8');
  const row = value === null ? undefined : commitRowOf(name, value.toString('utf8'));
  if (row) rows.set(`${row.uid}\0${row.table}`, row);
  else {
    const { uid, table } = nameOf(name);
    rows.delete(`${uid}\0${table}`);
  }
}

function commitRowOf(key: string, value: string): CommitRow {
  try {
    const row = JSON.parse(value) as Record<string, unknown>;
    requireKnownLayout(row.layout);
    return {
      ...nameOf(key),
      name: String(row.name),
      fingerprint: String(row.meaning),
      token: BigInt(String(row.token)),
      offset: typeof row.offset === 'string' ? row.offset : null,
      rows: Number(row.rows),
      isClosed: row.closed === true,
      time: String(row.time),
      ...(typeof row.target === 'string' && { target: row.target }),
    };
  } catch (thrown) {
    if (thrown instanceof SyntaxError || thrown instanceof TypeError) throw notOurs(thrown);
    throw thrown;
  }
}

function notOurs(cause: unknown): Error {
  return permanent('OwnTableUnsafe', `the topic ${commitTopic} has a message that is not one of Idra`, {
    path: 'spec.destination.dataSource',
    fix: `let only Idra write to ${commitTopic}`,
    cause,
  });
}
