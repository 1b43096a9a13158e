import type { CommitRow } from '../../../core/connector.ts';
import type { Token } from '../../../core/token.ts';
import { serverInteger } from '../../sql/connection/server-integer.ts';
import {
  commitLayout,
  commitTableName,
  spellingsOf,
  toCommitRow,
} from '../../sql/destination/commit-table.ts';
import type { TextRow } from '../connection/statements.ts';
import { fencedState, offsetMovedState } from '../errors.ts';
import { quoteName, regclass, type TableName } from '../names.ts';
import type { Session } from '../session.ts';
import { literalText } from '../types/literals.ts';
import { requireOwnTable, revokeSql } from './own-tables.ts';

export interface OffsetUpdate {
  readonly token: Token;
  /** Encoded. */
  readonly offset: string | null;
  /** The offset that this claim stored last. */
  readonly previous: string | null;
  readonly written: number;
  /** Set if another table has replaced the target. */
  readonly target: string | undefined;
}

/** The SQL of `_idra_commits` in one schema, for the rows of one target (connectors/sql/destination/commit-table.ts). */
export class CommitRows {
  readonly #tableName: TableName;
  readonly #name: string;
  readonly #table: string;
  /** The oid of the table that was inspected last. */
  #oid: string | undefined;
  readonly #schema: string;

  constructor(schema: string, table: string) {
    this.#tableName = { schema, table: commitTableName };
    this.#name = quoteName(this.#tableName);
    this.#table = table;
    this.#schema = schema;
  }

  get createSql(): string {
    return `CREATE TABLE IF NOT EXISTS ${this.#name} (uid text NOT NULL, "table" text NOT NULL, name text NOT NULL, meaning text NOT NULL,
      token bigint NOT NULL, "offset" text, rows bigint NOT NULL, session text, closed boolean NOT NULL DEFAULT false,
      layout integer NOT NULL, time timestamptz NOT NULL, target text, PRIMARY KEY (uid, "table"))`;
  }

  /** Throws OwnTableUnsafe if the existing table is not exclusively ours. */
  async exists(session: Session, signal: AbortSignal): Promise<boolean> {
    this.#oid = (await requireOwnTable(session, this.#tableName, 'commits', signal))?.oid;
    return this.#oid !== undefined;
  }

  /**
   * Creates the table under a lock, because two concurrent IF NOT EXISTS collide in the catalog. A table of an older version has no
   * column target. Throws OwnTableUnsafe, also if another table appeared between the first check and the statement.
   */
  async create(session: Session, signal: AbortSignal): Promise<void> {
    const found = await requireOwnTable(session, this.#tableName, 'commits', signal);
    this.#oid = found?.oid;
    if (found && !found.takesTriggers && found.columns.includes('target')) return;
    await session.query(
      `BEGIN; SELECT pg_catalog.pg_advisory_xact_lock(pg_catalog.hashtext(${literalText(this.#name)})); ${this.createSql}; COMMIT`,
      signal,
    );
    await this.exists(session, signal);
    await session.query(
      `BEGIN; ALTER TABLE ${this.#name} ADD COLUMN IF NOT EXISTS target text; ${revokeSql(this.#tableName, 'TRIGGER')}; COMMIT`,
      signal,
    );
    // Until then others may have put a trigger on it.
    await this.exists(session, signal);
  }

  /**
   * Raises an error if it is not the table that `exists` or `create` inspected, and keeps it unchanged until the end of the transaction:
   * the owner of the schema may drop it at any time and create one with triggers in its place.
   */
  get requireSql(): string {
    return this.#requireSql('ROW EXCLUSIVE');
  }

  #requireSql(mode: 'ROW EXCLUSIVE' | 'ACCESS SHARE'): string {
    const isOther = `${regclass(this.#tableName)}::oid IS DISTINCT FROM ${this.#oid ?? 'NULL'}::oid`;
    return `LOCK TABLE ONLY ${this.#name} IN ${mode} MODE; DO ${literalText(`BEGIN IF ${isOther} THEN ${raiseFenced} END IF; END`)}`;
  }

  /** Rows of the inspected table. A view in its place could call other users' functions. */
  async #rows(session: Session, sql: string, signal: AbortSignal): Promise<readonly TextRow[]> {
    try {
      return await session.query(
        `BEGIN READ ONLY; ${this.#requireSql('ACCESS SHARE')}; ${sql}; COMMIT`,
        signal,
      );
    } catch (thrown) {
      await session.rollBack();
      throw thrown;
    }
  }

  /** Rows for this target (under any of its names) or for this uid; empty if there is no commit table. */
  async read(session: Session, uid: string, signal: AbortSignal): Promise<readonly CommitRow[]> {
    if (!(await this.exists(session, signal))) return [];
    const tables = spellingsOf(this.#schema, this.#table).map(literalText).join(', ');
    const where = `"table" IN (${tables}) OR uid = ${literalText(uid)}`;
    return (await this.#rows(session, `${this.#select} WHERE ${where}`, signal)).map(toCommitRow);
  }

  /** Call within a transaction. Returns the rows of these uids on this target, locked in a fixed order. */
  async lock(session: Session, uids: readonly string[], signal: AbortSignal): Promise<readonly CommitRow[]> {
    const rows = await session.query(
      `${this.#select} WHERE "table" = ${literalText(this.#table)} AND uid IN (${uids.map(literalText).join(', ')}) ORDER BY uid FOR UPDATE`,
      signal,
    );
    return rows.map(toCommitRow);
  }

  /** The session that holds the claim: `pid/start`, as `sessionId` writes it. */
  async holder(
    session: Session,
    uid: string,
    signal: AbortSignal,
  ): Promise<{ readonly token: Token; readonly session: string | null } | undefined> {
    const sql = `SELECT token, session FROM ${this.#name} WHERE ${this.#own(uid)}`;
    const [row] = await this.#rows(session, sql, signal);
    return row && { token: serverInteger(row[0] ?? 0, commitTableName), session: row[1] ?? null };
  }

  /**
   * `sessionId` is an SQL expression. Returns a row if the claim was stored, and none if a higher token (or with isNew an equal one)
   * exists.
   */
  claimSql(row: Omit<CommitRow, 'time'>, sessionId: string, isNew: boolean): string {
    const values = [row.uid, row.table, row.name, row.fingerprint].map(literalText);
    return `INSERT INTO ${this.#name} AS c (uid, "table", name, meaning, token, "offset", rows, session, closed, layout, time)
      VALUES (${values.join(', ')}, ${row.token}, ${nullable(row.offset)}, ${row.rows}, ${sessionId}, false, ${commitLayout}, clock_timestamp())
      ON CONFLICT (uid, "table") DO UPDATE SET name = excluded.name, meaning = excluded.meaning, token = excluded.token,
        "offset" = excluded."offset", rows = excluded.rows, session = excluded.session, closed = false, layout = excluded.layout,
        time = excluded.time
      WHERE c.token ${isNew ? '<' : '<='} excluded.token RETURNING ${commitRowItems}`;
  }

  closeSql(uid: string, token: Token): string {
    return `UPDATE ${this.#name} SET closed = true, token = greatest(token, ${token}), session = NULL WHERE ${this.#own(uid)}`;
  }

  /** Every row of this uid in this schema. */
  closeAllSql(uid: string, token: Token): string {
    return `UPDATE ${this.#name} SET closed = true, token = ${token}, session = NULL, time = clock_timestamp()
      WHERE uid = ${literalText(uid)} AND token <= ${token};
      SELECT max(token) FROM ${this.#name} WHERE uid = ${literalText(uid)}`;
  }

  /**
   * The last statements of a transaction, sent in one round trip with its COMMIT. They store offset and counts if the row has our token,
   * and otherwise raise an error, which turns what follows into a ROLLBACK. The first result has the total of rows.
   */
  storeSql(uid: string, { token, offset, previous, written, target }: OffsetUpdate): string {
    const set = [
      `"offset" = ${nullable(offset)}`,
      `rows = rows + ${written}`,
      'time = clock_timestamp()',
      ...(target === undefined ? [] : [`target = ${literalText(target)}`]),
    ];
    return `UPDATE ${this.#name} SET ${set.join(', ')} WHERE ${this.#held(uid, token)} AND ${isOffset(previous)} RETURNING rows;
      ${this.#storedSql(uid, token, offset)}`;
  }

  /** Raises an error if the row does not have our token, and blocks claimants until the end of the transaction. */
  guardSql(uid: string, token: Token): string {
    return `DO ${literalText(`BEGIN PERFORM FROM ${this.#name} WHERE ${this.#held(uid, token)} FOR SHARE; IF NOT FOUND THEN ${raiseFenced} END IF; END`)}`;
  }

  /** Like guardSql; also raises an error if the offset was not stored because the row did not have the last offset of this claim. */
  #storedSql(uid: string, token: Token, offset: string | null): string {
    const held = this.#held(uid, token);
    const check = `BEGIN PERFORM FROM ${this.#name} WHERE ${held} AND ${isOffset(offset)} FOR SHARE; IF FOUND THEN RETURN; END IF;
      PERFORM FROM ${this.#name} WHERE ${held}; IF FOUND THEN ${raiseMoved} END IF; ${raiseFenced} END`;
    return `DO ${literalText(check)}`;
  }

  /** Call within the transaction of the claim. */
  targetSql(uid: string, token: Token, target: string): string {
    return `UPDATE ${this.#name} SET target = ${literalText(target)} WHERE ${this.#held(uid, token)}`;
  }

  /** Targets of this uid in this schema, in the format that splitName reads. */
  async targets(session: Session, uid: string, signal: AbortSignal): Promise<readonly string[]> {
    const sql = `SELECT "table" FROM ${this.#name} WHERE uid = ${literalText(uid)}`;
    const rows = await this.#rows(session, sql, signal);
    return rows.map(([table]) => table ?? '');
  }

  /** Returns the row if `expected` was stored under the token. */
  setOffsetSql(uid: string, expected: string | null, offset: string | null, token: Token): string {
    return `UPDATE ${this.#name} AS c SET "offset" = ${nullable(offset)}, time = clock_timestamp()
      WHERE ${this.#held(uid, token)} AND ${isOffset(expected)} RETURNING ${commitRowItems}`;
  }

  get #select(): string {
    return `SELECT ${commitRowItems} FROM ${this.#name} AS c`;
  }

  /**
   * Matches only the session that claimed: an abandoned session of the same owner may still have a COMMIT under way, and cannot always be
   * ended.
   */
  #held(uid: string, token: Token): string {
    return `${this.#own(uid)} AND token = ${token} AND NOT closed AND split_part(session, '/', 1) = pg_backend_pid()::text`;
  }

  #own(uid: string): string {
    return `uid = ${literalText(uid)} AND "table" = ${literalText(this.#table)}`;
  }
}

const raiseFenced = `RAISE EXCEPTION USING ERRCODE = '${fencedState}', MESSAGE = '_idra_fenced: a newer owner has claimed this sync, or its commit row is gone';`;
const raiseMoved = `RAISE EXCEPTION USING ERRCODE = '${offsetMovedState}', MESSAGE = '_idra_offset: the stored offset is not the one that this claim stored last';`;

function nullable(text: string | null): string {
  return text === null ? 'NULL' : literalText(text);
}

function isOffset(offset: string | null): string {
  return offset === null ? '"offset" IS NULL' : `"offset" IS NOT DISTINCT FROM ${literalText(offset)}`;
}

// A table of an older version has no column target.
const commitRowItems = `uid, "table", name, meaning, token, "offset", rows, closed, layout,
  to_char(time AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"'), pg_catalog.to_jsonb(c) ->> 'target'`;
