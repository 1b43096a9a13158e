import { backoffMs } from '../../../core/backoff.ts';
import { systemClock } from '../../../core/clock.ts';
import type { SystemAccess, WritePlan } from '../../../core/connector.ts';
import { reach } from '../../../core/crash-points.ts';
import { type Finding, IdraError, schemaChanged } from '../../../core/errors.ts';
import { requireShape, shapeOf } from '../../../core/relation-shape.ts';
import type { Token } from '../../../core/token.ts';
import { replaceCountDiffers, shadowMissing } from '../../sql/destination/shadow.ts';
import { joinName } from '../../sql/names.ts';
import { readOnly } from '../connection/read-only.ts';
import { describeTable } from '../describe.ts';
import { quoteName, type TableName } from '../names.ts';
import { Session } from '../session.ts';
import type { LoadColumn } from '../types/encode.ts';
import { literalText } from '../types/literals.ts';
import { BatchWriter } from './batch-writer.ts';
import type { CommitChange, CommitRows } from './commit-rows.ts';
import { ownTable } from './ddl.ts';
import { requireNoView, requireOwnTable } from './own-tables.ts';
import { TargetShape } from './target-shape.ts';
import { WriteTransaction } from './write-transaction.ts';

const path = 'spec.destination.table';
/** Attempts at a RENAME that waits for readers: about a minute in total. */
const renameTries = 12;

export interface ReplacementInput {
  readonly plan: WritePlan;
  /** The target's shape when it was claimed. */
  readonly target: TargetShape;
  readonly columns: readonly LoadColumn[];
  readonly token: Token;
  /** The key is the only unique index, so of rows with the same key the last may stay. */
  readonly isKeyAlone: boolean;
}

/**
 * A pass into a shadow table beside the target, verified by its count and then swapped in by one atomic RENAME. MySQL commits at a
 * RENAME, so a second connection holds the token meanwhile, and then stores that the pass is complete. A crash between the two leaves the
 * old table under Idra's name; the resumed pass swaps back and continues.
 */
export class Replacement {
  readonly #access: SystemAccess;
  readonly #session: Session;
  readonly #commits: CommitRows;
  readonly #input: ReplacementInput;
  /** The target's shape when it was claimed, or as the last pass left it. */
  #target: TargetShape;
  readonly #shadow: TableName;
  readonly #old: TableName;
  #fence: Session | undefined;
  #expectedRows = 0;

  constructor(access: SystemAccess, session: Session, commits: CommitRows, input: ReplacementInput) {
    this.#access = access;
    this.#session = session;
    this.#commits = commits;
    this.#input = input;
    this.#target = input.target;
    this.#shadow = ownTable(input.target.entry.name, input.plan.uid, 'shadow');
    this.#old = ownTable(input.target.entry.name, input.plan.uid, 'old');
  }

  async begin(
    isResumed: boolean,
    signal: AbortSignal,
  ): Promise<{ readonly writer: BatchWriter; readonly transaction: WriteTransaction }> {
    const { plan, columns, isKeyAlone } = this.#input;
    const target = this.#target;
    if (isResumed) await this.#resume(signal);
    else {
      // A table with Idra's name is dropped, whatever triggers or columns it has; a view would not be.
      for (const name of [this.#shadow, this.#old]) await requireNoView(this.#session, name, signal);
      await this.#session.query(
        `DROP TABLE IF EXISTS ${quoteName(this.#shadow)}, ${quoteName(this.#old)}; CREATE TABLE ${quoteName(this.#shadow)} LIKE ${quoteName(target.entry.name)}`,
        signal,
      );
    }
    await requireOwnTable(this.#session, this.#shadow, 'shadow', signal);
    this.#expectedRows = await this.#countShadow(signal);
    const duplicates = isKeyAlone ? 'REPLACE' : '';
    const shape = await TargetShape.read(this.#session, this.#shadow, path, signal);
    requireShape(target.relation, shape?.relation ?? null);
    if (!shape) throw schemaChanged(target.relation.name);
    const transaction = new WriteTransaction(this.#session, shape);
    const table = this.#shadow;
    const rows = { plan, table, staging: null, columns, isKeyAlone, duplicates } as const;
    return { writer: new BatchWriter(this.#session, transaction, rows), transaction };
  }

  count(rows: number): void {
    this.#expectedRows += rows;
  }

  /** `offset` is passed to the commit row. Throws `fenced`, ReplaceCountDiffers. */
  async finish(change: CommitChange, signal: AbortSignal): Promise<void> {
    const { plan, token } = this.#input;
    const rows = await this.#countShadow(signal);
    if (rows !== this.#expectedRows)
      throw replaceCountDiffers(quoteName(this.#target.entry.name), rows, this.#expectedRows);
    await this.#session.guard(() => this.#requireTarget(), signal);
    const fence = await this.#openFence(signal);
    await fence.guard(() => this.#commits.hold(fence, plan.uid, token), signal);
    await this.#swap(signal);
    await reach('commit:before');
    const statements = this.#commits.commitStatements(plan.uid, token, change);
    await fence.guard(() => this.#commits.commit(fence, statements, { uid: plan.uid, token }), signal);
    await this.#session.query(`DROP TABLE IF EXISTS ${quoteName(this.#old)}`, signal);
    await this.#seeTarget(signal);
  }

  /** After a swap another table of the same shape has the target's name. */
  async #seeTarget(signal: AbortSignal): Promise<void> {
    const swapped = await TargetShape.read(this.#session, this.#target.entry.name, path, signal);
    requireShape(this.#target.relation, swapped?.relation ?? null);
    if (swapped) this.#target = swapped;
  }

  async #requireTarget(): Promise<void> {
    const transaction = new WriteTransaction(this.#session, this.#target);
    await transaction.run([]);
    await transaction.rollBack();
  }

  /**
   * One RENAME. It waits for readers of the table, and new readers queue behind it. So it waits only one second, and retries after they
   * had their turn. If somebody changes the table just before, this is detected afterwards and the old table is put back.
   */
  async #swap(signal: AbortSignal): Promise<void> {
    const target = this.#target;
    const [from, shadow, old] = [target.entry.name, this.#shadow, this.#old].map(quoteName);
    await this.#renameInTurn(`RENAME TABLE ${from} TO ${old}, ${shadow} TO ${from}`, signal);
    const taken = await describeTable(this.#session, this.#old, path, signal);
    if (taken && shapeOf(taken.relation) === shapeOf(target.relation)) return;
    await this.#renameInTurn(`RENAME TABLE ${from} TO ${shadow}, ${old} TO ${from}`, signal);
    throw schemaChanged(target.relation.name);
  }

  async #renameInTurn(rename: string, signal: AbortSignal): Promise<void> {
    const session = this.#session;
    await session.query('SET @idra_lock_wait = @@lock_wait_timeout, SESSION lock_wait_timeout = 1', signal);
    for (let tries = 1; ; tries++) {
      try {
        await session.guard(() => session.run(rename), signal);
        break;
      } catch (thrown) {
        const isWaiting = thrown instanceof IdraError && thrown.code === 'LockTimeout';
        if (!isWaiting || tries === renameTries) throw thrown;
        await systemClock.sleep(backoffMs(tries, { baseMs: 500, maxMs: 5_000 }), signal);
      }
    }
    await session.query('SET SESSION lock_wait_timeout = @idra_lock_wait', signal);
  }

  async close(): Promise<void> {
    await this.#fence?.close();
  }

  async #resume(signal: AbortSignal): Promise<void> {
    const found = await this.#session.query(
      `SELECT TABLE_NAME FROM information_schema.TABLES WHERE TABLE_SCHEMA = ${literalText(this.#shadow.schema)}
       AND TABLE_NAME IN (${literalText(this.#shadow.table)}, ${literalText(this.#old.table)})`,
      signal,
    );
    const names = found.map(([name]) => String(name));
    if (names.includes(this.#shadow.table)) return;
    const [target, shadow, old] = [this.#target.entry.name, this.#shadow, this.#old].map(quoteName);
    if (!names.includes(this.#old.table)) throw shadowMissing(target ?? '');
    await this.#renameInTurn(`RENAME TABLE ${target} TO ${shadow}, ${old} TO ${target}`, signal);
    await this.#seeTarget(signal);
  }

  async #countShadow(signal: AbortSignal): Promise<number> {
    const [[count] = []] = await readOnly(
      this.#session,
      `SELECT COUNT(*) FROM ${quoteName(this.#shadow)}`,
      signal,
    );
    return Number(count);
  }

  async #openFence(signal: AbortSignal): Promise<Session> {
    if (!this.#fence || this.#fence.isLost) {
      this.#fence = await Session.open(this.#access, 'writer', signal);
      await this.#fence.allowWrites(signal);
      await this.#commits.markFence(this.#fence, this.#input.plan.uid, signal);
    }
    return this.#fence;
  }
}

/** What does not survive a swap. The new table has the columns and indexes of the old one, and grants and views refer to it by name. */
export async function replaceFindings(
  session: Session,
  name: TableName,
  signal: AbortSignal,
): Promise<readonly Finding[]> {
  const [schema, table] = [literalText(name.schema), literalText(name.table)];
  const objectName = joinName([name.schema, name.table]);
  const constraints = 'information_schema.REFERENTIAL_CONSTRAINTS';
  const triggers = await session.query(
    `SELECT TRIGGER_NAME FROM information_schema.TRIGGERS WHERE EVENT_OBJECT_SCHEMA = ${schema} AND EVENT_OBJECT_TABLE = ${table}`,
    signal,
  );
  const own = await session.query(
    `SELECT CONSTRAINT_NAME FROM ${constraints} WHERE CONSTRAINT_SCHEMA = ${schema} AND TABLE_NAME = ${table}`,
    signal,
  );
  const others = await session.query(
    `SELECT CONSTRAINT_SCHEMA, TABLE_NAME FROM ${constraints} WHERE UNIQUE_CONSTRAINT_SCHEMA = ${schema} AND REFERENCED_TABLE_NAME = ${table}`,
    signal,
  );
  return [
    ...triggers.map(([trigger]) => lostBySwap(`trigger ${trigger}`, objectName)),
    ...own.map(([constraint]) => lostBySwap(`foreign key ${constraint}`, objectName)),
    ...others.map(
      ([otherSchema, otherTable]): Finding => ({
        severity: 'error',
        code: 'ReplaceBreaksForeignKey',
        path: 'spec.writeMode',
        message: `a foreign key of ${otherSchema}.${otherTable} refers to ${objectName} and would still reference the old table, which Replace drops`,
        fix: 'use Upsert, or drop that foreign key',
      }),
    ),
  ];
}

function lostBySwap(what: string, table: string): Finding {
  return {
    severity: 'warning',
    code: 'NotKeptByReplace',
    path: 'spec.writeMode',
    message: `${what} of ${table} does not survive Replace: the new table has only the columns and indexes of the old one`,
    fix: 'use Upsert, or drop it',
  };
}
