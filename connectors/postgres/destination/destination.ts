import type { RawRequest } from '../../../core/batch.ts';
import type {
  ClaimRequest,
  CommitRow,
  Destination,
  OffsetChange,
  SystemAccess,
  SystemIdentity,
  WritePlan,
} from '../../../core/connector.ts';
import { bug, type Finding, schemaChanged } from '../../../core/errors.ts';
import { offsetMoved } from '../../../core/offset-moved.ts';
import { requireShape } from '../../../core/relation-shape.ts';
import type { DestinationObject, WriteMode } from '../../../core/sync-spec.ts';
import type { Token } from '../../../core/token.ts';
import type { Relation, Value } from '../../../core/values.ts';
import { OwnSession } from '../../sql/connection/own-session.ts';
import { serverInteger } from '../../sql/connection/server-integer.ts';
import { claimedRow, toCommitRow, tokenIsHigher, writeIsFenced } from '../../sql/destination/commit-table.ts';
import { joinName, quoteDouble, splitName } from '../../sql/names.ts';
import { kindFindings, writeFindings } from '../check.ts';
import { readConfig } from '../config.ts';
import { writerName } from '../connection/open.ts';
import { readRows } from '../connection/read-only.ts';
import type { Names } from '../connection/search-path.ts';
import { allowWrites } from '../connection/settings.ts';
import type { TextRow } from '../connection/statements.ts';
import { describeTable } from '../describe.ts';
import { isSchemaChange } from '../errors.ts';
import { quoteName, regclass, resolveName, type TableName } from '../names.ts';
import { Session } from '../session.ts';
import { decoderOf } from '../types/decode.ts';
import { moneyFindings } from '../types/money.ts';
import { binaryRequests } from '../types/row-formats.ts';
import { BatchWriter } from './batch-writer.ts';
import { ClaimedTable } from './claim.ts';
import { CommitRows } from './commit-rows.ts';
import { Target } from './ddl.ts';
import { endEarlierOwner, sessionIdSql } from './earlier-owner.ts';
import { inspectOwnTable } from './own-tables.ts';
import { Replacement, shadowName } from './replace.ts';
import { replaceFindings } from './swap.ts';
import { ClaimedShape, type SeenTable, seeTable } from './target-shape.ts';

const tablePath = 'spec.destination.table';
/** Maximum attempts in a row when the catalog changes in a way that does not affect the plan. */
const claimAttempts = 5;

interface Opened {
  readonly session: Session;
  readonly name: TableName;
  readonly commits: CommitRows;
}

interface Claimed {
  readonly row: CommitRow;
  readonly seen: ClaimedShape;
}

/** Writes one table over one connection; losing the connection ends the claim. */
export class PostgresDestination implements Destination {
  readonly guarantee = 'ExactlyOnce';
  readonly name: string;
  readonly #parts: readonly string[];
  readonly #session: OwnSession<Session>;
  readonly #names: Names;
  /** The session that has been allowed to write. */
  #writing: Session | undefined;
  #name: TableName | undefined;
  #commits: CommitRows | undefined;
  #seen: SeenTable | undefined;
  /** The shape that was claimed for a plan; it is claimed again after a rest. */
  #shaped: { readonly plan: WritePlan; readonly shape: ClaimedShape } | undefined;
  #claimed: ClaimedTable | undefined;

  constructor(access: SystemAccess, object: DestinationObject) {
    this.#session = new OwnSession(access.dataSource, (signal) => Session.open(access, writerName, signal));
    this.#names = readConfig(access).parameters.search_path === undefined ? 'own' : 'users';
    this.#parts = splitName(object.table ?? '', tablePath);
    this.name = joinName(this.#parts);
  }

  async identity(signal: AbortSignal): Promise<SystemIdentity> {
    return (await this.#session.get(signal)).identity;
  }

  async describe(signal: AbortSignal): Promise<Relation | null> {
    const { session, name } = await this.#open(signal);
    this.#seen = await seeTable(session, name, tablePath);
    if (!this.#seen) return null;
    const { entry } = this.#seen;
    const findings = kindFindings(entry, tablePath);
    if (findings.length === 0) return entry.relation;
    return { ...entry.relation, findings: [...(entry.relation.findings ?? []), ...findings] };
  }

  async check(writeMode: WriteMode, signal: AbortSignal): Promise<readonly Finding[]> {
    const { session, name } = await this.#open(signal);
    const entry = await describeTable(session, name, tablePath);
    const money = entry ? await moneyFindings(session, entry.relation, tablePath, signal) : [];
    const findings = [...(await writeFindings(session, name, entry, writeMode, signal)), ...money];
    return writeMode === 'Replace' && entry
      ? [...findings, ...(await replaceFindings(session, entry, signal))]
      : findings;
  }

  async hasRows(signal: AbortSignal): Promise<boolean> {
    const { session, name } = await this.#open(signal);
    const [[exists] = []] = await session.query(`SELECT ${regclass(name)} IS NOT NULL`, signal);
    if (exists !== 't') return false;
    const [[has] = []] = await this.#read(`SELECT EXISTS (SELECT FROM ${quoteName(name)})`, signal);
    return has === 't';
  }

  statements(plan: WritePlan): readonly string[] {
    const [schema = 'public', table] =
      this.#parts.length > 1 ? this.#parts : [this.#name?.schema, this.#parts[0]];
    const name = { schema, table: table ?? '' };
    const target = new Target(name, plan);
    const tidy = (sql: string) => sql.replaceAll(/\s+/g, ' ');
    return [
      tidy(new CommitRows(schema, this.name).createSql),
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
    const { session, name, commits } = await this.#openToWrite(signal);
    const { plan } = request;
    await commits.create(session, signal);
    const holder = await commits.holder(session, plan.uid, signal);
    if (holder && request.token !== 'next' && holder.token > request.token)
      throw tokenIsHigher(holder.token, request.token);
    if (holder?.session) await endEarlierOwner(session, holder.session, signal);
    const { row, seen } = await this.#claimedShape(request, signal);
    const names = this.#names;
    const target = new Target(name, plan);
    const wasEmpty = !(await this.hasRows(signal));
    const { token, offset, rows: totalRows } = row;
    this.#claimed = new ClaimedTable({
      session,
      commits,
      name,
      names,
      target,
      writer: new BatchWriter({ session, target, alwaysIdentity: this.#alwaysIdentity, names }),
      request,
      token,
      shape: seen,
      offset,
      totalRows,
      wasEmpty,
    });
    return row;
  }

  /** Claims the table if it is the planned one, and creates what is missing. */
  async #claimedShape(request: ClaimRequest, signal: AbortSignal): Promise<Claimed> {
    const { session } = await this.#openToWrite(signal);
    for (let attempt = 1; ; attempt++) {
      try {
        return await session.abortable(() => this.#tryClaim(request, signal), signal);
      } catch (thrown) {
        await session.rollBack();
        if (!isSchemaChange(thrown)) throw session.classified(thrown);
        await this.#requireUnchanged(request.plan, signal);
        if (attempt === claimAttempts) throw schemaChanged(this.name, { cause: thrown });
      }
    }
  }

  async #tryClaim(request: ClaimRequest, signal: AbortSignal): Promise<Claimed> {
    const { session, name, commits } = await this.#openToWrite(signal);
    const { plan } = request;
    const shaped = this.#shaped?.plan === plan ? this.#shaped.shape : undefined;
    const createSql = shaped ? [] : new Target(name, plan).createSql;
    await session.run(`BEGIN; SET LOCAL lock_timeout = '30s'; ${commits.requireSql}`);
    const row = await this.#storeClaim(request, signal);
    if (shaped) await session.run(shaped.requireSql());
    else if (plan.existing) {
      const planned = await this.#planned(plan.existing, name, signal);
      await session.run(planned.requireSql(createSql.length > 0 ? 'ACCESS EXCLUSIVE' : 'ROW EXCLUSIVE'));
    }
    for (const sql of createSql) await session.run(sql);
    const now = await seeTable(session, name, tablePath);
    if (!now) throw bug(`${this.name} is missing after it was created`);
    const seen = shaped ?? new ClaimedShape(name, tablePath, now);
    const target = now.entry.oid;
    await session.run(`${commits.targetSql(plan.uid, row.token, target)}; COMMIT`);
    this.#shaped = { plan, shape: seen };
    return { row: { ...row, target }, seen };
  }

  /** The existing table as planned, and the fingerprint that it had then. */
  async #planned(existing: Relation, name: TableName, signal: AbortSignal): Promise<ClaimedShape> {
    const { session } = await this.#open(signal);
    this.#seen ??= await seeTable(session, name, tablePath);
    requireShape(existing, this.#seen?.entry.relation ?? null);
    if (!this.#seen) throw schemaChanged(this.name);
    return new ClaimedShape(name, tablePath, this.#seen);
  }

  /** Call after a claim was refused. Throws SchemaChanged unless the change does not affect the plan. */
  async #requireUnchanged(plan: WritePlan, signal: AbortSignal): Promise<void> {
    const { session, name } = await this.#open(signal);
    if (this.#shaped?.plan === plan) return await this.#shaped.shape.requireUnchanged(session);
    this.#seen = await seeTable(session, name, tablePath);
    if (plan.existing) requireShape(plan.existing, this.#seen?.entry.relation ?? null);
    else if (this.#seen) throw schemaChanged(this.name);
  }

  async largest(columns: readonly string[], signal: AbortSignal): Promise<readonly Value[] | null> {
    const { session, name } = await this.#open(signal);
    const entry = await describeTable(session, name, tablePath);
    if (!entry) return null;
    const [first = ''] = columns;
    const [row] = await this.#read(
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

  readonly beginPass: Destination['beginPass'] = (pass, signal) => this.#owned().beginPass(pass, signal);
  readonly write: Destination['write'] = (batch, signal) => this.#owned().write(batch, signal);
  readonly endPass: Destination['endPass'] = (offset, signal) => this.#owned().endPass(offset, signal);

  async setOffset({ uid, expected, offset, token }: OffsetChange, signal: AbortSignal): Promise<CommitRow> {
    const { session, commits } = await this.#openToWrite(signal);
    if (!(await commits.exists(session, signal))) throw writeIsFenced(token);
    const [row] = await this.#inOwnTable(commits.setOffsetSql(uid, expected, offset, token), signal);
    if (row) {
      this.#claimed?.offsetIs(offset);
      return toCommitRow(row);
    }
    const stored = (await commits.read(session, uid, signal)).find(
      (each) => each.uid === uid && each.table === this.name,
    );
    if (!stored || stored.token !== token || stored.isClosed) throw writeIsFenced(token);
    throw offsetMoved(expected, stored.offset);
  }

  async closeRows(uid: string, token: Token, signal: AbortSignal): Promise<void> {
    const { session, name, commits } = await this.#openToWrite(signal);
    if (!(await commits.exists(session, signal))) return;
    const [[highest] = []] = await this.#inOwnTable(commits.closeAllSql(uid, token), signal);
    const highestToken = serverInteger(highest ?? 0, this.name);
    if (highestToken > token) throw tokenIsHigher(highestToken, token);
    for (const table of await commits.targets(session, uid, signal)) {
      const target = { schema: name.schema, table: splitName(table, tablePath).at(-1) ?? '' };
      const shadow = shadowName(target, uid);
      // A table that somebody else created under this name must not be dropped.
      if (!(await inspectOwnTable(session, shadow, 'shadow', signal))?.isOurs) continue;
      await session.query(`DROP TABLE IF EXISTS ${quoteName(shadow)}`, signal);
    }
  }

  async rest(): Promise<void> {
    this.#claimed = undefined;
    await this.#session.rest();
  }

  async close(): Promise<void> {
    this.#claimed = undefined;
    await this.#session.close();
  }

  get #alwaysIdentity(): ReadonlySet<string> {
    return this.#seen?.entry.alwaysIdentity ?? new Set();
  }

  async #open(signal: AbortSignal): Promise<Opened> {
    signal.throwIfAborted();
    const session = await this.#session.get(signal);
    this.#name ??= await resolveName(session, this.name, tablePath);
    this.#commits ??= new CommitRows(this.#name.schema, this.name);
    return { session, name: this.#name, commits: this.#commits };
  }

  /** Until then its session cannot write: describe, check and plan cannot write anything. */
  async #openToWrite(signal: AbortSignal): Promise<Opened> {
    const opened = await this.#open(signal);
    if (this.#writing !== opened.session) await opened.session.query(allowWrites, signal);
    this.#writing = opened.session;
    return opened;
  }

  /** Runs a statement on the inspected commit table. */
  async #inOwnTable(sql: string, signal: AbortSignal): Promise<readonly TextRow[]> {
    const { session, commits } = await this.#openToWrite(signal);
    try {
      return await session.query(`BEGIN; ${commits.requireSql}; ${sql}; COMMIT`, signal);
    } catch (thrown) {
      await session.rollBack();
      throw thrown;
    }
  }

  /** Rows of the target, which may have been replaced by a view. */
  async #read(sql: string, signal: AbortSignal): Promise<readonly TextRow[]> {
    const { session } = await this.#open(signal);
    return await session.guard(() => readRows(session, sql, this.#names), signal);
  }

  #owned(): ClaimedTable {
    if (!this.#claimed) throw bug(`${this.name} is written without a claim`);
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
    const wanted = claimedRow(request, this.name, stored, adopted);
    const row = request.keepsOffset ? wanted : { ...wanted, offset: null };
    const [claimed] = await session.query(commits.claimSql(row, sessionIdSql, token === 'next'), signal);
    if (!claimed) throw writeIsFenced(wanted.token);
    if (adopted) await session.query(commits.closeSql(adopted.uid, wanted.token), signal);
    return toCommitRow(claimed);
  }
}
