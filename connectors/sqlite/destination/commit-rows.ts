import type { Database } from 'better-sqlite3';
import type { CommitRow, OffsetChange } from '../../../core/connector.ts';
import { permanent } from '../../../core/errors.ts';
import { offsetMoved, offsetMovedInPass } from '../../../core/offset-moved.ts';
import type { Token } from '../../../core/token.ts';
import {
  commitLayout,
  commitTableName,
  requireKnownLayout,
  spellingsOf,
  tokenIsHigher,
  writeIsFenced,
} from '../../sql/destination/commit-table.ts';
import { requireOwnTable } from './own-tables.ts';

interface StoredRow {
  readonly uid: string;
  readonly table: string;
  readonly name: string;
  readonly meaning: string;
  readonly token: bigint;
  readonly offset: string | null;
  readonly rows: bigint;
  readonly closed: bigint;
  readonly layout: bigint;
  readonly time: string;
}

/** The owner of the commit row: every statement that changes the row is conditional on it (Invariant 3). */
export interface Owner {
  readonly uid: string;
  readonly table: string;
  readonly token: Token;
}

export interface Advance {
  /** The offset that this claim stored last. */
  readonly previous: string | null;
  readonly offset: string | null;
  readonly written: number;
}

const now = `strftime('%Y-%m-%dT%H:%M:%fZ', 'now')`;

/** `session` stays NULL: a SQLite file has no sessions that another process could end; its lock is released with the process. */
export const createCommitTable = `CREATE TABLE IF NOT EXISTS "${commitTableName}" (
  "uid" TEXT NOT NULL, "table" TEXT NOT NULL, "name" TEXT NOT NULL, "meaning" TEXT NOT NULL, "token" INTEGER NOT NULL,
  "offset" TEXT, "rows" INTEGER NOT NULL, "session" TEXT, "closed" INTEGER NOT NULL, "layout" INTEGER NOT NULL, "time" TEXT NOT NULL,
  PRIMARY KEY ("uid", "table")
) WITHOUT ROWID`;

const commitColumns = 'uid table name meaning token offset rows session closed layout time'.split(' ');
const commitKey = ['uid', 'table'];

/** The commit table of one file. Every call is part of the caller's transaction, if there is one. */
export class CommitRows {
  readonly #database: Database;

  constructor(database: Database) {
    this.#database = database;
  }

  /** Throws OwnTableUnsafe. */
  exists(): boolean {
    return requireOwnTable(this.#database, commitTableName, commitColumns, commitKey);
  }

  create(): void {
    if (!this.exists()) this.#database.exec(createCommitTable);
  }

  /** Rows for this table (under any of its names) or for this uid. */
  about(uid: string, table: string): readonly CommitRow[] {
    if (!this.exists()) return [];
    const rows = this.#database
      .prepare<[string, string, string], StoredRow>(
        `SELECT * FROM "${commitTableName}" WHERE "uid" = ? OR "table" COLLATE NOCASE IN (?, ?)`,
      )
      .all(uid, ...spellingsOf('main', table));
    return rows.map(toCommitRow);
  }

  store(row: Omit<CommitRow, 'time'>): void {
    this.#database
      .prepare(
        `INSERT INTO "${commitTableName}" VALUES (?, ?, ?, ?, ?, ?, ?, NULL, ?, ?, ${now})
         ON CONFLICT ("uid", "table") DO UPDATE SET "name" = excluded."name", "meaning" = excluded."meaning", "token" = excluded."token",
           "offset" = excluded."offset", "rows" = excluded."rows", "closed" = excluded."closed", "layout" = excluded."layout", "time" = excluded."time"`,
      )
      .run(
        row.uid,
        row.table,
        row.name,
        row.fingerprint,
        row.token,
        row.offset,
        BigInt(row.rows),
        row.isClosed ? 1n : 0n,
        BigInt(commitLayout),
      );
  }

  /**
   * Invariants 1 and 3: stores the offset in the transaction of its rows, only under the owner's token, and only if the stored offset is
   * the one that this claim stored last. Returns the row's total.
   */
  advance(owner: Owner, { previous, offset, written }: Advance): number {
    const row = this.#database
      .prepare<[string | null, bigint, string, string, bigint, string | null], { rows: bigint }>(
        `UPDATE "${commitTableName}" SET "offset" = ?, "rows" = "rows" + ?, "time" = ${now}
         WHERE "uid" = ? AND "table" = ? AND "token" = ? AND "closed" = 0 AND "offset" IS ? RETURNING "rows"`,
      )
      .get(offset, BigInt(written), owner.uid, owner.table, owner.token, previous);
    if (row !== undefined) return Number(row.rows);
    this.requireOwner(owner);
    throw offsetMovedInPass(owner.table);
  }

  /** Call under a claim, before work that commits later. Returns the row's total. */
  requireOwner(owner: Owner): number {
    const row = this.#database
      .prepare<[string, string, bigint], { rows: bigint }>(
        `SELECT "rows" FROM "${commitTableName}" WHERE "uid" = ? AND "table" = ? AND "token" = ? AND "closed" = 0`,
      )
      .get(owner.uid, owner.table, owner.token);
    if (row === undefined) throw writeIsFenced(owner.token);
    return Number(row.rows);
  }

  setOffset(table: string, { uid, token, expected, offset }: OffsetChange): CommitRow {
    this.requireOwner({ uid, table, token });
    const stored = this.#one(uid, table);
    if (stored.offset !== expected) throw offsetMoved(expected, stored.offset);
    this.advance({ uid, table, token }, { previous: expected, offset, written: 0 });
    return this.#one(uid, table);
  }

  /** Tokens are kept, so that an old owner is always refused. Returns the tables of these rows. */
  close(uid: string, token: Token): readonly string[] {
    if (!this.exists()) return [];
    const highest = this.#database
      .prepare<[string], bigint | null>(`SELECT max("token") FROM "${commitTableName}" WHERE "uid" = ?`)
      .pluck()
      .get(uid) as bigint | null;
    if (highest !== null && highest > token) throw tokenIsHigher(highest, token);
    const closed = this.#database.prepare<[bigint, string], { table: string }>(
      `UPDATE "${commitTableName}" SET "closed" = 1, "token" = ?, "time" = ${now} WHERE "uid" = ? RETURNING "table"`,
    );
    return closed.all(token, uid).map((row) => row.table);
  }

  /** A process that still runs under the adopted uid is refused, because its token is lower than the new owner's. */
  closeAdopted({ uid, table }: CommitRow, token: Token): void {
    this.#database
      .prepare(`UPDATE "${commitTableName}" SET "closed" = 1, "token" = ? WHERE "uid" = ? AND "table" = ?`)
      .run(token, uid, table);
  }

  #one(uid: string, table: string): CommitRow {
    const row = this.about(uid, table).find((each) => each.uid === uid && each.table === table);
    if (row === undefined) throw permanent('CommitRowGone', `the commit row of ${table} is gone`);
    return row;
  }
}

function toCommitRow(row: StoredRow): CommitRow {
  requireKnownLayout(row.layout);
  return {
    uid: row.uid,
    table: row.table,
    name: row.name,
    fingerprint: row.meaning,
    token: row.token,
    offset: row.offset,
    rows: Number(row.rows),
    isClosed: row.closed === 1n,
    time: row.time,
  };
}

/** IMMEDIATE takes the writer's lock before anything is read, so that what is read is still valid at the commit. */
export function committed<T>(database: Database, work: (commits: CommitRows) => T): T {
  return begun(database, (commits) => {
    const result = work(commits);
    database.exec('COMMIT');
    return result;
  });
}

/** Like committed, but leaves the transaction open. */
export function begun<T>(database: Database, work: (commits: CommitRows) => T): T {
  database.exec('BEGIN IMMEDIATE');
  try {
    return work(new CommitRows(database));
  } catch (thrown) {
    if (database.inTransaction) database.exec('ROLLBACK');
    throw thrown;
  }
}
