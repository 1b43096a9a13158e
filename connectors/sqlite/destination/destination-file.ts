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
import type { Offset } from '../../../core/offset.ts';
import { requireShape, shapeOf } from '../../../core/relation-shape.ts';
import type { DestinationObject, WriteMode } from '../../../core/sync-spec.ts';
import type { Token } from '../../../core/token.ts';
import type { Relation, Value } from '../../../core/values.ts';
import { claimedRow } from '../../sql/destination/commit-table.ts';
import { joinName, quoteDouble, splitName } from '../../sql/names.ts';
import { replaceFindings, targetFindings, writeFindings } from '../check.ts';
import { openForWriting, requireWritable } from '../connection/open.ts';
import { runOne } from '../connection/statements.ts';
import { describeShape, describeTable, findTable } from '../describe.ts';
import { SchemaWatch } from '../fingerprint.ts';
import { fileIdentity, travellingIdentity } from '../identity.ts';
import { tableName } from '../names.ts';
import type { FilePlace } from '../session.ts';
import { largestRow } from '../source/largest-row.ts';
import { ClaimedTable, type PackedBatch } from './claim.ts';
import { CommitRows, committed } from './commit-rows.ts';
import { shadowName, targetStatements } from './ddl.ts';
import { Shadow } from './replace.ts';

const path = 'spec.destination.table';

/** A destination's file in its own thread, called only through session.ts. Each method runs without interruption. */
export class DestinationFile {
  readonly #file: string;
  readonly #folder: FilePlace['folder'];
  readonly #name: string;
  /** The name as the engine writes it; the key of the commit row. */
  readonly #commitName: string;
  #opened: Database | undefined;
  #identity: string | undefined;
  #claimed: ClaimedTable | undefined;

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

  /** Tables, token and adoption in one transaction: another process sees all of it or nothing (Invariants 3 and 4). */
  claim(request: ClaimRequest): CommitRow {
    const database = this.#writable();
    if (database.inTransaction) database.exec('ROLLBACK');
    // In a Replace, rows are checked by their table's own constraints; otherwise DROP TABLE would delete rows from tables that reference
    // it.
    database.pragma(`foreign_keys = ${request.plan.writeMode === 'Replace' ? 'OFF' : 'ON'}`);
    const row = committed(database, (commits) => {
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

  #claimedBy(request: ClaimRequest, row: CommitRow): ClaimedTable {
    const database = this.#writable();
    const entry = findTable(database, this.#name);
    if (!entry) throw schemaChanged(this.#name);
    return new ClaimedTable({
      database: () => this.#writable(),
      file: this.#file,
      owner: { uid: row.uid, table: this.#commitName, token: row.token },
      request,
      table: entry.name,
      shape: shapeOf(describeShape(database, entry)),
      watch: new SchemaWatch(database, entry.name, () => this.#shapeNow()),
      offset: row.offset,
    });
  }

  #shapeNow(): Relation | undefined {
    const database = this.#writable();
    const entry = findTable(database, this.#name);
    return entry && describeShape(database, entry);
  }

  /** Reading the largest value needs no claim in this thread: an idle Sync checks whether there is something to claim for. */
  largest(columns: readonly string[], request: ClaimRequest | undefined): readonly Value[] | null {
    const database = this.#writable();
    const entry = findTable(database, this.#name);
    if (!entry) throw schemaChanged(this.#name);
    return largestRow(database, entry.name, request ?? this.#owned().request, columns);
  }

  beginPass(pass: PassStart): void {
    this.#owned().beginPass(pass);
  }

  write(batch: PackedBatch): WriteResult {
    return this.#owned().write(batch);
  }

  endPass(offset: Offset | null): WriteResult {
    return this.#owned().endPass(offset);
  }

  setOffset(change: OffsetChange): CommitRow {
    const row = committed(this.#writable(), (commits) => commits.setOffset(this.#commitName, change));
    if (this.#claimed?.owner.uid === change.uid) this.#claimed.offsetIs(change.offset);
    return row;
  }

  /** Includes what an unfinished Replace may have left beside its target. */
  closeRows(uid: string, token: Token): void {
    const database = this.#existing();
    if (!database) return;
    committed(database, (commits) => {
      for (const table of commits.close(uid, token)) {
        const target = tableName(table, path);
        const name = findTable(database, target)?.name ?? target;
        new Shadow(database, name, shadowName(uid, name)).drop();
      }
    });
  }

  close(): void {
    this.#opened?.close();
    this.#opened = undefined;
  }

  #prepareTarget(database: Database, plan: WritePlan): void {
    const now = this.#shapeNow();
    if (plan.existing) requireShape(plan.existing, now ?? null);
    else if (now) throw schemaChanged(this.#name);
    for (const statement of targetStatements(plan.existing?.name ?? this.#name, plan))
      runOne(database, statement);
  }

  #owned(): ClaimedTable {
    if (this.#claimed) return this.#claimed;
    throw transient('NotClaimed', `the thread of ${this.#file} was ended and has to claim again`);
  }

  /** Reading does not create a file. */
  #existing(): Database | undefined {
    if (!existsSync(this.#file) || statSync(this.#file).size === 0) return undefined;
    return this.#writable();
  }

  /** If the file was moved away or replaced, it is closed and the claim ends: nobody would see what is written there. */
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
