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
import type { Result, SqlRow } from '../connection/statements.ts';
import { errorNumbers, numberOf } from '../errors.ts';
import { quoteName, type TableName } from '../names.ts';
import type { Session } from '../session.ts';
import { literalText } from '../types/literals.ts';
import { ownerLock, takeOver } from './earlier-owner.ts';
import { requireOwnTable } from './own-tables.ts';

const selected = `uid, [table], name, meaning, CONVERT(varchar(20), token), [offset], CONVERT(varchar(20), [rows]),
  CONVERT(varchar(1), closed), layout, CONVERT(varchar(27), [time], 126) + 'Z', target`;

/** Compares code units: another collation would find the row of another uid. */
const collation = 'Latin1_General_100_BIN2';

/** What a commit changes in the row. `offset` is unchanged if absent; otherwise the stored offset must equal `from`. */
export interface CommitChange {
  readonly addedRows: number;
  readonly offset: { readonly from: string | null; readonly to: string | null } | undefined;
  /** Identity of the table that Replace has put in the place of the target, as an expression. */
  readonly target?: string;
}

/** The commit table of one schema, and this target's row in it (connectors/sql/destination/commit-table.ts). */
export class CommitRows {
  readonly #own: TableName;
  readonly #name: string;
  readonly #schema: string;
  readonly #table: string;

  /** `table` is the target's name as in the manifest. */
  constructor(schema: string, table: string) {
    this.#schema = schema;
    this.#table = table;
    this.#own = { schema, table: commitTableName };
    this.#name = quoteName(this.#own);
  }

  get createStatement(): string {
    return `CREATE TABLE ${this.#name} (
  uid nvarchar(64) COLLATE ${collation} NOT NULL,
  [table] nvarchar(360) COLLATE ${collation} NOT NULL,
  name nvarchar(512) COLLATE ${collation} NOT NULL,
  meaning nvarchar(128) COLLATE ${collation} NOT NULL,
  token bigint NOT NULL,
  [offset] nvarchar(max) COLLATE ${collation} NULL,
  [rows] bigint NOT NULL,
  session nvarchar(64) COLLATE ${collation} NULL,
  closed bit NOT NULL,
  layout int NOT NULL,
  [time] datetime2(6) NOT NULL,
  target nvarchar(64) COLLATE ${collation} NULL,
  PRIMARY KEY (uid, [table])
)`;
  }

  /** Throws OwnTableUnsafe. */
  async exists(session: Session, signal: AbortSignal): Promise<boolean> {
    return await requireOwnTable(session, this.#own, 'commits', signal);
  }

  /** Throws OwnTableUnsafe, also if somebody else created the table first. */
  async create(session: Session, signal: AbortSignal): Promise<void> {
    if (await this.exists(session, signal)) return;
    await session.guard(async () => {
      try {
        await session.run(this.createStatement);
      } catch (thrown) {
        if (numberOf(thrown) !== errorNumbers.objectExists) throw thrown;
      }
    }, signal);
    await this.exists(session, signal);
  }

  /** Rows for this table (under any of its names) or for this uid. Takes no lock. */
  async list(session: Session, uid: string, signal: AbortSignal): Promise<readonly CommitRow[]> {
    if (!(await this.exists(session, signal))) return [];
    const tables = spellingsOf(this.#schema, this.#table).map(literalText).join(', ');
    const sql = `SELECT ${selected} FROM ${this.#name} WHERE [table] IN (${tables}) OR uid = ${literalText(uid)}`;
    return (await readOnly(session, sql, signal)).map(fromServer);
  }

  /** Ends the session of an earlier owner and stores the token (Invariant 4). */
  async claim(session: Session, request: ClaimRequest, signal: AbortSignal): Promise<CommitRow> {
    const { uid } = request.plan;
    return await session.guard(async () => {
      const [stored] = await rowsOf(
        session,
        `SELECT CONVERT(varchar(20), token) FROM ${this.#name} WHERE ${this.#where(uid)}`,
      );
      const token = serverInteger(stored?.[0] ?? 0, session.where);
      if (typeof request.token === 'bigint' && token > request.token)
        throw tokenIsHigher(token, request.token);
      await takeOver(session, ownerLock(uid, this.#schema, this.#table));
      return await this.#storeClaim(session, request);
    }, signal);
  }

  async #storeClaim(session: Session, request: ClaimRequest): Promise<CommitRow> {
    const { uid } = request.plan;
    const adopted = request.adoptFrom === undefined ? '' : ` OR ${this.#where(request.adoptFrom)}`;
    const locked = `${this.#name} WITH (UPDLOCK, HOLDLOCK)`;
    try {
      const [found] = await session.run(
        `BEGIN TRANSACTION; SELECT ${selected} FROM ${locked} WHERE ${this.#where(uid)}${adopted}`,
      );
      const rows = (found?.rows ?? []).map(fromServer);
      const row = claimedRow(
        request,
        this.#table,
        rows.find((each) => each.uid === uid),
        rows.find((each) => each.uid === request.adoptFrom && !each.isClosed),
      );
      const offset = request.keepsOffset ? row.offset : null;
      const isNew = !rows.some((each) => each.uid === uid);
      const store = this.#storeStatements(session, { ...row, offset }, isNew, request.adoptFrom);
      const results = await session.run(
        [
          ...store,
          'COMMIT TRANSACTION',
          `SELECT ${selected} FROM ${this.#name} WHERE ${this.#where(uid)}`,
        ].join(';\n'),
      );
      return fromServer(results.at(-1)?.rows[0] ?? []);
    } catch (thrown) {
      if (!session.isLost) await session.rollBack();
      throw thrown;
    }
  }

  #storeStatements(
    session: Session,
    row: Omit<CommitRow, 'time'>,
    isNew: boolean,
    adoptFrom: string | undefined,
  ): string[] {
    const values: Readonly<Record<string, string>> = {
      uid: literalText(row.uid),
      '[table]': literalText(row.table),
      name: literalText(row.name),
      meaning: literalText(row.fingerprint),
      token: String(row.token),
      '[offset]': literalOrNull(row.offset),
      '[rows]': String(row.rows),
      session: sessionText(session),
      closed: '0',
      layout: String(commitLayout),
      '[time]': 'SYSUTCDATETIME()',
    };
    const names = Object.keys(values);
    const updates = names.slice(2).map((name) => `${name} = ${values[name]}`);
    const store = isNew
      ? `INSERT INTO ${this.#name} (${names.join(', ')}) VALUES (${Object.values(values).join(', ')})`
      : `UPDATE ${this.#name} SET ${updates.join(', ')} WHERE ${this.#where(row.uid)}`;
    if (adoptFrom === undefined) return [store];
    const close = `UPDATE ${this.#name} SET closed = 1, session = NULL, token = CASE WHEN token < ${row.token} THEN ${row.token} ELSE token END WHERE ${this.#where(adoptFrom)}`;
    return [store, close];
  }

  /** Stores which table the offset belongs to. */
  async storeTarget(session: Session, uid: string, token: Token, identity: string): Promise<void> {
    await session.run(
      `UPDATE ${this.#name} SET target = ${literalText(identity)} WHERE ${this.#where(uid)} AND token = ${token}`,
    );
  }

  /**
   * The end of a transaction, in one batch: offset and row count, the check of the token, of the session and of the stored offset, and
   * COMMIT (Invariants 1 and 3). If the row is another one, everything is rolled back. The last result is 1 for a commit.
   */
  commitStatements(session: Session, uid: string, token: Token, change: CommitChange): string {
    const { addedRows, offset, target } = change;
    const set = [
      ...(offset === undefined ? [] : [`[offset] = ${literalOrNull(offset.to)}`]),
      `[rows] = [rows] + ${addedRows}`,
      '[time] = SYSUTCDATETIME()',
      ...(target === undefined ? [] : [`target = ${target}`]),
    ];
    const isExpected = offset === undefined ? '' : ` AND ${isOffset(offset.from)}`;
    return [
      'DECLARE @idra_stored int',
      `UPDATE ${this.#name} SET ${set.join(', ')} WHERE ${this.#held(session, uid, token)}${isExpected}`,
      'SET @idra_stored = @@ROWCOUNT',
      'IF @idra_stored = 1 AND @@TRANCOUNT = 1 COMMIT TRANSACTION ELSE IF @@TRANCOUNT > 0 ROLLBACK TRANSACTION',
      'SELECT @idra_stored',
    ].join(';\n');
  }

  /** Ends the batch, with the answer 0, if the row has another token. Nobody can claim until the end of the transaction. */
  holdStatement(session: Session, uid: string, token: Token): string {
    const held = `SELECT 1 FROM ${this.#name} WITH (UPDLOCK, HOLDLOCK) WHERE ${this.#held(session, uid, token)}`;
    return `IF NOT EXISTS (${held}) BEGIN IF @@TRANCOUNT > 0 ROLLBACK TRANSACTION; SELECT 0; RETURN END`;
  }

  /** Call before a row is blamed for a failed write. Throws `fenced`. */
  async requireHeld(session: Session, uid: string, token: Token): Promise<void> {
    const sql = `SELECT 1 FROM ${this.#name} WHERE ${this.#held(session, uid, token)}`;
    if ((await rowsOf(session, sql)).length === 0) throw writeIsFenced(token);
  }

  /** For the answer of `commitStatements`. Throws `fenced` if the row no longer has this token, OffsetMoved if only its offset differs. */
  async requireCommitted(
    session: Session,
    results: readonly Result[],
    { uid, token }: { readonly uid: string; readonly token: Token },
  ): Promise<void> {
    if (Number(results.at(-1)?.rows.at(-1)?.[0]) === 1) return;
    await this.requireHeld(session, uid, token);
    throw offsetMovedInPass(this.#table);
  }

  async setOffset(session: Session, change: OffsetChange, signal: AbortSignal): Promise<CommitRow> {
    const { uid, token, expected, offset } = change;
    const where = `${this.#where(uid)} AND token = ${token} AND closed = 0`;
    return await session.guard(async () => {
      const results = await session.run(
        `DECLARE @idra_stored int;
         UPDATE ${this.#name} SET [offset] = ${literalOrNull(offset)}, [time] = SYSUTCDATETIME() WHERE ${where} AND ${isOffset(expected)};
         SET @idra_stored = @@ROWCOUNT;
         SELECT @idra_stored; SELECT ${selected} FROM ${this.#name} WHERE ${where}`,
      );
      const [after] = results.at(-1)?.rows ?? [];
      if (!after) throw writeIsFenced(token);
      const row = fromServer(after);
      if (Number(results[0]?.rows[0]?.[0]) !== 1) throw offsetMoved(expected, row.offset);
      return row;
    }, signal);
  }

  /** Closes all rows of a deleted Sync. Throws `fenced` if one has a higher token. */
  async close(session: Session, uid: string, token: Token, signal: AbortSignal): Promise<void> {
    await session.guard(async () => {
      const where = `uid = ${literalText(uid)}`;
      const [result] = await session.run(
        `UPDATE ${this.#name} SET closed = 1, session = NULL, token = ${token}, [time] = SYSUTCDATETIME() WHERE ${where} AND token <= ${token};
         SELECT CONVERT(varchar(20), MAX(token)) FROM ${this.#name} WHERE ${where}`,
      );
      const highest = serverInteger(result?.rows[0]?.[0] ?? 0, session.where);
      if (highest > token) throw tokenIsHigher(highest, token);
    }, signal);
  }

  #where(uid: string): string {
    return `(uid = ${literalText(uid)} AND [table] = ${literalText(this.#table)})`;
  }

  /** Only the session that claimed: an abandoned session of the same owner may still have a batch under way, and cannot always be ended. */
  #held(session: Session, uid: string, token: Token): string {
    return `${this.#where(uid)} AND token = ${token} AND closed = 0 AND session = ${sessionText(session)}`;
  }
}

/** Numbers of sessions are used again. */
function sessionText({ facts, id }: Session): string {
  return literalText(`${facts.spid}/${id}`);
}

async function rowsOf(session: Session, sql: string): Promise<readonly SqlRow[]> {
  return (await session.run(sql)).at(-1)?.rows ?? [];
}

function literalOrNull(value: string | null): string {
  return value === null ? 'NULL' : literalText(value);
}

function isOffset(offset: string | null): string {
  return offset === null ? '[offset] IS NULL' : `[offset] = ${literalText(offset)}`;
}

function fromServer(row: SqlRow): CommitRow {
  return toCommitRow(row.map((cell) => (cell === null ? null : String(cell))));
}
