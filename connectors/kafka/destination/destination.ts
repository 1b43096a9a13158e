import type { Batch, RawRequest } from '../../../core/batch.ts';
import type {
  ClaimRequest,
  CommitRow,
  Destination,
  Guarantee,
  OffsetChange,
  PassStart,
  SystemAccess,
  SystemIdentity,
  WritePlan,
  WriteResult,
} from '../../../core/connector.ts';
import { bug, describeError, type Finding, permanent, schemaChanged } from '../../../core/errors.ts';
import type { Offset } from '../../../core/offset.ts';
import { offsetMoved } from '../../../core/offset-moved.ts';
import type { DestinationObject, WriteMode } from '../../../core/sync-spec.ts';
import type { Token } from '../../../core/token.ts';
import type { Relation } from '../../../core/values.ts';
import { claimedRow, tokenIsHigher, writeIsFenced } from '../../sql/destination/commit-table.ts';
import { checkDestination, guaranteeOf } from '../check.ts';
import type { TopicMetadata } from '../connection/requests.ts';
import { BrokerError, brokerErrors } from '../errors.ts';
import { commitTopic, requireTopicName } from '../names.ts';
import type { KafkaSession } from '../session.ts';
import { SessionHolder } from '../session-holder.ts';
import { isWholeColumns, wholeFormat } from '../source/raw-messages.ts';
import { earliest, latest, offsetsAt, topicError } from '../topics.ts';
import { beginProducer, ClaimedTopic, commitBatch, requireClaim } from './claim.ts';
import { CommitLog, findCommitTopic, requireCompacted } from './commit-rows.ts';
import { createCommand, createTopic, newCommitTopic, newTopicOf } from './ddl.ts';
import { encodingOf, formatFindings } from './encoding.ts';
import { leadersOf, type Producer } from './producer.ts';

const path = 'spec.destination.topic';

/** Writes rows as messages of a topic, exactly once for readers of committed messages. */
export class KafkaDestination implements Destination {
  readonly name: string;
  readonly #access: SystemAccess;
  readonly #object: DestinationObject;
  readonly #session: SessionHolder;
  readonly #log: CommitLog;
  #guarantee: Guarantee = 'ExactlyOnce';
  #hasCommitTopic = false;
  #claimed: ClaimedTopic | undefined;
  /** Of the topic that a claim has created. */
  #createdId: string | undefined;

  constructor(access: SystemAccess, object: DestinationObject) {
    this.name = requireTopicName(object.topic ?? '', path);
    this.#access = access;
    this.#object = object;
    this.#session = new SessionHolder(access, 'destination');
    this.#log = new CommitLog(this.name);
  }

  get guarantee(): Guarantee {
    return this.#guarantee;
  }

  async identity(signal: AbortSignal): Promise<SystemIdentity> {
    const { clusterId } = await (await this.#session.get(signal)).metadata([], { signal });
    return clusterId === null ? [] : [`kafka:${clusterId}`];
  }

  async describe(signal: AbortSignal): Promise<Relation | null> {
    const session = await this.#session.get(signal);
    this.#guarantee = await guaranteeOf(session, signal);
    this.#hasCommitTopic = (await findCommitTopic(session, signal)) !== undefined;
    const topic = await this.#topic(session, signal);
    if (!topic) return null;
    return {
      name: this.name,
      columns: [],
      keys: [],
      hasOpenColumns: true,
      ...(topic.id !== undefined && { identity: topic.id }),
    };
  }

  async check(_writeMode: WriteMode, signal: AbortSignal): Promise<readonly Finding[]> {
    return await checkDestination(await this.#session.get(signal), this.name, signal);
  }

  async hasRows(signal: AbortSignal): Promise<boolean> {
    const session = await this.#session.get(signal);
    const topic = await this.#topic(session, signal);
    if (!topic) return false;
    const first = await offsetsAt(session, topic, earliest, { signal });
    const ends = await offsetsAt(session, topic, latest, { signal });
    return ends.some((end, partition) => end > (first[partition] ?? 0));
  }

  statements(plan: WritePlan): readonly string[] {
    return [
      ...(this.#hasCommitTopic ? [] : [createCommand(newCommitTopic())]),
      ...(plan.existing ? [] : [createCommand(newTopicOf(this.#object))]),
    ];
  }

  rawRequests({ columns }: WritePlan): readonly RawRequest[] {
    const names = columns.columns.map(({ name }) => ({ name }));
    return isWholeColumns(names) ? [{ format: wholeFormat, as: names.map(() => 'bytes') }] : [];
  }

  async commitRows(uid: string, signal: AbortSignal): Promise<readonly CommitRow[]> {
    return await this.#log.readSettled(await this.#session.get(signal), uid, signal);
  }

  /** The brokers fence an earlier owner before the stored token is read, so that what is read stays true until it is committed. */
  async claim(request: ClaimRequest, signal: AbortSignal): Promise<CommitRow> {
    const session = await this.#session.get(signal);
    const { plan, adoptFrom } = request;
    requireExpressible(this.#object, plan);
    this.#claimed = undefined;
    const isTransactional = this.#guarantee === 'ExactlyOnce';
    if (await findCommitTopic(session, signal)) await requireCompacted(session, signal);
    else await createTopic(session, newCommitTopic(), signal);
    const target = await this.#claimable(session, plan, signal);
    const producer = await beginProducer(session, plan.uid, isTransactional, signal);
    if (adoptFrom !== undefined && isTransactional) await beginProducer(session, adoptFrom, true, signal);
    const rows = await this.#log.read(session, plan.uid, signal);
    const others = adoptFrom === undefined ? [] : await this.#log.read(session, adoptFrom, signal);
    const stored = rows.find((row) => row.uid === plan.uid && row.table === this.name);
    const adopted = others.find((row) => row.uid === adoptFrom && row.table === this.name && !row.isClosed);
    const row: CommitRow = {
      ...claimedRow(request, this.name, stored, adopted),
      ...(target.id !== undefined && { target: target.id }),
      time: new Date().toISOString(),
    };
    const closed = adopted && { ...adopted, isClosed: true, token: row.token };
    await this.#store(session, producer, closed ? [closed, row] : [row], stored, signal);
    const encoding = await encodingOf(this.#access, session, this.#object, request, signal);
    this.#claimed = new ClaimedTopic({ session, producer, log: this.#log, request, row, encoding });
    return row;
  }

  async largest(): Promise<never> {
    throw bug('a topic has no largest value');
  }

  async beginPass(pass: PassStart, signal: AbortSignal): Promise<void> {
    await requireClaim(this.#claimed).beginPass(pass, signal);
  }

  async write(batch: Batch, signal: AbortSignal): Promise<WriteResult> {
    signal.throwIfAborted();
    return await requireClaim(this.#claimed).write(batch, signal);
  }

  async endPass(offset: Offset | null, signal: AbortSignal): Promise<WriteResult> {
    return await requireClaim(this.#claimed).endPass(offset, signal);
  }

  async setOffset({ uid, expected, offset, token }: OffsetChange, signal: AbortSignal): Promise<CommitRow> {
    const session = await this.#session.get(signal);
    const rows = await this.#log.readSettled(session, uid, signal);
    const stored = rows.find((row) => row.uid === uid && row.table === this.name);
    if (!stored) throw permanent('CommitRowGone', `the commit row of ${this.name} is gone`);
    if (stored.token !== token || stored.isClosed) throw writeIsFenced(token);
    if (stored.offset !== expected) throw offsetMoved(expected, stored.offset);
    return await requireClaim(this.#claimed).store({ offset }, signal);
  }

  async closeRows(uid: string, token: Token, signal: AbortSignal): Promise<void> {
    const session = await this.#session.get(signal);
    this.#guarantee = await guaranteeOf(session, signal);
    const own = async () => (await this.#log.read(session, uid, signal)).filter((row) => row.uid === uid);
    requireHighest(await own(), token);
    const producer = await beginProducer(session, uid, this.#guarantee === 'ExactlyOnce', signal);
    const rows = await own();
    requireHighest(rows, token);
    const time = new Date().toISOString();
    const closed = rows.map((row) => ({ ...row, isClosed: true, token, time }));
    await this.#store(session, producer, closed, undefined, signal);
  }

  async rest(): Promise<void> {
    this.#claimed = undefined;
    await this.#session.release();
  }

  async close(): Promise<void> {
    await this.rest();
  }

  /** Commits rows that differ from what is stored. */
  async #store(
    session: KafkaSession,
    producer: Producer,
    rows: readonly CommitRow[],
    stored: CommitRow | undefined,
    signal: AbortSignal,
  ): Promise<void> {
    const changed = rows.filter((row) => stored === undefined || !isSameRow(row, stored));
    if (changed.length === 0) return;
    const leaders = await leadersOf(session, [commitTopic], signal);
    await producer.send(changed.map(commitBatch), leaders, signal);
    await producer.end(true, signal);
  }

  async #topic(session: KafkaSession, signal: AbortSignal): Promise<TopicMetadata | undefined> {
    const { topics } = await session.metadata([this.name], { signal });
    const found = topics.find(({ name }) => name === this.name);
    if (!found || found.error === brokerErrors.UNKNOWN_TOPIC_OR_PARTITION) return undefined;
    if (found.error !== 0) throw topicError(session, this.name, new BrokerError(found.error), path);
    return found;
  }

  /** The topic of the plan; it is created if the plan says so. */
  async #claimable(session: KafkaSession, plan: WritePlan, signal: AbortSignal): Promise<TopicMetadata> {
    const found = await this.#topic(session, signal);
    if (!plan.existing) {
      if (found && found.id !== this.#createdId) throw schemaChanged(this.name, { what: 'it was created' });
      const created = found ?? (await createTopic(session, newTopicOf(this.#object), signal));
      this.#createdId = created.id;
      return created;
    }
    if (!found) throw schemaChanged(this.name, { what: 'it is gone' });
    if (plan.existing.identity !== undefined && found.id !== plan.existing.identity)
      throw schemaChanged(this.name, { what: 'it was deleted and created again' });
    return found;
  }
}

function isSameRow(one: CommitRow, other: CommitRow): boolean {
  const text = ({ time: _, token, ...row }: CommitRow) =>
    JSON.stringify([String(token), Object.entries(row).toSorted()]);
  return text(one) === text(other);
}

function requireHighest(rows: readonly CommitRow[], token: Token): void {
  const higher = rows.find((row) => row.token > token);
  if (higher) throw tokenIsHigher(higher.token, token);
}

function requireExpressible(object: DestinationObject, plan: WritePlan): void {
  const [first] = formatFindings(object, plan);
  if (first)
    throw permanent(first.code, first.message, { path: first.path, fix: first.fix ?? describeError(first) });
}
