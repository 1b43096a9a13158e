import { createHash } from 'node:crypto';
import type { ClaimRequest, CommitRow, OffsetChange } from '../../../core/connector.ts';
import { offsetMoved, offsetMovedInPass } from '../../../core/offset-moved.ts';
import type { Token } from '../../../core/token.ts';
import { serverInteger } from '../../sql/connection/server-integer.ts';
import {
  claimedRow,
  commitLayout,
  commitTableName,
  spellingsOf,
  toCommitRow,
  tokenIsHigher,
  writeIsFenced,
} from '../../sql/destination/commit-table.ts';
import { readOnly } from '../connection/read-only.ts';
import { idleLimit } from '../connection/settings.ts';
import type { SqlRow } from '../connection/statements.ts';
import { text } from '../describe.ts';
import { errnoOf, errorNumbers } from '../errors.ts';
import { quoteName } from '../names.ts';
import type { Session } from '../session.ts';
import { literalText } from '../types/literals.ts';
import { endHolder, takeLock } from './earlier-owner.ts';
import { plainTable, requireOwnTable } from './own-tables.ts';

const selected =
  "uid, `table`, name, meaning, token, `offset`, `rows`, closed, layout, DATE_FORMAT(time, '%Y-%m-%dT%H:%i:%s.%fZ')";

/** What a commit changes in the row. `offset` is unchanged if absent; otherwise the stored offset must equal `from`. */
export interface CommitChange {
  readonly addedRows: number;
  readonly offset: { readonly from: string | null; readonly to: string | null } | undefined;
}

/** The commit table of one database, and this target's row in it (connectors/sql/destination/commit-table.ts). */
export class CommitRows {
  readonly #name: string;
  /**
   * The table with an index hint, for statements that a view of its name must not answer. An INSERT is sent after one in its transaction.
   */
  readonly #plain: string;
  readonly #schema: string;
  readonly #table: string;

  /** `table` is the target's name as in the manifest. */
  constructor(schema: string, table: string) {
    this.#schema = schema;
    this.#table = table;
    this.#name = quoteName({ schema, table: commitTableName });
    this.#plain = `${this.#name} ${plainTable.byKey}`;
  }

  createStatement(collation: string): string {
    return `CREATE TABLE IF NOT EXISTS ${this.#name} (
  uid VARCHAR(64) NOT NULL,
  \`table\` VARCHAR(400) NOT NULL,
  name VARCHAR(512) NOT NULL,
  meaning VARCHAR(128) NOT NULL,
  token BIGINT NOT NULL,
  \`offset\` LONGTEXT NULL,
  \`rows\` BIGINT NOT NULL,
  session VARCHAR(64) NULL,
  closed BOOLEAN NOT NULL,
  layout INT NOT NULL,
  time DATETIME(6) NOT NULL,
  PRIMARY KEY (uid, \`table\`)
) ENGINE = InnoDB CHARACTER SET utf8mb4 COLLATE ${collation}`;
  }

  /** Throws OwnTableUnsafe. */
  async exists(session: Session, signal: AbortSignal): Promise<boolean> {
    const name = { schema: this.#schema, table: commitTableName };
    return await requireOwnTable(session, name, 'commits', signal);
  }

  /** Throws OwnTableUnsafe, also if somebody else created the table first. */
  async create(session: Session, signal: AbortSignal): Promise<void> {
    if (await this.exists(session, signal)) return;
    await session.query(this.createStatement(session.facts.textCollation), signal);
    await this.exists(session, signal);
  }

  /** Rows for this table (under any of its names) or for this uid. Takes no lock. */
  async list(session: Session, uid: string, signal: AbortSignal): Promise<readonly CommitRow[]> {
    if (!(await this.exists(session, signal))) return [];
    const tables = spellingsOf(this.#schema, this.#table).map(literalText).join(', ');
    const sql = `SELECT ${selected} FROM ${this.#plain} WHERE \`table\` IN (${tables}) OR uid = ${literalText(uid)}`;
    return (await readOnly(session, sql, signal)).map(fromServer);
  }

  /**
   * Ends the session of an earlier owner, which may have stopped in the middle of a transaction, and stores the token (Invariant 4). The
   * owner holds a named lock of the server as long as its session lives, and is identified by that lock: the connection number in the row
   * may since belong to another session.
   */
  async claim(session: Session, request: ClaimRequest, signal: AbortSignal): Promise<CommitRow> {
    const { uid } = request.plan;
    const where = this.#where(uid);
    return await session.guard(async () => {
      const [stored] = await rowsOf(session, `SELECT token FROM ${this.#plain} WHERE ${where}`);
      const token = serverInteger(stored?.[0] ?? 0, session.where);
      if (typeof request.token === 'bigint' && token > request.token)
        throw tokenIsHigher(token, request.token);
      await endHolder(session, this.#lockName(uid, 'fence'));
      await endHolder(session, this.#lockName(uid, 'owner'));
      await takeLock(session, this.#lockName(uid, 'owner'));
      return await this.#storeClaim(session, request);
    }, signal);
  }

  /** Marks a second connection of the owner, which a claimant must also be able to end. */
  async markFence(session: Session, uid: string, signal: AbortSignal): Promise<void> {
    await session.guard(() => takeLock(session, this.#lockName(uid, 'fence')), signal);
  }

  async #storeClaim(session: Session, request: ClaimRequest): Promise<CommitRow> {
    const { uid } = request.plan;
    const adopted = request.adoptFrom === undefined ? '' : ` OR ${this.#where(request.adoptFrom)}`;
    const results = await session.run(
      `START TRANSACTION; SELECT ${selected} FROM ${this.#plain} WHERE ${this.#where(uid)}${adopted} FOR UPDATE`,
    );
    try {
      const rows = (results.at(-1)?.rows ?? []).map(fromServer);
      const row = claimedRow(
        request,
        this.#table,
        rows.find((each) => each.uid === uid),
        rows.find((each) => each.uid === request.adoptFrom && !each.isClosed),
      );
      const offset = request.keepsOffset ? row.offset : null;
      await session.run(
        [...this.#storeStatements(session, { ...row, offset }, request.adoptFrom), 'COMMIT'].join('; '),
      );
      const [stored] = await rowsOf(
        session,
        `SELECT ${selected} FROM ${this.#plain} WHERE ${this.#where(uid)}`,
      );
      return fromServer(stored ?? []);
    } catch (thrown) {
      await session.run('ROLLBACK');
      throw thrown;
    }
  }

  #storeStatements(session: Session, row: Omit<CommitRow, 'time'>, adoptFrom: string | undefined): string[] {
    const values: Readonly<Record<string, string>> = {
      uid: literalText(row.uid),
      '`table`': literalText(row.table),
      name: literalText(row.name),
      meaning: literalText(row.fingerprint),
      token: String(row.token),
      '`offset`': literalOrNull(row.offset),
      '`rows`': String(row.rows),
      session: literalText(String(session.id)),
      closed: '0',
      layout: String(commitLayout),
      time: 'UTC_TIMESTAMP(6)',
    };
    const names = Object.keys(values);
    const updates = names.slice(2).map((name) => `${name} = VALUES(${name})`);
    const close =
      adoptFrom === undefined
        ? []
        : [
            `UPDATE ${this.#plain} SET closed = 1, token = GREATEST(token, ${row.token}) WHERE ${this.#where(adoptFrom)}`,
          ];
    return [
      `INSERT INTO ${this.#name} (${names.join(', ')}) VALUES (${Object.values(values).join(', ')}) ON DUPLICATE KEY UPDATE ${updates.join(', ')}`,
      ...close,
    ];
  }

  /**
   * Sent together: offset and row count, the check of the token and the stored offset, and COMMIT. A failure prevents the later
   * statements from running (Invariants 1 and 3). ROW_COUNT() refers to the UPDATE, which counts matched rows. If it is not 1, a power
   * overflows, which is an error on every server.
   */
  commitStatements(uid: string, token: Token, { addedRows, offset }: CommitChange): string {
    const change = offset === undefined ? '' : `\`offset\` = ${literalOrNull(offset.to)}, `;
    const isExpected = offset === undefined ? '' : ` AND \`offset\` <=> ${literalOrNull(offset.from)}`;
    return [
      `UPDATE ${this.#plain} SET ${change}\`rows\` = \`rows\` + ${addedRows}, time = UTC_TIMESTAMP(6) WHERE ${this.#where(uid)} AND token = ${token} AND closed = 0${isExpected}`,
      'SELECT POW(10, IF(ROW_COUNT() = 1, 0, 400))',
      'COMMIT',
      idleLimit.otherwise,
    ].join('; ');
  }

  /** Runs `commitStatements`. Throws `fenced` if the row no longer has this token, OffsetMoved if only its offset differs. */
  async commit(
    session: Pick<Session, 'run'>,
    statements: string,
    { uid, token }: { readonly uid: string; readonly token: Token },
    send: (sql: string) => Promise<unknown> = (sql) => session.run(sql),
  ): Promise<void> {
    try {
      await send(statements);
    } catch (thrown) {
      if (errnoOf(thrown) !== errorNumbers.outOfRangeDouble) throw thrown;
      await session.run('ROLLBACK');
      throw await this.#refusal(session, uid, token);
    }
  }

  async #refusal(session: Pick<Session, 'run'>, uid: string, token: Token): Promise<Error> {
    const sql = `SELECT 1 FROM ${this.#plain} WHERE ${this.#where(uid)} AND token = ${token} AND closed = 0`;
    if ((await rowsOf(session, sql)).length === 0) return writeIsFenced(token);
    return offsetMovedInPass(this.#table);
  }

  /** Locks the row until the transaction ends, so that nobody can claim meanwhile. Throws `fenced`. */
  async hold(session: Session, uid: string, token: Token): Promise<void> {
    const results = await session.run(
      `START TRANSACTION; SELECT 1 FROM ${this.#plain} WHERE ${this.#where(uid)} AND token = ${token} AND closed = 0 FOR UPDATE`,
    );
    if ((results.at(-1)?.rows.length ?? 0) > 0) return;
    await session.run('ROLLBACK');
    throw writeIsFenced(token);
  }

  async setOffset(session: Session, change: OffsetChange, signal: AbortSignal): Promise<CommitRow> {
    const where = this.#where(change.uid);
    return await session.guard(async () => {
      await this.hold(session, change.uid, change.token);
      const [before] = await rowsOf(session, `SELECT ${selected} FROM ${this.#plain} WHERE ${where}`);
      const stored = fromServer(before ?? []);
      if (stored.offset !== change.expected) {
        await session.run('ROLLBACK');
        throw offsetMoved(change.expected, stored.offset);
      }
      await this.commit(
        session,
        this.commitStatements(change.uid, change.token, {
          addedRows: 0,
          offset: { from: change.expected, to: change.offset },
        }),
        change,
      );
      const [after] = await rowsOf(session, `SELECT ${selected} FROM ${this.#plain} WHERE ${where}`);
      return fromServer(after ?? []);
    }, signal);
  }

  /** Deletes all rows of a deleted Sync. Throws `fenced` if one has a higher token. */
  async close(session: Session, uid: string, token: Token, signal: AbortSignal): Promise<void> {
    await session.guard(async () => {
      const where = `uid = ${literalText(uid)}`;
      const rows = await rowsOf(
        session,
        `START TRANSACTION; SELECT token FROM ${this.#plain} WHERE ${where} FOR UPDATE`,
      );
      const higher = rows
        .map(([stored]) => serverInteger(stored, session.where))
        .find((stored) => stored > token);
      if (higher !== undefined) {
        await session.run('ROLLBACK');
        throw tokenIsHigher(higher, token);
      }
      await session.run(
        `UPDATE ${this.#plain} SET closed = 1, token = ${token}, time = UTC_TIMESTAMP(6) WHERE ${where}; COMMIT`,
      );
    }, signal);
  }

  #where(uid: string): string {
    return `(uid = ${literalText(uid)} AND \`table\` = ${literalText(this.#table)})`;
  }

  #lockName(uid: string, role: 'owner' | 'fence'): string {
    const hash = createHash('sha256')
      .update(JSON.stringify([uid, this.#schema, this.#table]))
      .digest('hex');
    return literalText(`idra-${role}-${hash.slice(0, 40)}`);
  }
}

async function rowsOf(session: Pick<Session, 'run'>, sql: string): Promise<readonly SqlRow[]> {
  return (await session.run(sql)).at(-1)?.rows ?? [];
}

function literalOrNull(value: string | null): string {
  return value === null ? 'NULL' : literalText(value);
}

function fromServer(row: SqlRow): CommitRow {
  return toCommitRow(row.map(text));
}
