import type { Rejection, WritePlan } from '../../core/connector.ts';
import { quoteBacktick } from '../sql/names.ts';
import { quoteName, type TableName } from './describe.ts';
import type { LoadColumn } from './encode.ts';
import { errnoOf, errorNumbers, isRowError, RowError, rowMessage } from './errors.ts';
import { type Duplicates, halves, type Lines, loadLines, requireKept } from './load.ts';
import { idleLimit, type Session } from './session.ts';

const beginStatements = [idleLimit.inTransaction, 'START TRANSACTION'];

export interface RowTarget {
  readonly plan: WritePlan;
  readonly table: TableName;
  /** Null: rows are only added. */
  readonly staging: TableName | null;
  readonly columns: readonly LoadColumn[];
  /** The key is the table's only unique index: ON DUPLICATE KEY can mean no other. */
  readonly isKeyAlone: boolean;
  /** How equal keys within the rows are taken where rows go straight into the table. */
  readonly duplicates: Duplicates;
}

export interface Written {
  readonly rejections: readonly Rejection[];
  /** Rows of the table that gave way to one of the same key. */
  readonly replaced: number;
}

/**
 * Brings lines into the target within the session's transaction, which it begins itself where `begins`; never commits.
 * Upsert first tries to add: rows of a key that is there already show as duplicates, and from then on go through the staging table.
 */
export class RowWriter {
  readonly #session: Session;
  readonly #target: RowTarget;
  #expectsNewKeys = true;

  constructor(session: Session, target: RowTarget) {
    this.#session = session;
    this.#target = target;
  }

  async write(lines: Lines, begins: boolean): Promise<Written> {
    if (lines.count === 0) {
      if (begins) await this.#session.run('START TRANSACTION');
      return { rejections: [], replaced: 0 };
    }
    if (this.#target.staging && this.#expectsNewKeys && (await this.#tryAdd(lines)))
      return { rejections: [], replaced: 0 };
    const before = begins ? this.#begin() : [];
    try {
      return { rejections: [], replaced: await this.#put(lines, before) };
    } catch (thrown) {
      const error = asRowError(thrown);
      if (!error || this.#target.plan.onError !== 'Skip') throw error ?? thrown;
      await this.#session.run(begins ? 'ROLLBACK; START TRANSACTION' : 'ROLLBACK TO SAVEPOINT idra_batch');
      return await this.#putParts(lines, error);
    }
  }

  /** TRUNCATE, even of a temporary table, commits: it stands before the transaction. */
  #begin(): string[] {
    const { staging } = this.#target;
    return [...(staging ? [`TRUNCATE TABLE ${quoteName(staging)}`] : []), ...beginStatements];
  }

  async #tryAdd(lines: Lines): Promise<boolean> {
    try {
      await this.#load(this.#target.table, lines, beginStatements, '');
      return true;
    } catch (thrown) {
      if (!asRowError(thrown)) throw thrown;
      await this.#session.run('ROLLBACK');
      this.#expectsNewKeys = false;
      return false;
    }
  }

  /** Halves until what the table refuses stands alone; in order, so that the last row of a key still wins. */
  async #putParts(lines: Lines, error: RowError): Promise<Written> {
    if (lines.count === 1) return { rejections: [rejectionOf(error)], replaced: 0 };
    const rejections: Rejection[] = [];
    let replaced = 0;
    for (const half of halves(lines)) {
      const written = await this.#tryPart(half);
      rejections.push(...written.rejections);
      replaced += written.replaced;
    }
    return { rejections, replaced };
  }

  async #tryPart(lines: Lines): Promise<Written> {
    const { staging } = this.#target;
    const empty = staging ? [`DELETE FROM ${quoteName(staging)}`] : [];
    try {
      return { rejections: [], replaced: await this.#put(lines, [...empty, 'SAVEPOINT idra_part']) };
    } catch (thrown) {
      const error = asRowError(thrown);
      if (!error) throw thrown;
      await this.#session.run('ROLLBACK TO SAVEPOINT idra_part');
      return await this.#putParts(lines, error);
    }
  }

  async #put(lines: Lines, before: readonly string[]): Promise<number> {
    const { staging, table, duplicates } = this.#target;
    if (!staging) return await this.#load(table, lines, before, duplicates);
    await this.#load(staging, lines, before, 'REPLACE');
    for (const sql of this.#mergeStatements(staging)) {
      const result = (await this.#session.run(sql)).at(-1);
      if (result) await requireKept(this.#session, result, 0);
    }
    return 0;
  }

  async #load(
    table: TableName,
    lines: Lines,
    before: readonly string[],
    duplicates: Duplicates,
  ): Promise<number> {
    const { columns } = this.#target;
    const { deleted } = await loadLines(this.#session, quoteName(table), columns, lines, {
      before,
      duplicates,
    });
    return deleted;
  }

  #mergeStatements(staging: TableName): readonly string[] {
    const { plan, table, columns, isKeyAlone } = this.#target;
    const names = columns.map(({ name }) => quoteBacktick(name));
    const keys = plan.key.map(quoteBacktick);
    const others = names.filter((name) => !keys.includes(name));
    const [target, source] = [quoteName(table), quoteName(staging)];
    const list = names.join(', ');
    const items = names.map((name) => `s.${name}`).join(', ');
    if (isKeyAlone) {
      const updates = (others.length > 0 ? others : keys).map((name) => `${name} = s.${name}`);
      return [
        `INSERT INTO ${target} (${list}) SELECT ${items} FROM ${source} AS s ON DUPLICATE KEY UPDATE ${updates.join(', ')}`,
      ];
    }
    // ON DUPLICATE KEY fires on any unique index, and would write over a row of another key.
    const same = keys.map((key) => `t.${key} = s.${key}`).join(' AND ');
    const updates = others.map((name) => `t.${name} = s.${name}`).join(', ');
    return [
      ...(others.length > 0 ? [`UPDATE ${target} AS t JOIN ${source} AS s ON ${same} SET ${updates}`] : []),
      `INSERT INTO ${target} (${list}) SELECT ${items} FROM ${source} AS s WHERE NOT EXISTS (SELECT 1 FROM ${target} AS t WHERE ${same})`,
    ];
  }
}

function asRowError(thrown: unknown): RowError | undefined {
  if (thrown instanceof RowError) return thrown;
  const errno = errnoOf(thrown);
  if (!isRowError(errno) || errno === errorNumbers.outOfRangeDouble) return undefined;
  return new RowError(errno, thrown instanceof Error ? thrown.message : '');
}

function rejectionOf(error: RowError): Rejection {
  return {
    code: error.code,
    message: rowMessage(error),
    ...(error.column !== undefined && { column: error.column }),
  };
}
