import { existsSync, statSync } from 'node:fs';
import type { Database } from 'better-sqlite3';
import type {
  ClaimRequest,
  CommitRow,
  OffsetChange,
  PassStart,
  WritePlan,
  WriteResult,
} from '../../../core/connector.ts';
import { bug, type Finding, schemaChanged, transient } from '../../../core/errors.ts';
import { encodeOffset, type Offset } from '../../../core/offset.ts';
import { requireShape, shapeOf } from '../../../core/relation-shape.ts';
import type { DestinationObject, WriteMode } from '../../../core/sync-spec.ts';
import type { Token } from '../../../core/token.ts';
import type { Relation, Value } from '../../../core/values.ts';
import { claimedRow } from '../../sql/destination/commit-table.ts';
import { joinName, quoteDouble, splitName } from '../../sql/names.ts';
import { replaceFindings, targetFindings, writeFindings } from '../check.ts';
import { openForWriting, requireWritable } from '../connection/open.ts';
import { runOne } from '../connection/statements.ts';
import { describeShape, describeTable, findTable, tableName } from '../describe.ts';
import { SchemaWatch } from '../fingerprint.ts';
import { fileIdentity, travellingIdentity } from '../identity.ts';
import type { FilePlace } from '../session.ts';
import { largestRow } from '../source/largest-row.ts';
import { RowWriter } from './batch-writer.ts';
import { CommitRows, type Owner } from './commit-rows.ts';
import { shadowName, targetStatements } from './ddl.ts';
import { Shadow } from './replace.ts';

const path = 'spec.destination.table';

/** Under one claim. */
interface Claimed {
  readonly owner: Owner;
  readonly request: ClaimRequest;
  /** The target as the file writes it. */
  readonly table: string;
  /** Of the target as it was claimed. */
  readonly shape: string;
  readonly watch: SchemaWatch;
  /** What this claim has stored last. */
  storedOffset: string | null;
}

interface Pass {
  readonly isAtomic: boolean;
  readonly shadow: Shadow | undefined;
  /** Rows that the shadow must have: of earlier batches, and of those of this pass. */
  shadowRows: number;
  /** Of a pass that is one transaction: what stood in the commit row, and what was written since. */
  rowsBefore: number;
  rows: number;
}

/** A destination's file in its own thread: called through session.ts only. Each method is one unbroken piece of work. */
export class DestinationFile {
  readonly #file: string;
  readonly #folder: FilePlace['folder'];
  readonly #name: string;
  /** As the engine writes it; the key of the commit row. */
  readonly #commitName: string;
  #opened: Database | undefined;
  #identity: string | undefined;
  #claimed: Claimed | undefined;
  #pass: Pass | undefined;
  #writer: RowWriter | undefined;

  constructor({ file, folder }: FilePlace, object: DestinationObject) {
    this.#file = file;
    this.#folder = folder;
    this.#name = tableName(object.table ?? '', path);
    this.#commitName = joinName(splitName(object.table ?? '', path));
  }

  readonly identity = () => travellingIdentity(this.#file);

  describe(): Relation | null {
    const database = this.#existing();
    const entry = database && findTable(database, this.#name);
    if (!entry) return null;
    const relation = describeTable(database, entry);
    return { ...relation, findings: [...(relation.findings ?? []), ...targetFindings(entry)] };
  }

  hasCommitTable(): boolean {
    const database = this.#existing();
    return database !== undefined && new CommitRows(database).exists();
  }

  check(writeMode: WriteMode): readonly Finding[] {
    requireWritable(this.#file);
    const database = this.#existing();
    const entry = database && findTable(database, this.#name);
    if (!entry) return [];
    return writeMode === 'Replace'
      ? replaceFindings(database, entry.name)
      : writeFindings(database, entry.name);
  }

  hasRows(): boolean {
    const database = this.#existing();
    const entry = database && findTable(database, this.#name);
    if (!entry) return false;
    return database.prepare(`SELECT 1 FROM ${quoteDouble(entry.name)} LIMIT 1`).get() !== undefined;
  }

  commitRows(uid: string): readonly CommitRow[] {
    const database = this.#existing();
    return database ? new CommitRows(database).about(uid, this.#commitName) : [];
  }

  /** Tables, token and adoption in one transaction: another process sees all of it or nothing (Invariant 3, 4). */
  claim(request: ClaimRequest): CommitRow {
    const database = this.#writable();
    this.#endPass();
    // Rows of a Replace are checked by their table's own constraints; DROP TABLE would else delete from the tables that refer to it.
    database.pragma(`foreign_keys = ${request.plan.writeMode === 'Replace' ? 'OFF' : 'ON'}`);
    const row = this.#transaction((commits) => {
      commits.create();
      const stored = commits.about(request.plan.uid, this.#commitName);
      const of = (uid: string) => stored.find((each) => each.uid === uid && each.table === this.#commitName);
      const from = request.adoptFrom === undefined ? undefined : of(request.adoptFrom);
      const adopted = from?.isClosed ? undefined : from;
      const claimed = claimedRow(request, this.#commitName, of(request.plan.uid), adopted);
      this.#prepareTarget(database, request.plan);
      commits.store(request.keepsOffset ? claimed : { ...claimed, offset: null });
      if (adopted) commits.closeAdopted(adopted, claimed.token);
      return commits.about(request.plan.uid, this.#commitName).find((each) => each.uid === request.plan.uid);
    });
    if (!row) throw bug('a claim left no commit row');
    this.#claimed = this.#claimedBy(request, row);
    return row;
  }

  #claimedBy(request: ClaimRequest, row: CommitRow): Claimed {
    const database = this.#writable();
    const entry = findTable(database, this.#name);
    if (!entry) throw schemaChanged(this.#name);
    return {
      owner: { uid: row.uid, table: this.#commitName, token: row.token },
      request,
      table: entry.name,
      shape: shapeOf(describeShape(database, entry)),
      watch: new SchemaWatch(database, entry.name, () => this.#shapeNow()),
      storedOffset: row.offset,
    };
  }

  #shapeNow(): Relation | undefined {
    const database = this.#writable();
    const entry = findTable(database, this.#name);
    return entry && describeShape(database, entry);
  }

  /** Looking needs no claim of this thread: a Sync that rests looks whether there is something to claim for. */
  largest(columns: readonly string[], request: ClaimRequest | undefined): readonly Value[] | null {
    const database = this.#writable();
    const entry = findTable(database, this.#name);
    if (!entry) throw schemaChanged(this.#name);
    return largestRow(database, entry.name, request ?? this.#requireClaim().request, columns);
  }

  beginPass({ isResumed, isAtomic }: PassStart): void {
    const claimed = this.#requireClaim();
    const database = this.#writable();
    this.#endPass();
    const shadow =
      claimed.request.plan.writeMode === 'Replace'
        ? new Shadow(database, claimed.table, shadowName(claimed.owner.uid, claimed.table))
        : undefined;
    let rowsBefore = 0;
    if (isAtomic) {
      database.exec('BEGIN IMMEDIATE');
      claimed.watch.requireShape(claimed.shape);
      rowsBefore = new CommitRows(database).requireOwner(claimed.owner);
      shadow?.create();
    } else if (shadow && isResumed) {
      if (!shadow.exists()) this.#startAnew(claimed, shadow);
    } else if (shadow) {
      this.#owned(claimed, (commits) => {
        commits.requireOwner(claimed.owner);
        shadow.create();
      });
    }
    this.#pass = { isAtomic, shadow, shadowRows: shadow?.count() ?? 0, rowsBefore, rows: 0 };
    this.#writer = undefined;
  }

  /** Rows and offset in one transaction. While it is open SQLite lets no other in, so that no newer token can come between check and commit. */
  write(packed: readonly Uint8Array[], offset: Offset): WriteResult {
    const claimed = this.#requireClaim();
    const pass = this.#pass;
    if (pass?.isAtomic) {
      const written = this.#writerOf(claimed).write(packed);
      pass.shadowRows += written.written;
      pass.rows += written.written;
      return { ...written, totalRows: pass.rowsBefore + pass.rows };
    }
    const stored = claimed.request.keepsOffset ? encodeOffset(offset) : null;
    const result = this.#owned(claimed, (commits) => {
      const written = this.#writerOf(claimed).write(packed);
      return { ...written, totalRows: this.#advance(commits, claimed, stored, written.written) };
    });
    claimed.storedOffset = stored;
    if (pass) pass.shadowRows += result.written;
    return result;
  }

  endPass(offset: Offset | null): WriteResult {
    const claimed = this.#requireClaim();
    const pass = this.#pass;
    const stored = offset === null ? null : encodeOffset(offset);
    const finish = (commits: CommitRows) => {
      if (pass?.shadow && pass.shadow.count() === pass.shadowRows) pass.shadow.swap();
      else if (pass?.shadow) return undefined;
      return this.#advance(commits, claimed, stored, pass?.isAtomic ? pass.rows : 0);
    };
    const database = this.#writable();
    let totalRows: number | undefined;
    if (pass?.isAtomic) {
      totalRows = finish(new CommitRows(database));
      if (totalRows !== undefined) database.exec('COMMIT');
    } else totalRows = this.#owned(claimed, finish);
    if (totalRows === undefined && pass?.shadow) this.#startAnew(claimed, pass.shadow);
    claimed.storedOffset = stored;
    this.#endPass();
    return { written: 0, rejected: 0, rejections: [], totalRows: totalRows ?? 0 };
  }

  #advance(commits: CommitRows, claimed: Claimed, offset: string | null, written: number): number {
    return commits.advance(claimed.owner, { previous: claimed.storedOffset, offset, written });
  }

  /** Work under a claim: on the table that was claimed, in the file that stands there now. */
  #owned<T>(claimed: Claimed, work: (commits: CommitRows) => T): T {
    return this.#transaction((commits) => {
      claimed.watch.requireShape(claimed.shape);
      return work(commits);
    });
  }

  setOffset(change: OffsetChange): CommitRow {
    const row = this.#transaction((commits) => commits.setOffset(this.#commitName, change));
    if (this.#claimed?.owner.uid === change.uid) this.#claimed.storedOffset = change.offset;
    return row;
  }

  /** With what a Replace of theirs may have left beside its target. */
  closeRows(uid: string, token: Token): void {
    const database = this.#existing();
    if (!database) return;
    this.#transaction((commits) => {
      for (const table of commits.close(uid, token)) {
        const target = tableName(table, path);
        const name = findTable(database, target)?.name ?? target;
        new Shadow(database, name, shadowName(uid, name)).drop();
      }
    });
  }

  close(): void {
    this.#writer = undefined;
    this.#opened?.close();
    this.#opened = undefined;
  }

  /** What is in the shadow is not what was written there: somebody else changed it. The next claim finds no offset, and begins the pass anew. */
  #startAnew(claimed: Claimed, shadow: Shadow): never {
    this.#endPass();
    this.#owned(claimed, (commits) => {
      this.#advance(commits, claimed, null, 0);
      shadow.drop();
    });
    claimed.storedOffset = null;
    throw transient(
      'ReplaceCountDiffers',
      `the rows beside ${claimed.table} are not those that were written there: the pass begins anew`,
    );
  }

  #prepareTarget(database: Database, plan: WritePlan): void {
    const now = this.#shapeNow();
    if (plan.existing) requireShape(plan.existing, now ?? null);
    else if (now) throw schemaChanged(this.#name);
    for (const statement of targetStatements(plan.existing?.name ?? this.#name, plan))
      runOne(database, statement);
  }

  #writerOf({ request, table }: Claimed): RowWriter {
    this.#writer ??= new RowWriter(
      this.#writable(),
      this.#file,
      this.#pass?.shadow?.name ?? table,
      request.plan,
      request.rowFormat,
    );
    return this.#writer;
  }

  #endPass(): void {
    if (this.#opened?.inTransaction) this.#opened.exec('ROLLBACK');
    this.#pass = undefined;
    this.#writer = undefined;
  }

  /** IMMEDIATE: the writer's lock is taken before anything is looked at, so that what is read is still so at the commit. */
  #transaction<T>(work: (commits: CommitRows) => T): T {
    const database = this.#writable();
    database.exec('BEGIN IMMEDIATE');
    try {
      const result = work(new CommitRows(database));
      database.exec('COMMIT');
      return result;
    } catch (thrown) {
      if (database.inTransaction) database.exec('ROLLBACK');
      throw thrown;
    }
  }

  #requireClaim(): Claimed {
    if (this.#claimed) return this.#claimed;
    throw transient('NotClaimed', `the thread of ${this.#file} was ended and has to claim again`);
  }

  /** Looking makes no file. */
  #existing(): Database | undefined {
    if (!existsSync(this.#file) || statSync(this.#file).size === 0) return undefined;
    return this.#writable();
  }

  /** A file that was moved away or replaced is left, and so is the claim: what is written there nobody would see. */
  #writable(): Database {
    const isBetween = this.#opened && !this.#opened.inTransaction;
    if (isBetween && fileIdentity(this.#file) !== this.#identity) {
      const wasClaimed = this.#claimed !== undefined;
      this.#claimed = undefined;
      this.close();
      if (wasClaimed) throw schemaChanged(this.#file);
    }
    if (!this.#opened) {
      this.#opened = openForWriting(this.#file, this.#folder);
      this.#identity = fileIdentity(this.#file);
    }
    return this.#opened;
  }
}
