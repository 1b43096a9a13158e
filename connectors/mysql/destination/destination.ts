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
import { bug, type Finding, IdraError, transient } from '../../../core/errors.ts';
import type { DestinationObject, WriteMode } from '../../../core/sync-spec.ts';
import type { Token } from '../../../core/token.ts';
import type { Relation, Value } from '../../../core/values.ts';
import { joinName, quoteBacktick, splitName } from '../../sql/names.ts';
import { triggerFindings, writeFindings } from '../check.ts';
import { readConfig } from '../config.ts';
import { readOnly } from '../connection/read-only.ts';
import { describeTable, destinationFindings, type TableEntry } from '../describe.ts';
import { errnoOf, errorNumbers } from '../errors.ts';
import { identityOf } from '../identity.ts';
import { quoteName, resolveName, type TableName } from '../names.ts';
import { Session } from '../session.ts';
import { collationsFor } from '../types/collations.ts';
import { decoderOf } from '../types/decode.ts';
import { loadColumn, tsvRequest } from '../types/encode.ts';
import { selectItem } from '../types/literals.ts';
import { BatchWriter } from './batch-writer.ts';
import { ClaimedTable } from './claim.ts';
import { CommitRows } from './commit-rows.ts';
import { addColumns, createStaging, createTable, ownTable } from './ddl.ts';
import { Deletions } from './deletions.ts';
import { Replacement, replaceFindings } from './replace.ts';
import { claimTarget } from './target-shape.ts';
import { WriteTransaction } from './write-transaction.ts';

const path = 'spec.destination.table';

/** Writes one table: rows, offset and token in one transaction (Invariants 1, 3 and 4). */
export class MysqlDestination implements Destination {
  readonly guarantee = 'ExactlyOnce';
  readonly name: string;
  readonly #access: SystemAccess;
  #lent: Session | undefined;
  readonly #name: TableName;
  readonly #commits: CommitRows;
  #claimed: ClaimedTable | undefined;

  constructor(access: SystemAccess, object: DestinationObject, session: Session) {
    this.#access = access;
    this.#lent = session;
    this.#name = resolveName(object.table ?? '', readConfig(access.config).database, path);
    this.name = joinName(splitName(object.table ?? '', path));
    this.#commits = new CommitRows(this.#name.schema, this.name);
  }

  async identity(signal: AbortSignal): Promise<SystemIdentity> {
    const { facts } = await this.#open(signal);
    return identityOf(facts.names, readConfig(this.#access.config).database);
  }

  async describe(signal: AbortSignal): Promise<Relation | null> {
    await this.#open(signal);
    const entry = await this.#entry(signal);
    if (!entry) return null;
    const findings = destinationFindings(entry);
    return findings.length > 0 ? { ...entry.relation, findings } : entry.relation;
  }

  async check(writeMode: WriteMode, signal: AbortSignal): Promise<readonly Finding[]> {
    await this.#open(signal);
    const findings = await writeFindings(this.#session, this.#name, writeMode, signal);
    if (writeMode !== 'Replace')
      return [...findings, ...(await triggerFindings(this.#session, this.#name, signal))];
    return [...findings, ...(await replaceFindings(this.#session, this.#name, signal))];
  }

  async hasRows(signal: AbortSignal): Promise<boolean> {
    const session = await this.#open(signal);
    try {
      return (await readOnly(session, `SELECT 1 FROM ${quoteName(this.#name)} LIMIT 1`, signal)).length > 0;
    } catch (thrown) {
      const isMissing = thrown instanceof IdraError && errnoOf(thrown.cause) === errorNumbers.noSuchTable;
      if (!isMissing) throw thrown;
      return false;
    }
  }

  statements(plan: WritePlan): readonly string[] {
    const collation = this.#session.facts.textCollation;
    const added = addColumns(plan, this.#name, () => collation);
    return [
      this.#commits.createStatement(collation),
      ...(plan.existing === null ? [createTable(plan, this.#name, () => collation)] : []),
      ...(added === undefined ? [] : [added]),
    ];
  }

  rawRequests(plan: WritePlan): readonly RawRequest[] {
    const request = tsvRequest(plan, this.#session.facts.isMariaDb);
    return request ? [request] : [];
  }

  async commitRows(uid: string, signal: AbortSignal): Promise<readonly CommitRow[]> {
    return await this.#commits.list(await this.#open(signal), uid, signal);
  }

  async claim(request: ClaimRequest, signal: AbortSignal): Promise<CommitRow> {
    const session = await this.#openToWrite(signal);
    const { plan } = request;
    await this.#commits.create(session, signal);
    const row = await this.#commits.claim(session, request, signal);
    const collationOf = await collationsFor(session, plan, signal);
    const target = await claimTarget(session, plan, this.#name, collationOf, signal);
    const columns = plan.columns.columns.map((each) => loadColumn(each, plan, session.facts.isMariaDb));
    const staging = plan.writeMode === 'Upsert' ? ownTable(this.#name, plan.uid, 'staging') : null;
    if (staging) {
      const create = createStaging(plan, staging, collationOf);
      await session.query(`DROP TEMPORARY TABLE IF EXISTS ${quoteName(staging)}; ${create}`, signal);
    }
    const isKeyAlone = target.entry.uniqueIndexes.every((index) => isSameSet(index, plan.key));
    const transaction = new WriteTransaction(session, target);
    const table = target.entry.name;
    const writer = new BatchWriter(session, transaction, {
      plan,
      table,
      staging,
      columns,
      isKeyAlone,
      duplicates: '',
    });
    const where = `${quoteName(this.#name)} of ${session.where}`;
    const deletions =
      staging && plan.deletes !== 'Ignore'
        ? new Deletions(session, transaction, { plan, table, staging, columns, where })
        : undefined;
    const { token, offset, rows: totalRows } = row;
    const replacement =
      plan.writeMode === 'Replace'
        ? new Replacement(this.#access, session, this.#commits, {
            plan,
            target,
            columns,
            token,
            isKeyAlone: isKeyAlone && plan.key.length > 0,
          })
        : undefined;
    this.#claimed = new ClaimedTable({
      session,
      commits: this.#commits,
      where,
      deletions,
      request,
      token,
      columns,
      writer,
      transaction,
      replacement,
      offset,
      totalRows,
    });
    return row;
  }

  async largest(columns: readonly string[], signal: AbortSignal): Promise<readonly Value[] | null> {
    await this.#open(signal);
    const entry = await this.#entry(signal);
    const found = columns.map((name) => entry?.relation.columns.find((each) => each.name === name));
    const known = found.filter((column) => column !== undefined);
    const [first] = known;
    if (!first || known.length < columns.length) return null;
    const order = known.map((column) => `${quoteBacktick(column.name)} DESC`).join(', ');
    const items = known.map(selectItem).join(', ');
    const sql = `SELECT ${items} FROM ${quoteName(this.#name)} WHERE ${quoteBacktick(first.name)} IS NOT NULL ORDER BY ${order} LIMIT 1`;
    const [row] = await readOnly(this.#session, sql, signal);
    if (!row) return null;
    return row.map((cell, index) => {
      const column = known[index];
      if (cell === null || !column) return null;
      return decoderOf(column.type)?.(cell) ?? cell;
    });
  }

  readonly beginPass: Destination['beginPass'] = (pass, signal) => this.#owned().beginPass(pass, signal);
  readonly write: Destination['write'] = (batch, signal) => this.#owned().write(batch, signal);
  readonly endPass: Destination['endPass'] = (offset, signal) => this.#owned().endPass(offset, signal);

  async setOffset(change: OffsetChange, signal: AbortSignal): Promise<CommitRow> {
    const row = await this.#commits.setOffset(await this.#openToWrite(signal), change, signal);
    this.#claimed?.offsetIs(row.offset);
    return row;
  }

  async closeRows(uid: string, token: Token, signal: AbortSignal): Promise<void> {
    await this.#openToWrite(signal);
    if (!(await this.#commits.exists(this.#session, signal))) return;
    await this.#commits.close(this.#session, uid, token, signal);
    const left = [ownTable(this.#name, uid, 'shadow'), ownTable(this.#name, uid, 'old')];
    await this.#session.query(`DROP TABLE IF EXISTS ${left.map(quoteName).join(', ')}`, signal);
  }

  async rest(): Promise<void> {
    const [session, claimed] = [this.#lent, this.#claimed];
    this.#lent = undefined;
    this.#claimed = undefined;
    await Promise.all([session?.close(), claimed?.close()]);
  }

  async close(): Promise<void> {
    this.#isClosed = true;
    await this.rest();
  }

  get #session(): Session {
    if (!this.#lent) throw bug('a destination of MySQL is used while it rests');
    return this.#lent;
  }

  /** A session that opens while the destination is being closed is closed as well. */
  async #openNew(signal: AbortSignal): Promise<Session> {
    const session = await Session.open(this.#access, 'writer', signal);
    if (!this.#isClosed) return session;
    await session.close();
    throw transient('Closed', `${session.where}: the connection was closed while it was in use`);
  }
  #isClosed = false;

  /** A lost session is not replaced while its claim exists, because the claim was lost with it. */
  async #open(signal: AbortSignal): Promise<Session> {
    if (!this.#lent || (this.#lent.isLost && !this.#claimed)) this.#lent = await this.#openNew(signal);
    return this.#lent;
  }

  /** Only callers with a token can write. Plan and check cannot write, whatever statements they run. */
  async #openToWrite(signal: AbortSignal): Promise<Session> {
    const session = await this.#open(signal);
    await session.allowWrites(signal);
    return session;
  }

  #owned(): ClaimedTable {
    if (!this.#claimed) throw bug('a pass needs a claim');
    return this.#claimed;
  }

  async #entry(signal: AbortSignal): Promise<TableEntry | undefined> {
    return await describeTable(this.#session, this.#name, path, signal);
  }
}

function isSameSet(one: readonly string[], other: readonly string[]): boolean {
  return one.length === other.length && one.every((name) => other.includes(name));
}
