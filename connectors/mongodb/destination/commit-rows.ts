import { randomUUID } from 'node:crypto';
import { type ClientSession, type Collection, Long } from 'mongodb';
import { z } from 'zod';
import type { ClaimRequest, CommitRow } from '../../../core/connector.ts';
import type { Token } from '../../../core/token.ts';
import {
  claimedRow,
  commitLayout,
  commitTableName,
  requireKnownLayout,
} from '../../sql/destination/commit-table.ts';
import { longMs, type Session } from '../session.ts';

/**
 * `_idra_commits` in the database of the collection: a document for each Sync and collection, with the fields of
 * connectors/sql/destination/commit-table.ts, and
 * - `_id`: uid and collection;
 * - `session`: of the transactions of the holder, so that a claimant can end them;
 * - `attempt`: changes with each write, so that one whose answer was lost can be found, and a late one has no effect;
 * - `shadow`, `shadowRows`: the collection of a Replace pass, and how many documents it must have.
 */
const integer = z.union([z.bigint(), z.number().int()]).transform(BigInt);
const text = z.string();
const stored = z.object({
  _id: text,
  uid: text,
  table: text,
  name: text,
  meaning: text,
  token: integer,
  offset: text.nullable(),
  rows: integer,
  session: text.nullable(),
  attempt: text,
  closed: z.boolean(),
  layout: integer,
  time: z.date(),
  target: text.nullish(),
  shadow: text.nullish(),
  shadowRows: integer.nullish(),
});
export type StoredCommit = z.infer<typeof stored>;

/** What a holder knows of its document: another one has taken over if it is not so any more. */
export interface Holding {
  readonly token: Token;
  readonly session: string;
  readonly attempt: string;
  readonly offset: string | null;
}

export interface Advance {
  readonly offset: string | null;
  readonly written: number;
  readonly attempt: string;
  readonly shadow?: { readonly name: string | null; readonly rows: number };
  readonly target?: string | undefined;
}

/** More than any Sync or collection has. */
const mostRows = 10_000;

export const newAttempt = (): string => randomUUID();

/** Documents of `_idra_commits` for one collection. */
export class CommitRows {
  readonly #session: Session;
  readonly #table: string;

  constructor(session: Session, table: string) {
    this.#session = session;
    this.#table = table;
  }

  get #collection(): Collection<{ _id: string }> {
    return this.#session.database.collection<{ _id: string }>(commitTableName);
  }

  idOf(uid: string): string {
    return `${uid} ${this.#table}`;
  }

  /** For this collection, or for this uid. */
  async read(uid: string): Promise<readonly CommitRow[]> {
    const found = await this.#collection
      .find({ $or: [{ uid }, { table: this.#table }] } as never, { maxTimeMS: longMs, limit: mostRows })
      .toArray();
    return found.map(parse).map(toCommitRow);
  }

  async find(uid: string, client?: ClientSession): Promise<StoredCommit | undefined> {
    const options = client ? { session: client } : { readConcern: { level: 'majority' as const } };
    const found = await this.#collection.findOne({ _id: this.idOf(uid) }, options);
    return found ? parse(found) : undefined;
  }

  async ofUid(uid: string): Promise<readonly StoredCommit[]> {
    return (await this.#collection.find({ uid } as never, { limit: mostRows }).toArray()).map(parse);
  }

  /** Stores the claim. Undefined: another claimant was faster. */
  async claim(
    request: ClaimRequest,
    holder: { readonly session: string; readonly target: string | undefined },
    client: ClientSession | undefined,
  ): Promise<StoredCommit | undefined> {
    const before = await this.find(request.plan.uid, client);
    const adopted = request.adoptFrom === undefined ? undefined : await this.find(request.adoptFrom, client);
    const isAdopted = adopted !== undefined && !adopted.closed;
    const row = claimedRow(
      request,
      this.#table,
      before && toCommitRow(before),
      isAdopted ? toCommitRow(adopted) : undefined,
    );
    const isRestart = request.offset === 'restart' || before?.closed === true;
    const set = {
      ...{ uid: row.uid, table: row.table, name: row.name, meaning: row.fingerprint },
      ...{
        token: Long.fromBigInt(row.token),
        offset: row.offset,
        rows: Long.fromNumber(row.rows),
        session: holder.session,
      },
      ...{ attempt: newAttempt(), closed: false, layout: commitLayout, target: holder.target ?? null },
      ...(isRestart && { shadow: before?.shadow ?? null, shadowRows: Long.ZERO }),
    };
    const isSame = before
      ? { attempt: before.attempt, token: Long.fromBigInt(before.token) }
      : { attempt: { $exists: false } };
    const result = await this.#update(
      this.idOf(row.uid),
      isSame,
      { $set: set, $currentDate: { time: true } },
      client,
      before === undefined,
    );
    if (result && adopted && isAdopted)
      await this.#update(
        adopted._id,
        {},
        { $set: { closed: true, token: set.token, attempt: newAttempt() } },
        client,
        false,
      );
    return result;
  }

  /** Undefined: the document is not that of this holder any more. */
  async advance(
    uid: string,
    holding: Holding,
    { offset, written, attempt, shadow, target }: Advance,
    client: ClientSession | undefined,
  ): Promise<StoredCommit | undefined> {
    const update = {
      $set: {
        ...{ offset, attempt },
        ...(shadow && { shadow: shadow.name, shadowRows: Long.fromNumber(shadow.rows) }),
        ...(target !== undefined && { target }),
      },
      $inc: { rows: Long.fromNumber(written) },
      $currentDate: { time: true },
    };
    return await this.#update(this.idOf(uid), heldBy(holding), update, client, false);
  }

  async setOffset(
    uid: string,
    expected: string | null,
    offset: string | null,
    token: Token,
  ): Promise<StoredCommit | undefined> {
    const filter = { token: Long.fromBigInt(token), closed: false, offset: expected };
    const update = { $set: { offset, attempt: newAttempt() }, $currentDate: { time: true } };
    return await this.#update(this.idOf(uid), filter, update, undefined, false);
  }

  /** Only documents whose token is not higher. */
  async close(uid: string, token: Token): Promise<void> {
    const set = {
      closed: true,
      token: Long.fromBigInt(token),
      attempt: newAttempt(),
      session: null,
      shadow: null,
    };
    await this.#collection.updateMany(
      { uid, token: { $lte: Long.fromBigInt(token) } } as never,
      { $set: set } as never,
      {
        writeConcern: { w: 'majority', journal: true },
      },
    );
  }

  async #update(
    id: string,
    filter: object,
    update: object,
    client: ClientSession | undefined,
    upsert: boolean,
  ): Promise<StoredCommit | undefined> {
    const options = client
      ? { session: client }
      : { writeConcern: { w: 'majority' as const, journal: true } };
    const found = await this.#collection.findOneAndUpdate({ _id: id, ...filter } as never, update as never, {
      ...options,
      upsert,
      returnDocument: 'after',
    });
    return found ? parse(found) : undefined;
  }
}

function heldBy({ token, session, attempt, offset }: Holding): object {
  return { token: Long.fromBigInt(token), session, attempt, offset, closed: false };
}

function parse(document: unknown): StoredCommit {
  requireKnownLayout(Number((document as { layout?: unknown }).layout ?? 0));
  return stored.parse(document);
}

export function toCommitRow({
  uid,
  table,
  name,
  meaning,
  token,
  offset,
  rows,
  closed,
  time,
  target,
}: StoredCommit): CommitRow {
  return {
    ...{ uid, table, name, fingerprint: meaning, token, offset, rows: Number(rows), isClosed: closed },
    time: time.toISOString(),
    ...(typeof target === 'string' && { target }),
  };
}
