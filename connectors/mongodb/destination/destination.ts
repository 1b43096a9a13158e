import { randomUUID } from 'node:crypto';
import { BSON, type Document } from 'mongodb';
import type { RawRequest } from '../../../core/batch.ts';
import { systemClock } from '../../../core/clock.ts';
import type {
  ClaimRequest,
  CommitRow,
  Destination,
  Guarantee,
  OffsetChange,
  SystemAccess,
  SystemIdentity,
  WritePlan,
} from '../../../core/connector.ts';
import { bug, type Finding, IdraError, schemaChanged, transient } from '../../../core/errors.ts';
import { offsetMoved } from '../../../core/offset-moved.ts';
import { Misfit } from '../../../core/records/misfit.ts';
import type { DestinationObject, WriteMode } from '../../../core/sync-spec.ts';
import type { Token } from '../../../core/token.ts';
import type { Relation, Value } from '../../../core/values.ts';
import { OwnSession } from '../../sql/connection/own-session.ts';
import { tokenIsHigher, writeIsFenced } from '../../sql/destination/commit-table.ts';
import { kindFindings, writeFindings } from '../check.ts';
import { writerName } from '../connection/open.ts';
import { findCollection, type Index, listIndexes, readRaw } from '../describe.ts';
import { code, isCode } from '../errors.ts';
import { requireCollection } from '../names.ts';
import { Session } from '../session.ts';
import { storedValue } from '../types/decode.ts';
import { documentValue, fieldOf } from '../types/format.ts';
import { keyText } from '../types/key-text.ts';
import { isWhole, wholeRequest } from '../types/row-formats.ts';
import { ClaimedCollection } from './claim.ts';
import { CommitRows, type StoredCommit, toCommitRow } from './commit-rows.ts';
import { createCollection, createIndexes, createStatements, keyIndexOf } from './ddl.ts';
import { type IdForm, idFormOf, idName } from './document-keys.ts';
import { createOwnCollection, requireOwnCollection } from './own-tables.ts';
import { dropShadow } from './replace.ts';
import { requireShardKey } from './sharding.ts';
import { replaceFindings } from './swap.ts';
import { relationAt } from './target-shape.ts';
import { isConflict, WriteTransactions } from './write-transaction.ts';

const path = 'spec.destination.collection';
/** A server that cannot end the session of another owner ends its transaction by itself. */
const claimMs = 20_000;

/** Writes one collection over one connection. */
export class MongodbDestination implements Destination {
  readonly name: string;
  readonly #session: OwnSession<Session>;
  #guarantee: Guarantee = 'ExactlyOnce';
  #claimed: ClaimedCollection | undefined;
  #plan: WritePlan | undefined;
  /** The collection that the last claim of this plan has left. */
  #target: string | undefined;
  #form: IdForm = 'derived';

  constructor(access: SystemAccess, object: DestinationObject) {
    this.name = requireCollection(object.collection ?? '', path);
    this.#session = new OwnSession(access.dataSource, (signal) => Session.open(access, writerName, signal));
  }

  get guarantee(): Guarantee {
    return this.#guarantee;
  }

  async identity(signal: AbortSignal): Promise<SystemIdentity> {
    return (await this.#open(signal)).identity;
  }

  async describe(signal: AbortSignal): Promise<Relation | null> {
    const session = await this.#open(signal);
    const found = await findCollection(session, this.name, signal);
    if (!found) return null;
    const findings = kindFindings(found, path);
    const relation = await relationAt(session, found, signal);
    return findings.length === 0 ? relation : { ...relation, findings };
  }

  async check(writeMode: WriteMode, signal: AbortSignal): Promise<readonly Finding[]> {
    const session = await this.#open(signal);
    const findings = await writeFindings(session, this.name, writeMode, signal);
    return writeMode === 'Replace'
      ? [...findings, ...(await replaceFindings(session, this.name, path, signal))]
      : findings;
  }

  async hasRows(signal: AbortSignal): Promise<boolean> {
    const session = await this.#open(signal);
    return (await readRaw(session, this.name, { limit: 1, projection: { _id: 1 } }, signal)).length > 0;
  }

  statements(plan: WritePlan): readonly string[] {
    return createStatements(this.name, plan, idFormOf(plan, isWhole(plan.columns.columns), []));
  }

  rawRequests({ columns }: WritePlan): readonly RawRequest[] {
    return isWhole(columns.columns) ? [wholeRequest(columns.columns)] : [];
  }

  async commitRows(uid: string, signal: AbortSignal): Promise<readonly CommitRow[]> {
    const session = await this.#open(signal);
    if (!(await requireOwnCollection(session, signal))) return [];
    return await session.guard(() => new CommitRows(session, this.name).read(uid), signal);
  }

  async claim(request: ClaimRequest, signal: AbortSignal): Promise<CommitRow> {
    const session = await this.#open(signal);
    const { plan } = request;
    await this.#leaveClaim();
    await createOwnCollection(session, signal);
    const commits = new CommitRows(session, this.name);
    const holder = await session.guard(() => commits.find(plan.uid), signal);
    if (holder && request.token !== 'next' && holder.token > request.token)
      throw tokenIsHigher(holder.token, request.token);
    if (holder) await endEarlierOwner(session, holder);
    const { target, indexes } = await this.#planned(session, plan, signal);
    this.#form = idFormOf(plan, isWhole(plan.columns.columns), indexes);
    const wasEmpty = !(await this.hasRows(signal));
    const transactions = session.facts.hasTransactions ? new WriteTransactions(session) : undefined;
    try {
      const owner = transactions?.id ?? randomUUID().replaceAll('-', '');
      const stored = await this.#storeClaim(
        session,
        commits,
        request,
        { owner, target, transactions },
        signal,
      );
      this.#plan = plan;
      const init = {
        session,
        commits,
        collection: this.name,
        request,
        transactions,
        stored,
        form: this.#form,
        target,
        wasEmpty,
      };
      this.#claimed = new ClaimedCollection(init);
      return toCommitRow(stored);
    } catch (thrown) {
      await transactions?.end();
      throw thrown;
    }
  }

  /** The collection of the plan; created if the plan says that it is missing. */
  async #planned(session: Session, plan: WritePlan, signal: AbortSignal) {
    const before = await findCollection(session, this.name, signal);
    // After a claim of the same plan, the collection is the one that this claim has created or swapped in.
    const isClaimedBefore = this.#plan === plan;
    const expected = isClaimedBefore ? this.#target : plan.existing?.identity;
    if ((plan.existing || isClaimedBefore) && before?.identity !== expected) throw schemaChanged(this.name);
    if (plan.existing && !before) throw schemaChanged(this.name);
    if (!plan.existing && before && !isClaimedBefore)
      throw schemaChanged(this.name, { what: 'it was created meanwhile' });
    const isNew = !before;
    if (isNew) await session.guard(() => createCollection(session, this.name), signal);
    const indexes = await listIndexes(session, this.name, signal);
    const form = idFormOf(plan, isWhole(plan.columns.columns), indexes);
    await requireShardKey(session, this.name, { plan, form }, signal);
    await session.guard(() => this.#createKey(session, plan, form, indexes, isNew), signal);
    const now = isNew ? await findCollection(session, this.name, signal) : before;
    return { target: now?.identity, indexes };
  }

  async #createKey(
    session: Session,
    plan: WritePlan,
    form: IdForm,
    indexes: readonly Index[],
    isNew: boolean,
  ): Promise<void> {
    const index = keyIndexOf(plan, form);
    const isEmpty = isNew || plan.existing?.takesAnyKey === true;
    if (!index || !isEmpty || indexes.some(({ name }) => name === index.name)) return;
    await createIndexes(session, this.name, [index]);
  }

  async #storeClaim(
    session: Session,
    commits: CommitRows,
    request: ClaimRequest,
    {
      owner,
      target,
      transactions,
    }: { owner: string; target: string | undefined; transactions: WriteTransactions | undefined },
    signal: AbortSignal,
  ): Promise<StoredCommit> {
    const untilMs = systemClock.monotonicMs() + claimMs;
    while (systemClock.monotonicMs() < untilMs) {
      signal.throwIfAborted();
      try {
        const store = () => commits.claim(request, { session: owner, target }, transactions?.client);
        const isOurs = async () => (await commits.find(request.plan.uid))?.session === owner;
        const stored = await session.abortable(
          () => (transactions ? transactions.run(store, isOurs) : store()),
          signal,
        );
        if (stored) return stored;
      } catch (thrown) {
        signal.throwIfAborted();
        if (thrown instanceof IdraError && thrown.code !== 'SerializationFailure') throw thrown;
        const isBusy = thrown instanceof IdraError || isConflict(thrown) || isCode(thrown, code.duplicateKey);
        if (!isBusy) throw session.classified(thrown);
      }
      const holder = await session.guard(() => commits.find(request.plan.uid), signal);
      if (holder) await endEarlierOwner(session, holder);
    }
    throw transient(
      'ClaimBusy',
      `${this.name}: an earlier owner holds a transaction open, and it could not be ended`,
      {
        fix: 'nothing: the server ends it after transactionLifetimeLimitSeconds (a minute by default)',
      },
    );
  }

  readonly beginPass: Destination['beginPass'] = (pass, signal) => this.#owned().beginPass(pass, signal);
  readonly write: Destination['write'] = (batch, signal) => this.#owned().write(batch, signal);
  readonly endPass: Destination['endPass'] = (offset, signal) => this.#owned().endPass(offset, signal);

  async largest(columns: readonly string[], signal: AbortSignal): Promise<readonly Value[] | null> {
    const session = await this.#open(signal);
    const [first = ''] = columns;
    const isId = this.#form === 'derived' && this.#plan?.key.join() === first;
    const sort: Document = isId ? { [idName]: -1 } : Object.fromEntries(columns.map((name) => [name, -1]));
    const filter = { [first]: { $exists: true, $ne: null } };
    const [largest] = await readRaw(session, this.name, { filter, sort, limit: 1 }, signal);
    if (!largest) return null;
    const document = documentValue(largest);
    return columns.map((name) => {
      const planned = this.#plan?.columns.columns.find((each) => each.name === name);
      const value = fieldOf(document, name);
      if (!planned || !value) return null;
      // The source of whole documents knows values of any type by these texts.
      if (planned.source.nativeType === 'any') return keyText(value, planned.source);
      const converted = storedValue(value, planned.source.type);
      return converted instanceof Misfit ? null : converted;
    });
  }

  async closeRows(uid: string, token: Token, signal: AbortSignal): Promise<void> {
    const session = await this.#open(signal);
    if (!(await requireOwnCollection(session, signal))) return;
    const commits = new CommitRows(session, this.name);
    const stored = await session.guard(() => commits.ofUid(uid), signal);
    for (const each of stored.filter((row) => row.token <= token)) await endEarlierOwner(session, each);
    await session.guard(() => commits.close(uid, token), signal);
    const highest = stored.reduce((max, each) => (each.token > max ? each.token : max), 0n);
    if (highest > token) throw tokenIsHigher(highest, token);
    for (const { shadow } of stored)
      if (shadow) await session.guard(() => dropShadow(session, shadow), signal);
  }

  async rest(): Promise<void> {
    await this.#leaveClaim();
    await this.#session.rest();
  }

  async setOffset({ uid, expected, offset, token }: OffsetChange, signal: AbortSignal): Promise<CommitRow> {
    const session = await this.#open(signal);
    if (!(await requireOwnCollection(session, signal))) throw writeIsFenced(token);
    const commits = new CommitRows(session, this.name);
    const { changed, stored } = await session.guard(async () => {
      const updated = await commits.setOffset(uid, expected, offset, token);
      return { changed: updated, stored: updated ?? (await commits.find(uid)) };
    }, signal);
    if (changed) {
      this.#claimed?.offsetIs(changed);
      return toCommitRow(changed);
    }
    throw stored && stored.token === token && !stored.closed
      ? offsetMoved(expected, stored.offset)
      : writeIsFenced(token);
  }

  async close(): Promise<void> {
    await this.#leaveClaim();
    await this.#session.close();
  }

  async #open(signal: AbortSignal): Promise<Session> {
    signal.throwIfAborted();
    const session = await this.#session.get(signal);
    this.#guarantee = session.facts.hasTransactions ? 'ExactlyOnce' : 'AtLeastOnce';
    return session;
  }

  async #leaveClaim(): Promise<void> {
    const claimed = this.#claimed;
    this.#claimed = undefined;
    if (claimed) this.#target = claimed.target;
    await claimed?.end();
  }

  #owned(): ClaimedCollection {
    if (!this.#claimed) throw bug(`${this.name} is written without a claim`);
    return this.#claimed;
  }
}

/** Ends the transaction that an earlier owner may have open: a user may end the sessions of the same user. Else the server does it in time. */
async function endEarlierOwner(session: Session, { session: id }: StoredCommit): Promise<void> {
  if (!session.facts.hasTransactions || id === null || !/^[0-9a-f]{32}$/.test(id)) return;
  const command = { killSessions: [{ id: new BSON.UUID(id) }] };
  await session.admin.command(command).catch(() => {});
}
