import type { Batch, RawRequest } from '../../core/batch.ts';
import type {
  ClaimRequest,
  CommitRow,
  Destination,
  OffsetChange,
  PassStart,
  Rejection,
  SystemAccess,
  WritePlan,
  WriteResult,
} from '../../core/connector.ts';
import { reach } from '../../core/crash-points.ts';
import { bug, type Finding } from '../../core/errors.ts';
import { encodeOffset, type Offset } from '../../core/offset.ts';
import type { DestinationObject, WriteMode } from '../../core/sync-spec.ts';
import type { Token } from '../../core/token.ts';
import type { Relation, Value } from '../../core/values.ts';
import { claimedRow, offsetMoved, tokenIsHigher, writeIsFenced } from '../sql/commit-table.ts';
import { joinName, quoteDouble, splitName } from '../sql/names.ts';
import { BatchWriter, nextWay, type Way } from './batch-writer.ts';
import { writeFindings } from './check.ts';
import { endEarlierOwner, sessionIdSql } from './claim.ts';
import { CommitRows, toCommitRow } from './commit-rows.ts';
import { describeTable, quoteName, resolveName, type TableEntry, type TableName } from './describe.ts';
import { fencedState, isRowError, sqlState } from './errors.ts';
import { literalText } from './literals.ts';
import { Replacement } from './replace.ts';
import { type RowSet, rowSetOf } from './row-set.ts';
import { Session, writerName } from './session.ts';
import { replaceFindings } from './swap.ts';
import { Target } from './target.ts';
import { decoderOf } from './text-values.ts';
import { binaryRequests } from './wire-types.ts';

const tablePath = 'spec.destination.table';

/** What a claim settles for the writes under it. */
interface Claimed {
  readonly request: ClaimRequest;
  readonly token: Token;
  readonly target: Target;
  readonly writer: BatchWriter;
  /** Upsert: whether a straight COPY may still be tried. */
  canInsert: boolean;
  /** As long as nothing was written under this claim: whether the table was empty then. */
  readonly wasEmpty: boolean;
  totalRows: number;
  /** The whole pass is one transaction: rows of it, not committed yet. */
  atomic: { written: number } | undefined;
  replacement: Replacement | undefined;
}

/** Writes one table over one connection, whose loss ends the claim. */
export class PostgresDestination implements Destination {
  readonly #access: SystemAccess;
  readonly #table: string;
  readonly #parts: readonly string[];
  #session: Session | undefined;
  #name: TableName | undefined;
  #entry: TableEntry | undefined;
  #claimed: Claimed | undefined;

  constructor(access: SystemAccess, object: DestinationObject) {
    this.#access = access;
    this.#parts = splitName(object.table, tablePath);
    this.#table = joinName(this.#parts);
  }

  async describe(signal: AbortSignal): Promise<Relation | null> {
    const { session, name } = await this.#open(signal);
    this.#entry = await describeTable(session, name, tablePath);
    if (!this.#entry) return null;
    const { relation, kind } = this.#entry;
    if (kind === 'r' || kind === 'p') return relation;
    const finding: Finding = {
      severity: 'error',
      code: 'NotATable',
      path: tablePath,
      message: `${relation.name} is ${kinds[kind] ?? 'no table'}, and rows are written to tables`,
      mend: 'name a table',
    };
    return { ...relation, findings: [...(relation.findings ?? []), finding] };
  }

  async check(writeMode: WriteMode, signal: AbortSignal): Promise<readonly Finding[]> {
    const { session, name } = await this.#open(signal);
    const entry = await describeTable(session, name, tablePath);
    const findings = await writeFindings(session, name, entry, writeMode, signal);
    return writeMode === 'Replace' && entry
      ? [...findings, ...(await replaceFindings(session, entry, signal))]
      : findings;
  }

  async hasRows(signal: AbortSignal): Promise<boolean> {
    const { session, name } = await this.#open(signal);
    const [[exists] = []] = await session.query(
      `SELECT to_regclass(${literalText(quoteName(name))}) IS NOT NULL`,
      signal,
    );
    if (exists !== 't') return false;
    const [[has] = []] = await session.query(`SELECT EXISTS (SELECT FROM ${quoteName(name)})`, signal);
    return has === 't';
  }

  statements(plan: WritePlan): readonly string[] {
    const [schema = 'public', table] =
      this.#parts.length > 1 ? this.#parts : [this.#name?.schema, this.#parts[0]];
    const name = { schema, table: table ?? '' };
    const target = new Target(name, plan);
    const tidy = (sql: string) => sql.replaceAll(/\s+/g, ' ');
    return [
      tidy(new CommitRows(schema, this.#table).createSql),
      ...target.createSql,
      ...(plan.writeMode === 'Upsert'
        ? [target.stageSql, tidy(target.mergeSql(false, this.#alwaysIdentity))]
        : []),
      ...(plan.writeMode === 'Replace' ? Replacement.statements(name, plan.uid) : []),
    ];
  }

  rawRequests(plan: WritePlan): readonly RawRequest[] {
    return binaryRequests(plan.columns);
  }

  async commitRows(uid: string, signal: AbortSignal): Promise<readonly CommitRow[]> {
    const { session, commits } = await this.#open(signal);
    return await commits.read(session, uid, signal);
  }

  async claim(request: ClaimRequest, signal: AbortSignal): Promise<CommitRow> {
    const { session, name, commits } = await this.#open(signal);
    const { plan } = request;
    await commits.create(session, signal);
    const holder = await commits.holder(session, plan.uid, signal);
    if (holder && request.token !== 'next' && holder.token > request.token)
      throw tokenIsHigher(holder.token, request.token);
    if (holder?.session) await endEarlierOwner(session, holder.session, signal);
    const target = new Target(name, plan);
    await session.query("BEGIN; SET LOCAL lock_timeout = '30s'", signal);
    try {
      const row = await this.#storeClaim(request, signal);
      for (const sql of target.createSql) await session.query(sql, signal);
      await session.query('COMMIT', signal);
      const wasEmpty = !(await this.hasRows(signal));
      this.#claimed = {
        request,
        token: row.token,
        target,
        writer: new BatchWriter(session, target, this.#alwaysIdentity),
        canInsert: true,
        wasEmpty,
        totalRows: row.rows,
        atomic: undefined,
        replacement: undefined,
      };
      return row;
    } catch (thrown) {
      await this.#rollBack(session);
      throw thrown;
    }
  }

  async largest(columns: readonly string[], signal: AbortSignal): Promise<readonly Value[] | null> {
    const { session, name } = await this.#open(signal);
    const entry = await describeTable(session, name, tablePath);
    if (!entry) return null;
    const [first = ''] = columns;
    const [row] = await session.query(
      `SELECT ${columns.map(quoteDouble).join(', ')} FROM ${quoteName(name)} WHERE ${quoteDouble(first)} IS NOT NULL
       ORDER BY ${columns.map((column) => `${quoteDouble(column)} DESC`).join(', ')} LIMIT 1`,
      signal,
    );
    if (!row) return null;
    return columns.map((column, index) => {
      const type = entry.relation.columns.find((each) => each.name === column)?.type;
      const text = row[index];
      if (text === null || text === undefined || !type) return null;
      const decode = decoderOf(type);
      return decode ? decode(text) : text;
    });
  }

  async beginPass({ pass, isResumed, isAtomic }: PassStart, signal: AbortSignal): Promise<void> {
    const { session, name, commits } = await this.#open(signal);
    const claimed = this.#owned();
    const { uid, writeMode } = claimed.request.plan;
    if (writeMode === 'Replace') {
      const guardSql = commits.guardSql(uid, claimed.token);
      try {
        const start = { session, name, uid, pass, isResumed, guardSql };
        claimed.replacement = await Replacement.begin(start, signal);
      } catch (thrown) {
        throw await this.#failed(thrown);
      }
    }
    if (!isAtomic) return;
    // The source may be slower than the limit that ends a stopped owner's transaction.
    await session.query("BEGIN; SET LOCAL idle_in_transaction_session_timeout = '15min'", signal);
    claimed.atomic = { written: 0 };
  }

  async write(batch: Batch, signal: AbortSignal): Promise<WriteResult> {
    const { session } = await this.#open(signal);
    const claimed = this.#owned();
    const rows = rowSetOf(batch, claimed.request.plan.columns);
    return await session.abortable(
      () => (claimed.atomic ? this.#writeAtomic(rows) : this.#writeBatch(rows, batch)),
      signal,
    );
  }

  async endPass(offset: Offset | null, signal: AbortSignal): Promise<WriteResult> {
    const { session } = await this.#open(signal);
    const claimed = this.#owned();
    return await session.abortable(async () => {
      try {
        const isOpen = claimed.atomic !== undefined;
        if (!isOpen) await session.run('BEGIN');
        const before = claimed.atomic?.written ?? 0;
        await claimed.replacement?.swap();
        const result = await this.#commit(before, offset, [], true);
        claimed.atomic = undefined;
        claimed.replacement = undefined;
        return result;
      } catch (thrown) {
        throw await this.#failed(thrown);
      }
    }, signal);
  }

  async setOffset({ uid, expected, offset, token }: OffsetChange, signal: AbortSignal): Promise<CommitRow> {
    const { session, commits } = await this.#open(signal);
    const [row] = await session.query(commits.setOffsetSql(uid, expected, offset, token), signal);
    if (row) return toCommitRow(row);
    const stored = (await commits.read(session, uid, signal)).find(
      (each) => each.uid === uid && each.table === this.#table,
    );
    if (!stored || stored.token !== token || stored.isClosed) throw writeIsFenced(token);
    throw offsetMoved(expected, stored.offset);
  }

  async closeRows(uid: string, token: Token, signal: AbortSignal): Promise<void> {
    const { session, commits } = await this.#open(signal);
    if (!(await commits.exists(session, signal))) return;
    const [[highest] = []] = await session.query(commits.closeAllSql(uid, token), signal);
    if (highest && BigInt(highest) > token) throw tokenIsHigher(BigInt(highest), token);
  }

  async close(): Promise<void> {
    await this.#session?.close();
    this.#session = undefined;
    this.#claimed = undefined;
  }

  get #alwaysIdentity(): ReadonlySet<string> {
    return this.#entry?.alwaysIdentity ?? new Set();
  }

  async #open(
    signal: AbortSignal,
  ): Promise<{ readonly session: Session; readonly name: TableName; readonly commits: CommitRows }> {
    if (!this.#session || (this.#session.isLost && !this.#claimed))
      this.#session = await Session.open(this.#access, writerName, signal);
    const session = this.#session;
    this.#name ??= await resolveName(session, this.#parts, tablePath);
    return { session, name: this.#name, commits: new CommitRows(this.#name.schema, this.#table) };
  }

  #owned(): Claimed {
    if (!this.#claimed) throw bug(`${this.#table} is written without a claim`);
    return this.#claimed;
  }

  async #storeClaim(request: ClaimRequest, signal: AbortSignal): Promise<CommitRow> {
    const { session, commits } = await this.#open(signal);
    const { adoptFrom, plan, token } = request;
    const rows = await commits.lock(
      session,
      [plan.uid, ...(adoptFrom === undefined ? [] : [adoptFrom])],
      signal,
    );
    const stored = rows.find((row) => row.uid === plan.uid);
    const adopted =
      adoptFrom === undefined ? undefined : rows.find((row) => row.uid === adoptFrom && !row.isClosed);
    const wanted = claimedRow(request, this.#table, stored, adopted);
    const row = request.keepsOffset ? wanted : { ...wanted, offset: null };
    const [claimed] = await session.query(commits.claimSql(row, sessionIdSql, token === 'next'), signal);
    if (!claimed) throw writeIsFenced(wanted.token);
    if (adopted) await session.query(commits.closeSql(adopted.uid, wanted.token), signal);
    return toCommitRow(claimed);
  }

  /** One batch, one transaction. Its way is changed when the server refuses it. */
  async #writeBatch(rows: RowSet, batch: Batch): Promise<WriteResult> {
    const { request, writer, replacement } = this.#owned();
    for (let way = this.#wayOf(batch); ; ) {
      try {
        await writer.prepare(way);
        const written = await writer.put(rows, way, 'BEGIN; ', replacement?.shadow);
        return await this.#commit(written, batch.offset, []);
      } catch (thrown) {
        await this.#undo(thrown);
        const next = request.plan.writeMode === 'Upsert' ? nextWay(way, sqlState(thrown)) : undefined;
        if (next) {
          this.#owned().canInsert = false;
          way = next;
        } else if (isSkipped(request, thrown)) return await this.#writeGood(rows, batch);
        else throw await this.#failed(thrown);
      }
    }
  }

  /** The batch without the rows that cannot be kept. */
  async #writeGood(rows: RowSet, batch: Batch): Promise<WriteResult> {
    const { session } = await this.#open(noSignal);
    const { writer, replacement } = this.#owned();
    const way = this.#safeWay;
    try {
      await writer.prepare(way);
      await session.run('BEGIN');
      const { written, rejections } = await writer.putGood(rows, way, replacement?.shadow);
      return await this.#commit(written, batch.offset, rejections);
    } catch (thrown) {
      throw await this.#failed(thrown);
    }
  }

  async #writeAtomic(rows: RowSet): Promise<WriteResult> {
    const claimed = this.#owned();
    const { writer, request, replacement, atomic } = claimed;
    const way = this.#safeWay;
    try {
      await writer.prepare(way);
      const { written, rejections } =
        request.plan.onError === 'Stop'
          ? { written: await writer.put(rows, way, '', replacement?.shadow), rejections: [] }
          : await writer.putGood(rows, way, replacement?.shadow);
      replacement?.add(written);
      if (atomic) atomic.written += written;
      return {
        written,
        rejected: rejections.length,
        rejections,
        totalRows: claimed.totalRows + (atomic?.written ?? 0),
      };
    } catch (thrown) {
      throw await this.#failed(thrown);
    }
  }

  /** Offset, counts and the check of the token travel with COMMIT (Invariants 1 and 3): a process stopped before has nothing to send later. */
  async #commit(
    written: number,
    offset: Offset | null,
    rejections: readonly Rejection[],
    isLast = false,
  ): Promise<WriteResult> {
    const { session, commits } = await this.#open(noSignal);
    const claimed = this.#owned();
    const { request, token, replacement } = claimed;
    const stored = request.keepsOffset ? offset && encodeOffset(offset) : null;
    // The shadow's own count; when it has been swapped in, it is the target.
    const note = isLast ? undefined : replacement?.noteSql(written);
    const sql = commits.storeSql(request.plan.uid, { token, offset: stored, written });
    await reach('commit:before');
    const [update] = await session.runAll(`${sql}; ${note === undefined ? '' : `${note}; `}COMMIT`);
    if (!isLast) replacement?.add(written);
    claimed.totalRows = Number(update?.rows[0]?.[0] ?? 0);
    return { written, rejected: rejections.length, rejections, totalRows: claimed.totalRows };
  }

  #wayOf({ offset }: Batch): Way {
    const { request, canInsert, wasEmpty } = this.#owned();
    if (request.plan.writeMode !== 'Upsert') return 'insert';
    // A guess, which the unique index of the key judges: new ids, a first snapshot, and what goes into an empty table are not there yet.
    const isNew = wasEmpty || offset.mode === 'Id' || (offset.mode === 'Snapshot' && offset.pass === 1);
    return canInsert && isNew ? 'insert' : 'merge';
  }

  /** Never refused for a key that is there, or is there twice. */
  get #safeWay(): Way {
    return this.#owned().request.plan.writeMode === 'Upsert' ? 'mergeDistinct' : 'insert';
  }

  /** What is to be thrown for a write that failed; the transaction is undone. */
  async #failed(thrown: unknown): Promise<unknown> {
    const { session } = await this.#open(noSignal);
    const claimed = this.#owned();
    claimed.atomic = undefined;
    await this.#rollBack(session);
    return sqlState(thrown) === fencedState ? writeIsFenced(claimed.token) : session.classified(thrown);
  }

  async #undo(thrown: unknown): Promise<void> {
    const { session } = await this.#open(noSignal);
    if (session.isLost) throw session.classified(thrown);
    await this.#rollBack(session);
  }

  async #rollBack(session: Session): Promise<void> {
    if (session.isLost) return;
    // The server does it by itself when the connection is gone.
    await session.run('ROLLBACK').catch(() => session.cut());
  }
}

const kinds: Readonly<Record<string, string>> = {
  v: 'a view',
  m: 'a materialized view',
  f: 'a foreign table',
};
const noSignal = new AbortController().signal;

function isSkipped({ plan }: ClaimRequest, thrown: unknown): boolean {
  return plan.onError !== 'Stop' && (isRowError(thrown) || isMisfit(thrown));
}

function isMisfit(thrown: unknown): boolean {
  return thrown instanceof Error && 'code' in thrown && thrown.code === 'ValueNotKept';
}
