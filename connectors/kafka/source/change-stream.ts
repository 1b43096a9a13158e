import { setImmediate as breathe, setTimeout as pause } from 'node:timers/promises';
import { asIdraError, transient } from '../../../core/errors.ts';
import { historyLost } from '../../../core/history-lost.ts';
import type { TopicMetadata } from '../connection/requests.ts';
import { type Fetched, type FetchedPartition, fetch } from '../connection/transfer-requests.ts';
import { BrokerError, brokerErrors, isLeaderError } from '../errors.ts';
import type { KafkaSession } from '../session.ts';
import { earliest, offsetsAt, topicError } from '../topics.ts';
import type { Message } from './metadata-columns.ts';
import type { PartitionReader } from './partition-reader.ts';

/** Without progress for this long, the pass fails and is retried as a whole. */
const giveUpAfterMs = 30_000;
const retryDelayMs = 100;
const maxWaitMs = 500;
const leastFetchBytes = 65_536;
const mostFetchBytes = 4 * 1024 * 1024;
/** How long messages are read without a turn for timers and other Syncs. */
const turnMs = 20;

/** `later`: the message was not taken, and comes again. */
export type Taken = 'more' | 'enough' | 'later';
export type Accept = (message: Message) => Taken | Promise<Taken>;

export interface StreamInit {
  readonly session: KafkaSession;
  readonly readers: readonly PartitionReader[];
  /** Of a batch of rows. */
  readonly maxBytes: number;
  readonly path: string;
  readonly signal: AbortSignal;
}

/**
 * Reads the partitions of a pass side by side: for each broker one fetch is under way while messages that were fetched before are read.
 * The order of messages is kept in each partition.
 */
export class ChangeStream {
  readonly #init: StreamInit;
  readonly #fetchBytes: number;
  readonly #underWay = new Map<number, Promise<void>>();
  #failure: unknown;
  #progressMs = performance.now();
  #turnMs = performance.now();
  #next = 0;

  constructor(init: StreamInit) {
    this.#init = init;
    this.#fetchBytes = Math.min(mostFetchBytes, Math.max(leastFetchBytes, Math.floor(init.maxBytes / 2)));
  }

  /** Calls `accept` with each message, until it has enough or all messages of the pass were read. True: all were. */
  async read(accept: Accept): Promise<boolean> {
    const { readers, signal } = this.#init;
    // The time since the last call was that of the destination.
    this.#progressMs = performance.now();
    for (;;) {
      signal.throwIfAborted();
      if (this.#failure !== undefined) throw this.#failure;
      this.#startFetches();
      const reader = this.#nextReader();
      if (reader) {
        if (!(await this.#readFrom(reader, accept))) return false;
        continue;
      }
      if (readers.every((each) => !each.needsFetch)) return true;
      if (this.#underWay.size > 0) await Promise.race(this.#underWay.values());
      else await pause(retryDelayMs, undefined, { signal });
      this.#requireProgress();
    }
  }

  /** Waits until no request of this pass is under way. */
  async settle(): Promise<void> {
    await Promise.allSettled(this.#underWay.values());
  }

  /** Partitions take turns, each for what was fetched of it. */
  #nextReader(): PartitionReader | undefined {
    const { readers } = this.#init;
    for (let tried = 0; tried < readers.length; tried++) {
      const reader = readers[(this.#next + tried) % readers.length];
      if (!reader?.hasMessages) continue;
      this.#next = (this.#next + tried) % readers.length;
      return reader;
    }
    return undefined;
  }

  async #readFrom(reader: PartitionReader, accept: Accept): Promise<boolean> {
    for (;;) {
      const cursor = reader.current();
      if (!cursor) {
        if (await reader.nextBatch()) continue;
        this.#next += 1;
        return true;
      }
      const answer = accept({ topic: reader.topic, partition: reader.partition, cursor });
      const taken = typeof answer === 'string' ? answer : await answer;
      if (taken === 'later') return false;
      reader.done(cursor);
      if (taken === 'enough') return false;
      if (performance.now() - this.#turnMs < turnMs) continue;
      await breathe(undefined, { signal: this.#init.signal });
      this.#turnMs = performance.now();
      this.#startFetches();
    }
  }

  #startFetches(): void {
    const { readers } = this.#init;
    const buffered = readers.reduce((sum, each) => sum + each.bufferedBytes, 0);
    if (buffered >= this.#fetchBytes) return;
    const hungry = readers.filter((each) => each.needsFetch && each.bufferedBytes === 0);
    for (const leader of new Set(hungry.map((each) => each.leader))) {
      if (this.#underWay.has(leader)) continue;
      const asked = hungry.filter((each) => each.leader === leader);
      const fetching = this.#fetch(leader, asked)
        .catch((thrown: unknown) => {
          this.#failure ??= thrown;
        })
        .finally(() => this.#underWay.delete(leader));
      this.#underWay.set(leader, fetching);
    }
  }

  async #fetch(leader: number, asked: readonly PartitionReader[]): Promise<void> {
    const { session, signal } = this.#init;
    // The broker fills its answer in this order.
    const turned = [...asked.slice(this.#next % asked.length), ...asked.slice(0, this.#next % asked.length)];
    const request = {
      maxWaitMs,
      minBytes: 1,
      maxBytes: this.#fetchBytes,
      isCommitted: true,
      topics: topicsOf(turned, this.#fetchBytes),
    };
    try {
      const options = { signal, waitMs: maxWaitMs, acquiredBytes: this.#fetchBytes };
      const answer = await session.ask(leader, 'fetch', fetch, request, options);
      if (answer.error !== 0) throw new BrokerError(answer.error);
      await this.#take(answer, asked);
    } catch (thrown) {
      signal.throwIfAborted();
      const isLeader = thrown instanceof BrokerError && isLeaderError(thrown.error);
      const { disposition } = asIdraError(session.error(thrown));
      if (!isLeader && disposition !== 'transient') throw thrown;
      await this.#findLeaders(asked);
    }
  }

  async #take({ topics }: Fetched, asked: readonly PartitionReader[]): Promise<void> {
    let isStale = false;
    for (const { name, id, partitions } of topics) {
      for (const fetched of partitions) {
        const reader = asked.find(
          (each) =>
            each.partition === fetched.partition &&
            (id === undefined ? each.topic === name : each.topicId === id),
        );
        if (!reader) continue;
        if (fetched.error === 0) this.#add(reader, fetched);
        else if (await this.#isStale(reader, fetched)) isStale = true;
      }
    }
    if (isStale) await this.#findLeaders(asked);
  }

  #add(reader: PartitionReader, fetched: FetchedPartition): void {
    const before = reader.fetchOffset;
    reader.add(fetched);
    if (reader.fetchOffset > before) this.#progressMs = performance.now();
  }

  /** Throws unless another leader, or the same one later, has the messages. */
  async #isStale(reader: PartitionReader, { error, logStartOffset }: FetchedPartition): Promise<boolean> {
    const { session, path, signal } = this.#init;
    if (error === brokerErrors.OFFSET_OUT_OF_RANGE) {
      await this.#requireHistory(reader, logStartOffset, signal);
      return true;
    }
    if (isLeaderError(error)) return true;
    const isOtherTopic =
      error === brokerErrors.UNKNOWN_TOPIC_ID || error === brokerErrors.INCONSISTENT_TOPIC_ID;
    if (isOtherTopic) return true;
    throw topicError(session, reader.topic, new BrokerError(error), path);
  }

  async #requireHistory(reader: PartitionReader, logStart: number, signal: AbortSignal): Promise<void> {
    const { session } = this.#init;
    const { topics } = await session.metadata([reader.topic], { signal });
    const topic = topics.find(({ name }) => name === reader.topic);
    const found = topic?.error === 0 ? await offsetsAt(session, topic, earliest, { signal }) : [];
    const first = Math.max(logStart, found[reader.partition] ?? -1);
    if (first > reader.fetchOffset) throw messagesGone(reader, first);
    throw historyLost(reader.name, {
      what: `it ends before offset ${reader.fetchOffset}, which is the next one to read: its messages were lost by the brokers`,
      keep: 'do not permit unclean leader elections (unclean.leader.election.enable)',
    });
  }

  /** Other leaders, and the same topics: one that was created again has other messages. */
  async #findLeaders(readers: readonly PartitionReader[]): Promise<void> {
    const { session, signal } = this.#init;
    await pause(retryDelayMs, undefined, { signal });
    const names = [...new Set(readers.map(({ topic }) => topic))];
    const { topics } = await session.metadata(names, { signal });
    for (const reader of readers) {
      const topic = topics.find(({ name }) => name === reader.topic);
      if (topic?.error === 0) requireSameTopic(reader, topic);
      const found = topic?.partitions.find(({ partition }) => partition === reader.partition);
      if (!found || found.leader < 0) continue;
      if (found.leader !== reader.leader || found.leaderEpoch !== reader.leaderEpoch) {
        reader.leader = found.leader;
        reader.leaderEpoch = found.leaderEpoch;
      }
    }
  }

  #requireProgress(): void {
    if (performance.now() - this.#progressMs < giveUpAfterMs) return;
    const { readers, session } = this.#init;
    const waiting = readers.find((each) => each.needsFetch);
    throw transient(
      'SystemTimeout',
      `${session.where}: ${waiting?.name} has had no messages for ${giveUpAfterMs / 1_000} s, although offset ${waiting?.fetchOffset} is before its end`,
      { fix: 'check that the leader of the partition is running and that its replicas are in sync' },
    );
  }
}

function topicsOf(readers: readonly PartitionReader[], maxBytes: number) {
  const byTopic = new Map<string, PartitionReader[]>();
  for (const reader of readers) byTopic.set(reader.topic, [...(byTopic.get(reader.topic) ?? []), reader]);
  return [...byTopic].map(([name, partitions]) => ({
    name,
    id: partitions[0]?.topicId,
    partitions: partitions.map(({ partition, leaderEpoch, fetchOffset }) => ({
      partition,
      leaderEpoch,
      offset: fetchOffset,
      maxBytes,
    })),
  }));
}

/** Retention has deleted messages that were not read. */
export function messagesGone(
  { name, position }: { readonly name: string; readonly position: number },
  first: number,
) {
  return historyLost(name, {
    what: `it begins at offset ${first} now, and the messages from ${position} on were not read: up to ${first - position} are lost`,
    keep: 'raise retention.ms or retention.bytes of the topic above the time that the Sync may pause',
  });
}

export function requireSameTopic(
  { topic, topicId }: { readonly topic: string; readonly topicId: string | undefined },
  { id }: TopicMetadata,
): void {
  if (topicId === undefined || id === undefined || topicId === id) return;
  throw historyLost(`topic ${topic}`, {
    what: 'it was deleted and created again',
    keep: 'do not delete the topic before the Sync has read it',
  });
}
