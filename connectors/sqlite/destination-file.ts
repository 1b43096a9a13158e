import { existsSync, statSync } from 'node:fs';
import type { Database } from 'better-sqlite3';
import type {
  ClaimRequest,
  CommitRow,
  OffsetChange,
  PassStart,
  WritePlan,
  WriteResult,
} from '../../core/connector.ts';
import { bug, type Finding, permanent, transient } from '../../core/errors.ts';
import { encodeOffset, type Offset } from '../../core/offset.ts';
import type { DestinationObject, WriteMode } from '../../core/sync-spec.ts';
import type { Token } from '../../core/token.ts';
import type { Relation, Value } from '../../core/values.ts';
import { claimedRow } from '../sql/commit-table.ts';
import { joinName, quoteDouble, splitName } from '../sql/names.ts';
import { decoderOf, type Stored } from './codec.ts';
import { CommitRows, createCommitTable, type Owner } from './commit-rows.ts';
import { shadowName, targetStatements } from './ddl.ts';
import { affinityOf, typeOfDeclared } from './declared-type.ts';
import { describeTable, findTable, tableName } from './describe.ts';
import { openForWriting, requireWritable } from './open-file.ts';
import { RowWriter } from './row-writer.ts';
import { Shadow } from './shadow.ts';
import { replaceFindings, targetFindings } from './target-findings.ts';

const path = 'spec.destination.table';

/** Under one claim. */
interface Claimed {
  readonly owner: Owner;
  readonly request: ClaimRequest;
  /** The target as the file writes it. */
  readonly table: string;
}

interface Pass {
  readonly isAtomic: boolean;
  readonly shadow: Shadow | undefined;
  /** Rows that the shadow must have: of earlier batches, and of those of this pass. */
  shadowRows: number;
}

/** A destination's file in its own thread: called through thread.ts only. Each method is one unbroken piece of work. */
export class DestinationFile {
  readonly #file: string;
  readonly #name: string;
  /** As the engine writes it; the key of the commit row. */
  readonly #commitName: string;
  #opened: Database | undefined;
  #claimed: Claimed | undefined;
  #pass: Pass | undefined;
  #writer: RowWriter | undefined;

  constructor(file: string, object: DestinationObject) {
    this.#file = file;
    this.#name = tableName(object.table, path);
    this.#commitName = joinName(splitName(object.table, path));
  }

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
    return entry && writeMode === 'Replace' ? replaceFindings(database, entry.name) : [];
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
      database.exec(createCommitTable);
      const stored = commits.about(request.plan.uid, this.#commitName);
      const of = (uid: string) => stored.find((each) => each.uid === uid && each.table === this.#commitName);
      const adopted = request.adoptFrom === undefined ? undefined : of(request.adoptFrom);
      const claimed = claimedRow(request, this.#commitName, of(request.plan.uid), adopted);
      this.#prepareTarget(database, request.plan);
      commits.store(request.keepsOffset ? claimed : { ...claimed, offset: null });
      if (adopted) commits.closeAdopted(adopted.uid, this.#commitName);
      return commits.about(request.plan.uid, this.#commitName).find((each) => each.uid === request.plan.uid);
    });
    if (!row) throw bug('a claim left no commit row');
    this.#claimed = {
      owner: { uid: row.uid, table: this.#commitName, token: row.token },
      request,
      table: findTable(database, this.#name)?.name ?? this.#name,
    };
    return row;
  }

  /** The last row in the order of these columns: by time where they hold one, whatever the digits of its fraction. */
  largest(columns: readonly string[]): readonly Value[] | null {
    const { table, request } = this.#requireClaim();
    const database = this.#writable();
    const [first = '', ...rest] = columns.map(quoteDouble);
    for (const name of columns) requireOrdered(request.plan, name);
    const types = columns.map((name) => typeOfDeclared(columnOf(request.plan, name).ddl));
    const newest = database
      .prepare(`SELECT max(${first}) FROM ${quoteDouble(table)}`)
      .pluck()
      .get() as Stored;
    if (newest === null) return null;
    const isStored = request.wire.format === 'sqlite';
    const isTime = !isStored && types[0]?.kind === 'timestamp' && typeof newest === 'string';
    const rank = isTime ? `rtrim(replace(${first}, 'T', ' '), 'Z')` : first;
    const order = [rank, ...rest].map((each) => `${each} DESC`).join(', ');
    const row = database
      .prepare(
        `SELECT ${[first, ...rest].join(', ')} FROM ${quoteDouble(table)} WHERE ${first} >= ? ORDER BY ${order} LIMIT 1`,
      )
      .raw()
      .get(isTime ? newest.slice(0, 10) : newest) as Stored[];
    if (isStored) return row;
    return row.map((stored, index) => {
      const type = types[index];
      return (type && decoderOf(type)?.(stored)) ?? stored;
    });
  }

  beginPass({ isResumed, isAtomic }: PassStart): void {
    const claimed = this.#requireClaim();
    const database = this.#writable();
    this.#endPass();
    const shadow =
      claimed.request.plan.writeMode === 'Replace'
        ? new Shadow(database, claimed.table, shadowName(claimed.owner.uid, claimed.table))
        : undefined;
    if (isAtomic) {
      database.exec('BEGIN IMMEDIATE');
      new CommitRows(database).requireOwner(claimed.owner);
      shadow?.create();
    } else if (shadow && isResumed) {
      if (!shadow.exists()) this.#startAnew(claimed, shadow);
    } else if (shadow) {
      this.#transaction((commits) => {
        commits.requireOwner(claimed.owner);
        shadow.create();
      });
    }
    this.#pass = { isAtomic, shadow, shadowRows: shadow?.count() ?? 0 };
    this.#writer = undefined;
  }

  /** Rows and offset in one transaction. While it is open SQLite lets no other in, so that no newer token can come between check and commit. */
  write(packed: readonly Uint8Array[], offset: Offset): WriteResult {
    const claimed = this.#requireClaim();
    if (this.#pass?.isAtomic) {
      const written = this.#writerOf(claimed).write(packed);
      this.#pass.shadowRows += written.written;
      return {
        ...written,
        totalRows: new CommitRows(this.#writable()).advance(claimed.owner, null, written.written),
      };
    }
    const stored = claimed.request.keepsOffset ? encodeOffset(offset) : null;
    const result = this.#transaction((commits) => {
      const written = this.#writerOf(claimed).write(packed);
      return { ...written, totalRows: commits.advance(claimed.owner, stored, written.written) };
    });
    if (this.#pass) this.#pass.shadowRows += result.written;
    return result;
  }

  endPass(offset: Offset | null): WriteResult {
    const claimed = this.#requireClaim();
    const pass = this.#pass;
    const stored = offset === null ? null : encodeOffset(offset);
    const finish = (commits: CommitRows) => {
      if (pass?.shadow && pass.shadow.count() === pass.shadowRows) pass.shadow.swap();
      else if (pass?.shadow) return undefined;
      return commits.advance(claimed.owner, stored, 0);
    };
    const database = this.#writable();
    let totalRows: number | undefined;
    if (pass?.isAtomic) {
      totalRows = finish(new CommitRows(database));
      if (totalRows !== undefined) database.exec('COMMIT');
    } else totalRows = this.#transaction(finish);
    if (totalRows === undefined && pass?.shadow) this.#startAnew(claimed, pass.shadow);
    this.#endPass();
    return { written: 0, rejected: 0, rejections: [], totalRows: totalRows ?? 0 };
  }

  setOffset(change: OffsetChange): CommitRow {
    return this.#transaction((commits) => commits.setOffset(this.#commitName, change));
  }

  closeRows(uid: string, token: Token): void {
    if (this.#existing()) this.#transaction((commits) => commits.close(uid, token));
  }

  close(): void {
    this.#writer = undefined;
    this.#opened?.close();
    this.#opened = undefined;
  }

  /** What is in the shadow is not what was written there: somebody else changed it. The next claim finds no offset, and begins the pass anew. */
  #startAnew(claimed: Claimed, shadow: Shadow): never {
    this.#endPass();
    this.#transaction((commits) => {
      commits.advance(claimed.owner, null, 0);
      shadow.drop();
    });
    throw transient(
      'ReplaceCountDiffers',
      `the rows beside ${claimed.table} are not those that were written there: the pass begins anew`,
    );
  }

  #prepareTarget(database: Database, plan: WritePlan): void {
    const isThere = findTable(database, this.#name) !== undefined;
    if (isThere !== (plan.existing !== null)) {
      throw transient(
        'SchemaChanged',
        `the table ${this.#name} was ${isThere ? 'made' : 'dropped'} since it was looked at`,
      );
    }
    for (const statement of targetStatements(plan.existing?.name ?? this.#name, plan))
      database.exec(statement);
  }

  #writerOf({ request, table }: Claimed): RowWriter {
    this.#writer ??= new RowWriter(
      this.#writable(),
      this.#file,
      this.#pass?.shadow?.name ?? table,
      request.plan,
      request.wire,
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
    if (this.#opened) return this.#opened;
    if (!existsSync(this.#file) || statSync(this.#file).size === 0) return undefined;
    return this.#writable();
  }

  #writable(): Database {
    this.#opened ??= openForWriting(this.#file);
    return this.#opened;
  }
}

function columnOf(plan: WritePlan, name: string) {
  const column = plan.columns.columns.find((each) => each.name === name);
  if (column) return column;
  throw bug(`largest was asked of ${name}, which does not travel`);
}

/** Numbers in a column of affinity TEXT compare as text: the largest text says nothing of the largest number. */
function requireOrdered(plan: WritePlan, name: string): void {
  const { ddl, source } = columnOf(plan, name);
  if (affinityOf(ddl) !== 'TEXT' || !['int', 'float', 'decimal'].includes(source.type.kind)) return;
  throw permanent(
    'FieldNotOrdered',
    `column ${name} (${ddl}) holds numbers as text, whose largest is not the largest number`,
    {
      path: 'spec.mode',
      mend: 'use mode Id or Timestamp, which keep their own offset',
    },
  );
}
