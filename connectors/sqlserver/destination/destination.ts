import type { RawRequest } from '../../../core/batch.ts';
import type {
  ClaimRequest,
  CommitRow,
  Destination,
  OffsetChange,
  SystemAccess,
  SystemIdentity,
  WritePlan,
  WriteResult,
} from '../../../core/connector.ts';
import { bug, type Finding, transient } from '../../../core/errors.ts';
import type { DestinationObject, WriteMode } from '../../../core/sync-spec.ts';
import type { Token } from '../../../core/token.ts';
import type { Column, Relation, Value } from '../../../core/values.ts';
import { joinName, splitName } from '../../sql/names.ts';
import { triggerFindings, writeFindings } from '../check.ts';
import { readOnly } from '../connection/read-only.ts';
import type { Cell } from '../connection/statements.ts';
import { describeTable, destinationFindings, type TableEntry } from '../describe.ts';
import { quoteBracket, quoteName, resolveName, type TableName } from '../names.ts';
import { Session } from '../session.ts';
import { collationsFor } from '../types/collations.ts';
import { decoderOf } from '../types/decode.ts';
import { loadColumn } from '../types/encode.ts';
import { selectItem } from '../types/literals.ts';
import { BatchWriter } from './batch-writer.ts';
import { ClaimedTable } from './claim.ts';
import { CommitRows } from './commit-rows.ts';
import { addColumns, binaryCollation, createStage, createTable, ownTable } from './ddl.ts';
import { dropTable } from './own-tables.ts';
import { Replacement, replaceStatements } from './replace.ts';
import { replaceFindings } from './swap.ts';
import { type Claiming, claimTarget, type TargetShape } from './target-shape.ts';

const path = 'spec.destination.table';

/** Writes one table: rows, offset and token in one transaction (Invariants 1, 3 and 4). */
export class SqlServerDestination implements Destination {
  readonly guarantee = 'ExactlyOnce';
  readonly name: string;
  readonly #access: SystemAccess;
  #lent: Session | undefined;
  readonly #name: TableName;
  readonly #commits: CommitRows;
  #claimed: ClaimedTable | undefined;
  /** The shape that was claimed for a plan; it is claimed again after a rest. */
  #shaped: { readonly plan: WritePlan; readonly shape: () => TargetShape } | undefined;
  #isClosed = false;

  constructor(access: SystemAccess, object: DestinationObject, session: Session) {
    this.#access = access;
    this.#lent = session;
    this.#name = resolveName(object.table ?? '', session.facts.defaultSchema, path);
    this.name = joinName(splitName(object.table ?? '', path));
    this.#commits = new CommitRows(this.#name.schema, this.name);
  }

  async identity(signal: AbortSignal): Promise<SystemIdentity> {
    return (await this.#open(signal)).facts.identity;
  }

  async describe(signal: AbortSignal): Promise<Relation | null> {
    const entry = await this.#entry(signal);
    if (!entry) return null;
    const findings = destinationFindings(entry);
    return findings.length > 0 ? { ...entry.relation, findings } : entry.relation;
  }

  async check(writeMode: WriteMode, signal: AbortSignal): Promise<readonly Finding[]> {
    const entry = await this.#entry(signal);
    const session = await this.#open(signal);
    const use = { writeMode, existing: entry?.relation ?? null };
    const findings = await writeFindings(session, this.#name, use, signal);
    if (!entry) return findings;
    return writeMode === 'Replace'
      ? [...findings, ...(await replaceFindings(session, this.#name, signal))]
      : [...findings, ...(await triggerFindings(session, this.#name, signal))];
  }

  async hasRows(signal: AbortSignal): Promise<boolean> {
    if (!(await this.#entry(signal))) return false;
    const session = await this.#open(signal);
    const sql = `SELECT TOP (1) 1 FROM ${quoteName(this.#name)}`;
    return (await readOnly(session, sql, signal)).length > 0;
  }

  statements(plan: WritePlan): readonly string[] {
    const collationOf = () => binaryCollation;
    const added = addColumns(plan, this.#name, collationOf);
    return [
      this.#commits.createStatement,
      ...(plan.existing === null ? [createTable(plan, this.#name, collationOf)] : []),
      ...(added === undefined ? [] : [added]),
      ...(plan.writeMode === 'Replace' ? replaceStatements(this.#name, plan.uid) : []),
    ];
  }

  rawRequests(): readonly RawRequest[] {
    return [];
  }

  async commitRows(uid: string, signal: AbortSignal): Promise<readonly CommitRow[]> {
    return await this.#commits.list(await this.#open(signal), uid, signal);
  }

  async claim(request: ClaimRequest, signal: AbortSignal): Promise<CommitRow> {
    const session = await this.#open(signal);
    const { plan } = request;
    await this.#commits.create(session, signal);
    const row = await this.#commits.claim(session, request, signal);
    const collationOf = await collationsFor(session, plan, signal);
    const target = await this.#claimedTarget(session, { plan, name: this.#name, collationOf }, signal);
    const columns = plan.columns.columns.map((each) => loadColumn(each, plan));
    const isMerged = plan.writeMode === 'Upsert';
    await session.query(createStage({ plan, columns, isMerged }, collationOf), signal);
    const identity = target.relation.identity ?? '';
    await session.guard(() => this.#commits.storeTarget(session, plan.uid, row.token, identity), signal);
    const where = `${quoteName(this.#name)} of ${session.where}`;
    const identityColumns = target.relation.columns.filter((column) => column.isIdentity);
    const hasIdentity = identityColumns.some(({ name }) => columns.some((each) => each.name === name));
    const rows = { plan, table: target.entry.name, columns, hasIdentity, where };
    const writer = new BatchWriter(session, { ...rows, isMerged });
    const { token, offset, rows: totalRows } = row;
    const replacement =
      plan.writeMode === 'Replace'
        ? new Replacement(session, this.#commits, { plan, target, columns, token, hasIdentity, where })
        : undefined;
    this.#shaped = { plan, shape: () => replacement?.target ?? target };
    this.#claimed = new ClaimedTable({
      session,
      commits: this.#commits,
      where,
      request,
      token,
      columns,
      writer,
      target,
      replacement,
      offset,
      totalRows,
    });
    return { ...row, target: identity };
  }

  /** As planned; after a rest, as this plan has claimed it before. */
  async #claimedTarget(session: Session, claiming: Claiming, signal: AbortSignal): Promise<TargetShape> {
    if (this.#shaped?.plan !== claiming.plan) return await claimTarget(session, claiming, signal);
    const shape = this.#shaped.shape();
    await session.guard(() => shape.requireStill(session), signal);
    return shape;
  }

  async largest(columns: readonly string[], signal: AbortSignal): Promise<readonly Value[] | null> {
    const entry = await this.#entry(signal);
    const session = await this.#open(signal);
    const found = columns.map((name) => entry?.relation.columns.find((each) => each.name === name));
    const known = found.filter((column) => column !== undefined);
    const [first] = known;
    if (!first || known.length < columns.length) return null;
    const order = known.map((column) => `${quoteBracket(column.name)} DESC`).join(', ');
    const items = known.map(selectItem).join(', ');
    const sql = `SELECT TOP (1) ${items} FROM ${quoteName(this.#name)} WHERE ${quoteBracket(first.name)} IS NOT NULL ORDER BY ${order}`;
    const [row] = await readOnly(session, sql, signal);
    return row ? known.map((column, index) => decoded(row[index], column, this.name)) : null;
  }

  beginPass(...[pass, signal]: Parameters<Destination['beginPass']>): Promise<void> {
    return this.#owned().beginPass(pass, signal);
  }

  write(...[batch, signal]: Parameters<Destination['write']>): Promise<WriteResult> {
    return this.#owned().write(batch, signal);
  }

  endPass(...[offset, signal]: Parameters<Destination['endPass']>): Promise<WriteResult> {
    return this.#owned().endPass(offset, signal);
  }

  async setOffset(change: OffsetChange, signal: AbortSignal): Promise<CommitRow> {
    const stored = await this.#commits.setOffset(await this.#open(signal), change, signal);
    this.#claimed?.offsetIs(stored.offset);
    return stored;
  }

  async closeRows(uid: string, token: Token, signal: AbortSignal): Promise<void> {
    const session = await this.#open(signal);
    if (!(await this.#commits.exists(session, signal))) return;
    await this.#commits.close(session, uid, token, signal);
    const left = [ownTable(this.#name, uid, 'shadow'), ownTable(this.#name, uid, 'old')];
    for (const name of left) await session.query(dropTable(name), signal);
  }

  async rest(): Promise<void> {
    const session = this.#lent;
    this.#lent = undefined;
    this.#claimed = undefined;
    await session?.close();
  }

  async close(): Promise<void> {
    this.#isClosed = true;
    await this.rest();
  }

  /** A lost session is not replaced while its claim exists, because the claim was lost with it. */
  async #open(signal: AbortSignal): Promise<Session> {
    if (this.#lent && (!this.#lent.isLost || this.#claimed)) return this.#lent;
    const session = await Session.open(this.#access, 'writer', signal);
    if (this.#isClosed) {
      await session.close();
      throw transient('Closed', `${session.where}: the connection was closed while it was in use`);
    }
    this.#lent = session;
    return session;
  }

  #owned(): ClaimedTable {
    if (!this.#claimed) throw bug('a pass needs a claim');
    return this.#claimed;
  }

  async #entry(signal: AbortSignal): Promise<TableEntry | undefined> {
    return await describeTable(await this.#open(signal), this.#name, path, signal);
  }
}

function decoded(cell: Cell | undefined, column: Column, where: string): Value {
  if (cell === null || cell === undefined) return null;
  return (decoderOf(column, where)?.(cell) ?? cell) as Value;
}
