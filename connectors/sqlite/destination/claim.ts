import type { Database } from 'better-sqlite3';
import type { ClaimRequest, PassStart, WriteResult } from '../../../core/connector.ts';
import { encodeOffset, type Offset } from '../../../core/offset.ts';
import { replaceCountDiffers, shadowMissing } from '../../sql/destination/shadow.ts';
import type { SchemaWatch } from '../fingerprint.ts';
import { BatchWriter } from './batch-writer.ts';
import { begun, CommitRows, committed, type Owner } from './commit-rows.ts';
import { shadowName } from './ddl.ts';
import { type Deleted, Deletions } from './deletions.ts';
import { Shadow } from './replace.ts';

export interface ClaimedTableInit {
  /** Returns the database of the file that is at the path now. Throws SchemaChanged if it is not the one that was claimed. */
  readonly database: () => Database;
  /** For messages. */
  readonly file: string;
  readonly owner: Owner;
  readonly request: ClaimRequest;
  /** The target's name as written in the file. */
  readonly table: string;
  /** The shape of the target when it was claimed. */
  readonly shape: string;
  readonly watch: SchemaWatch;
  /** The offset that was stored when the table was claimed. */
  readonly offset: string | null;
}

interface Pass {
  readonly isAtomic: boolean;
  readonly shadow: Shadow | undefined;
  /** Rows that the shadow must have: from earlier batches, and from this pass. */
  shadowRows: number;
  /** For a pass that is one transaction: the count in the commit row when it began, and what was written since. */
  rowsBefore: number;
  rows: number;
}

/** A batch on its way into the thread of the file. */
export interface PackedBatch {
  readonly packed: readonly Uint8Array[];
  /** Rows of the columns of a deletion (core/last-changes.ts). */
  readonly deletions: readonly Uint8Array[];
  readonly offset: Offset;
}

const noDeletions: Deleted = { deleted: 0, rejected: 0, rejections: [] };

/** Passes and batches under one claim. */
export class ClaimedTable {
  readonly #init: ClaimedTableInit;
  /** The offset that this claim stored last. */
  #storedOffset: string | null;
  #pass: Pass | undefined;
  #writer: BatchWriter | undefined;
  #deletions: Deletions | undefined;

  constructor(init: ClaimedTableInit) {
    this.#init = init;
    this.#storedOffset = init.offset;
  }

  get owner(): Owner {
    return this.#init.owner;
  }

  get request(): ClaimRequest {
    return this.#init.request;
  }

  /** Sets an offset that a user changed, under this claim. */
  offsetIs(offset: string | null): void {
    this.#storedOffset = offset;
  }

  beginPass({ isResumed, isAtomic }: PassStart): void {
    const { request, owner, table, watch, shape } = this.#init;
    const database = this.#init.database();
    this.#leavePass(database);
    const isReplace = request.plan.writeMode === 'Replace';
    const shadow = isReplace ? new Shadow(database, table, shadowName(owner.uid, table)) : undefined;
    let rowsBefore = 0;
    if (isAtomic) {
      rowsBefore = begun(database, (commits) => {
        watch.requireShape(shape);
        shadow?.create();
        return commits.requireOwner(owner);
      });
    } else if (shadow && isResumed) {
      if (!shadow.exists()) this.#startPassOver(shadow, shadowMissing(table));
    } else if (shadow) {
      this.#owned((commits) => {
        commits.requireOwner(owner);
        shadow.create();
      });
    }
    this.#pass = { isAtomic, shadow, shadowRows: shadow?.count() ?? 0, rowsBefore, rows: 0 };
    this.#writer = undefined;
  }

  /**
   * Writes rows and offset in one transaction. While it is open, SQLite allows no other writer, so that no newer token can be stored
   * between check and commit.
   */
  write({ packed, deletions, offset }: PackedBatch): WriteResult {
    const pass = this.#pass;
    if (pass?.isAtomic) {
      const written = this.#batchWriter().write(packed);
      pass.shadowRows += written.written;
      pass.rows += written.written;
      return { ...written, deleted: 0, totalRows: pass.rowsBefore + pass.rows };
    }
    const stored = this.#init.request.keepsOffset ? encodeOffset(offset) : null;
    const result = this.#owned((commits) => {
      const removed = deletions.length > 0 ? this.#deletionsOf().apply(deletions) : noDeletions;
      const { written, rejected, rejections } = this.#batchWriter().write(packed);
      return {
        written,
        rejected: rejected + removed.rejected,
        rejections: [...removed.rejections, ...rejections],
        deleted: removed.deleted,
        totalRows: this.#advance(commits, stored, written),
      };
    });
    this.#storedOffset = stored;
    if (pass) pass.shadowRows += result.written;
    return result;
  }

  endPass(offset: Offset | null): WriteResult {
    const pass = this.#pass;
    const stored = offset === null ? null : encodeOffset(offset);
    const finish = (commits: CommitRows) => {
      if (pass?.shadow && pass.shadow.count() === pass.shadowRows) pass.shadow.swap();
      else if (pass?.shadow) return undefined;
      return this.#advance(commits, stored, pass?.isAtomic ? pass.rows : 0);
    };
    const database = this.#init.database();
    let totalRows: number | undefined;
    if (pass?.isAtomic) {
      totalRows = finish(new CommitRows(database));
      if (totalRows !== undefined) database.exec('COMMIT');
    } else totalRows = this.#owned(finish);
    if (totalRows === undefined && pass?.shadow) {
      const found = pass.shadow.count() ?? 0;
      this.#startPassOver(pass.shadow, replaceCountDiffers(this.#init.table, found, pass.shadowRows));
    }
    this.#storedOffset = stored;
    this.#leavePass(database);
    return { written: 0, rejected: 0, rejections: [], deleted: 0, totalRows: totalRows ?? 0 };
  }

  #advance(commits: CommitRows, offset: string | null, written: number): number {
    return commits.advance(this.#init.owner, { previous: this.#storedOffset, offset, written });
  }

  /** Runs `work` on the table that was claimed, in the file that is at the path now. */
  #owned<T>(work: (commits: CommitRows) => T): T {
    const { database, watch, shape } = this.#init;
    return committed(database(), (commits) => {
      watch.requireShape(shape);
      return work(commits);
    });
  }

  /** Stores that there is no offset, so that the next pass does not continue in this shadow. */
  #startPassOver(shadow: Shadow, why: Error): never {
    this.#leavePass(this.#init.database());
    this.#owned((commits) => {
      this.#advance(commits, null, 0);
      shadow.drop();
    });
    this.#storedOffset = null;
    throw why;
  }

  #batchWriter(): BatchWriter {
    const { database, file, table, request } = this.#init;
    this.#writer ??= new BatchWriter(
      database(),
      file,
      this.#pass?.shadow?.name ?? table,
      request.plan,
      request.rowFormat,
    );
    return this.#writer;
  }

  #deletionsOf(): Deletions {
    const { database, file, table, request } = this.#init;
    this.#deletions ??= new Deletions(database(), { file, table, plan: request.plan });
    return this.#deletions;
  }

  #leavePass(database: Database): void {
    if (database.inTransaction) database.exec('ROLLBACK');
    this.#pass = undefined;
    this.#writer = undefined;
    this.#deletions = undefined;
  }
}
