import type { Rejection, WritePlan } from '../../../core/connector.ts';
import { nameRow } from '../../../core/row-name.ts';
import { updatedColumns } from '../../../core/upsert-columns.ts';
import { namedAs, refusedRow } from '../../sql/destination/refused-row.ts';
import { quoteBacktick } from '../../sql/names.ts';
import { asRowError, type RowError, rowMessage } from '../errors.ts';
import { quoteName, type TableName } from '../names.ts';
import type { Session } from '../session.ts';
import type { LoadColumn } from '../types/encode.ts';
import { fieldsOf, type Lines, linesOf, plainField } from '../types/tsv-lines.ts';
import { type Duplicates, halves, loadLines, requireKept } from './bulk-load.ts';
import type { WriteTransaction } from './write-transaction.ts';

export interface RowTarget {
  readonly plan: WritePlan;
  readonly table: TableName;
  /** Null if rows are only inserted. */
  readonly staging: TableName | null;
  readonly columns: readonly LoadColumn[];
  /** The key is the table's only unique index, so ON DUPLICATE KEY can refer to no other. */
  readonly isKeyAlone: boolean;
  /** How equal keys within the rows are handled when rows are loaded directly into the table. */
  readonly duplicates: Duplicates;
}

export interface Written {
  readonly rejections: readonly Rejection[];
  /** Rows of the table that were replaced by one with the same key. */
  readonly replaced: number;
}

const nothing: Written = { rejections: [], replaced: 0 };

/**
 * Writes lines into the target within the transaction; never commits. Upsert first tries to insert: rows whose key exists are reported as
 * duplicates, and from then on rows go through the staging table.
 */
export class BatchWriter {
  readonly #session: Session;
  readonly #transaction: WriteTransaction;
  readonly #target: RowTarget;
  #expectsNewKeys = true;

  constructor(session: Session, transaction: WriteTransaction, target: RowTarget) {
    this.#session = session;
    this.#transaction = transaction;
    this.#target = target;
  }

  /** `batchRows`, for messages: rows of the batch that the lines are a part of. */
  async write(lines: Lines, batchRows = lines.count): Promise<Written> {
    if (lines.count === 0) {
      await this.#transaction.run([]);
      return nothing;
    }
    const undo = await this.#transaction.mark('idra_part');
    if (this.#target.staging && this.#expectsNewKeys) {
      if (await this.#tryAdd(lines)) return nothing;
      await undo();
    }
    try {
      return { rejections: [], replaced: await this.#put(lines) };
    } catch (thrown) {
      const error = asRowError(thrown);
      if (!error) throw thrown;
      await undo();
      // Starting the transaction checks that the table is still the planned one, before a row is blamed.
      await this.#transaction.run([]);
      return await this.#writeHalves(lines, error, batchRows);
    }
  }

  async #tryAdd(lines: Lines): Promise<boolean> {
    try {
      await this.#load(this.#target.table, lines, '', {});
      return true;
    } catch (thrown) {
      if (!asRowError(thrown)) throw thrown;
      this.#expectsNewKeys = false;
      return false;
    }
  }

  /**
   * Splits the lines in halves until each refused line is alone. Keeps the order, so that the last row of a key still wins. Unless rows
   * may be skipped, the first refused row ends it with an error that names the row.
   */
  async #writeHalves(lines: Lines, error: RowError, batchRows: number): Promise<Written> {
    if (lines.count === 1) {
      const { plan, columns, table } = this.#target;
      const rejection = rejectionOfLine(error, lines, columns, plan);
      const where = `${quoteName(table)} of ${this.#session.where}`;
      if (plan.onError !== 'Skip') throw refusedLine(rejection, error, where, batchRows);
      return { rejections: [rejection], replaced: 0 };
    }
    const rejections: Rejection[] = [];
    let replaced = 0;
    for (const half of halves(lines)) {
      const written = await this.write(half, batchRows);
      rejections.push(...written.rejections);
      replaced += written.replaced;
    }
    return { rejections, replaced };
  }

  async #put(lines: Lines): Promise<number> {
    const { staging, table, duplicates } = this.#target;
    if (!staging) return await this.#load(table, lines, duplicates, {});
    // TRUNCATE commits implicitly, even on a temporary table: it is sent before the transaction. Within the transaction rows are deleted.
    const emptied = this.#transaction.isOpen
      ? { before: [`DELETE FROM ${quoteName(staging)}`] }
      : { beforeBegin: [`TRUNCATE TABLE ${quoteName(staging)}`] };
    await this.#load(staging, lines, 'REPLACE', emptied);
    for (const sql of this.#mergeStatements(staging)) {
      const result = (await this.#transaction.run([sql])).at(-1);
      if (result) await requireKept(this.#transaction, result, 0);
    }
    return 0;
  }

  async #load(
    table: TableName,
    lines: Lines,
    duplicates: Duplicates,
    more: { readonly before?: readonly string[]; readonly beforeBegin?: readonly string[] },
  ): Promise<number> {
    const { columns } = this.#target;
    const { deleted } = await loadLines(
      { transaction: this.#transaction, facts: this.#session.facts },
      quoteName(table),
      columns,
      lines,
      { duplicates, ...more },
    );
    return deleted;
  }

  #mergeStatements(staging: TableName): readonly string[] {
    const { plan, table, columns, isKeyAlone } = this.#target;
    const names = columns.map(({ name }) => quoteBacktick(name));
    const keys = plan.key.map(quoteBacktick);
    const updated = updatedColumns(plan).map(quoteBacktick);
    const [target, source] = [quoteName(table), quoteName(staging)];
    const list = names.join(', ');
    const items = names.map((name) => `s.${name}`).join(', ');
    if (isKeyAlone) {
      const updates = (updated.length > 0 ? updated : keys).map((name) => `${name} = s.${name}`);
      return [
        `INSERT INTO ${target} (${list}) SELECT ${items} FROM ${source} AS s ON DUPLICATE KEY UPDATE ${updates.join(', ')}`,
      ];
    }
    // ON DUPLICATE KEY fires on any unique index, and could overwrite a row with another key.
    const same = keys.map((key) => `t.${key} = s.${key}`).join(' AND ');
    const updates = updated.map((name) => `t.${name} = s.${name}`).join(', ');
    return [
      ...(updated.length > 0 ? [`UPDATE ${target} AS t JOIN ${source} AS s ON ${same} SET ${updates}`] : []),
      `INSERT INTO ${target} (${list}) SELECT ${items} FROM ${source} AS s WHERE NOT EXISTS (SELECT 1 FROM ${target} AS t WHERE ${same})`,
    ];
  }
}

/** What is reported about the only line of `line`. */
export function rejectionOfLine(
  error: RowError,
  line: Lines,
  columns: readonly LoadColumn[],
  plan: Pick<WritePlan, 'key' | 'redactsKeys'>,
): Rejection {
  return {
    code: error.code,
    message: rowMessage(error),
    ...(error.column !== undefined && { column: error.column }),
    ...namedAs(nameLine(line, columns, plan)),
  };
}

export function refusedLine(rejection: Rejection, error: RowError, where: string, batchRows: number): Error {
  const message = `${rejection.message}; the first one of a batch of ${batchRows}`;
  return refusedRow({ ...rejection, message }, where, error);
}

/** Names a single line by its key, as rowName (connectors/sql/destination/refused-row.ts) names rows of values. */
function nameLine(
  line: Lines,
  columns: readonly LoadColumn[],
  { key, redactsKeys }: Pick<WritePlan, 'key' | 'redactsKeys'>,
): string | undefined {
  const [only = Buffer.alloc(0)] = linesOf(line);
  const fields = fieldsOf(only);
  const values = key.map((name) => {
    const at = columns.findIndex((column) => column.name === name);
    return plainField(fields[at] ?? '\\N');
  });
  return nameRow({ columns: key, values }, redactsKeys);
}
