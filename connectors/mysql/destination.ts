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
import { bug, type Finding, permanent } from '../../core/errors.ts';
import { encodeOffset, type Offset } from '../../core/offset.ts';
import type { DestinationObject, WriteMode } from '../../core/sync-spec.ts';
import type { Token } from '../../core/token.ts';
import type { Relation, Row, Value } from '../../core/values.ts';
import { joinName, quoteBacktick, splitName } from '../sql/names.ts';
import { namedAs, refusedRow, rowName } from '../sql/refused-row.ts';
import { collationsFor } from './collations.ts';
import { Commits } from './commits.ts';
import { addColumns, createStaging, createTable, ownTable } from './ddl.ts';
import { decoderOf } from './decode.ts';
import {
  describeTable,
  destinationFindings,
  quoteName,
  resolveName,
  type TableEntry,
  type TableName,
} from './describe.ts';
import { encodeRow, type LoadColumn, loadColumn, tsvRequest } from './encode.ts';
import { selectItem } from './literals.ts';
import type { Lines } from './load.ts';
import { Replacement, replaceFindings } from './replacement.ts';
import { writeFindings } from './rights.ts';
import { RowWriter } from './row-writer.ts';
import { readConfig } from './schema.ts';
import { idleLimit, Session } from './session.ts';

const path = 'spec.destination.table';

/** What a claim settles for the writes after it. */
interface Claim {
  readonly request: ClaimRequest;
  readonly token: Token;
  readonly columns: readonly LoadColumn[];
  totalRows: number;
  writer: RowWriter;
}

/** Writes one table: rows, offset and token in one transaction (Invariants 1, 3 and 4). */
export class MysqlDestination implements Destination {
  readonly #access: SystemAccess;
  #lent: Session | undefined;
  readonly #name: TableName;
  readonly #commits: Commits;
  #claim: Claim | undefined;
  #replacement: Replacement | undefined;
  /** The whole pass is one transaction: none of it is committed before its end. */
  #isAtomic = false;
  #isOpen = false;

  constructor(access: SystemAccess, object: DestinationObject, session: Session) {
    this.#access = access;
    this.#lent = session;
    const parts = splitName(object.table, path);
    this.#name = resolveName(parts, readConfig(access.config).database, path);
    this.#commits = new Commits(this.#name.schema, joinName(parts));
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
    if (writeMode !== 'Replace') return findings;
    return [...findings, ...(await replaceFindings(this.#session, this.#name, signal))];
  }

  async hasRows(signal: AbortSignal): Promise<boolean> {
    const session = await this.#open(signal);
    return (await session.query(`SELECT 1 FROM ${quoteName(this.#name)} LIMIT 1`, signal)).length > 0;
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
    const request = tsvRequest(plan.columns.columns);
    return request ? [request] : [];
  }

  async commitRows(uid: string, signal: AbortSignal): Promise<readonly CommitRow[]> {
    return await this.#commits.list(await this.#open(signal), uid, signal);
  }

  async claim(request: ClaimRequest, signal: AbortSignal): Promise<CommitRow> {
    const session = await this.#open(signal);
    const { plan } = request;
    if (!(await this.#commits.exists(session, signal))) {
      await session.query(this.#commits.createStatement(session.facts.textCollation), signal);
    }
    const row = await this.#commits.claim(session, request, signal);
    const collationOf = await collationsFor(session, plan, signal);
    if (plan.existing === null) await session.query(createTable(plan, this.#name, collationOf), signal);
    const added = addColumns(plan, this.#name, collationOf);
    if (added !== undefined) await session.query(added, signal);
    const entry = await this.#entry(signal);
    if (!entry) throw permanent('TableNotFound', `${quoteName(this.#name)} is missing`, { path });
    const columns = plan.columns.columns.map(loadColumn);
    const staging = plan.writeMode === 'Upsert' ? ownTable(this.#name, plan.uid, 'staging') : null;
    if (staging) {
      const create = createStaging(plan, staging, collationOf);
      await session.query(`DROP TEMPORARY TABLE IF EXISTS ${quoteName(staging)}; ${create}`, signal);
    }
    const isKeyAlone = entry.uniqueIndexes.every((index) => isSameSet(index, plan.key));
    const writer = new RowWriter(session, {
      plan,
      table: entry.name,
      staging,
      columns,
      isKeyAlone,
      duplicates: '',
    });
    this.#claim = { request, token: row.token, columns, totalRows: row.rows, writer };
    if (plan.writeMode === 'Replace') {
      this.#replacement = new Replacement(this.#access, session, this.#commits, {
        plan,
        target: entry.name,
        columns,
        token: row.token,
        isKeyAlone: isKeyAlone && plan.key.length > 0,
      });
    }
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
    const [row] = await this.#session.query(sql, signal);
    if (!row) return null;
    return row.map((cell, index) => {
      const column = known[index];
      if (cell === null || !column) return null;
      return decoderOf(column.type)?.(cell) ?? cell;
    });
  }

  async beginPass(pass: PassStart, signal: AbortSignal): Promise<void> {
    await this.#rollBack();
    const claim = this.#claimed();
    if (this.#replacement) {
      claim.writer = await this.#replacement.begin(pass.isResumed, signal);
      this.#isAtomic = false;
      return;
    }
    this.#isAtomic = pass.isAtomic;
  }

  async write(batch: Batch, signal: AbortSignal): Promise<WriteResult> {
    const claim = this.#claimed();
    return await this.#session.guard(async () => {
      try {
        const { lines, rejections } = this.#toLines(batch, claim);
        const begins = !this.#isOpen;
        const isPart = this.#isAtomic;
        if (isPart) {
          await this.#session.run(
            begins ? 'START TRANSACTION; SAVEPOINT idra_batch' : 'SAVEPOINT idra_batch',
          );
          this.#isOpen = true;
        }
        const written = await claim.writer.write(lines, !isPart && begins);
        this.#isOpen = true;
        this.#replacement?.count(lines.count - written.rejections.length - written.replaced);
        const all = [...rejections, ...written.rejections];
        return await this.#finish(claim, batch.rowCount - all.length, isPart ? undefined : batch.offset, all);
      } catch (thrown) {
        await this.#rollBack();
        throw thrown;
      }
    }, signal);
  }

  async endPass(offset: Offset | null, signal: AbortSignal): Promise<WriteResult> {
    const claim = this.#claimed();
    const isKept = claim.request.keepsOffset;
    const stored = isKept && offset !== null ? encodeOffset(offset) : isKept ? null : undefined;
    if (this.#replacement) {
      await this.#replacement.finish(stored, signal);
      return { written: 0, rejected: 0, rejections: [], totalRows: claim.totalRows };
    }
    return await this.#session.guard(async () => {
      if (!this.#isOpen) await this.#session.run('START TRANSACTION');
      this.#isAtomic = false;
      return await this.#finish(claim, 0, offset, []);
    }, signal);
  }

  async setOffset(change: OffsetChange, signal: AbortSignal): Promise<CommitRow> {
    return await this.#commits.setOffset(await this.#open(signal), change, signal);
  }

  async closeRows(uid: string, token: Token, signal: AbortSignal): Promise<void> {
    await this.#open(signal);
    if (!(await this.#commits.exists(this.#session, signal))) return;
    await this.#commits.close(this.#session, uid, token, signal);
    const left = [ownTable(this.#name, uid, 'shadow'), ownTable(this.#name, uid, 'old')];
    await this.#session.query(`DROP TABLE IF EXISTS ${left.map(quoteName).join(', ')}`, signal);
  }

  async rest(): Promise<void> {
    const [session, replacement] = [this.#lent, this.#replacement];
    this.#lent = undefined;
    this.#claim = undefined;
    this.#replacement = undefined;
    this.#isOpen = false;
    this.#pendingRows = 0;
    await Promise.all([session?.close(), replacement?.close()]);
  }

  async close(): Promise<void> {
    await this.rest();
  }

  get #session(): Session {
    if (!this.#lent) throw bug('a destination of MySQL is used while it rests');
    return this.#lent;
  }

  /** A session that is lost stays while its claim does: the claim was lost with it. */
  async #open(signal: AbortSignal): Promise<Session> {
    if (!this.#lent || (this.#lent.isLost && !this.#claim))
      this.#lent = await Session.open(this.#access, 'writer', signal);
    return this.#lent;
  }

  /** Offset and token, and COMMIT; of an atomic pass only at its end, whose rows have been counted up to there. */
  async #finish(
    claim: Claim,
    written: number,
    offset: Offset | null | undefined,
    rejections: readonly Rejection[],
  ): Promise<WriteResult> {
    claim.totalRows += written;
    this.#pendingRows += written;
    if (!this.#isAtomic) {
      const { plan, keepsOffset } = claim.request;
      const stored =
        !keepsOffset || offset === undefined ? undefined : offset === null ? null : encodeOffset(offset);
      const statements = this.#commits.commitStatements(plan.uid, claim.token, this.#pendingRows, stored);
      await reach('commit:before');
      await this.#commits.commit(this.#session, statements, claim.token);
      this.#isOpen = false;
      this.#pendingRows = 0;
    }
    return { written, rejected: rejections.length, rejections, totalRows: claim.totalRows };
  }
  #pendingRows = 0;

  #toLines(batch: Batch, claim: Claim): { readonly lines: Lines; readonly rejections: readonly Rejection[] } {
    const { rows, rowCount } = batch;
    if (rows.format === 'tsv') return { lines: { chunks: rows.chunks, count: rowCount }, rejections: [] };
    if (rows.format !== 'values') throw bug(`a batch of ${rows.format} cannot be written to MySQL`);
    return this.#encode(rows.rows, claim);
  }

  #encode(
    rows: readonly Row[],
    { columns, request }: Claim,
  ): { lines: Lines; rejections: readonly Rejection[] } {
    const texts: string[] = [];
    const rejections: Rejection[] = [];
    for (const row of rows) {
      const line = encodeRow(row, columns);
      if (typeof line === 'string') texts.push(line);
      else {
        const rejection: Rejection = {
          code: 'ValueNotKept',
          column: line.column,
          message: line.why,
          ...namedAs(rowName(request.plan, row)),
        };
        if (request.plan.onError === 'Stop')
          throw refusedRow(rejection, `${quoteName(this.#name)} of ${this.#session.where}`);
        rejections.push(rejection);
      }
    }
    return { lines: { chunks: [Buffer.from(texts.join(''))], count: texts.length }, rejections };
  }

  async #rollBack(): Promise<void> {
    this.#isOpen = false;
    this.#pendingRows = 0;
    if (!this.#session.isLost) await this.#session.run(`ROLLBACK; ${idleLimit.otherwise}`);
  }

  #claimed(): Claim {
    if (!this.#claim) throw bug('a pass needs a claim');
    return this.#claim;
  }

  async #entry(signal: AbortSignal): Promise<TableEntry | undefined> {
    return await describeTable(this.#session, this.#name, path, signal);
  }
}

function isSameSet(one: readonly string[], other: readonly string[]): boolean {
  return one.length === other.length && one.every((name) => other.includes(name));
}
