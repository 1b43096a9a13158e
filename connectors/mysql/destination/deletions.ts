import { type Rejection, softDeleteColumn, type WritePlan } from '../../../core/connector.ts';
import { deletionColumns } from '../../../core/last-changes.ts';
import type { Row } from '../../../core/values.ts';
import { quoteBacktick } from '../../sql/names.ts';
import { asRowError } from '../errors.ts';
import { quoteName, type TableName } from '../names.ts';
import type { Session } from '../session.ts';
import type { LoadColumn } from '../types/encode.ts';
import type { Lines } from '../types/tsv-lines.ts';
import { refusedLine, rejectionOfLine } from './batch-writer.ts';
import { halves, loadLines, requireKept, toLines } from './bulk-load.ts';
import type { WriteTransaction } from './write-transaction.ts';

export interface DeletionTarget {
  readonly plan: WritePlan;
  readonly table: TableName;
  readonly staging: TableName;
  /** Of all columns of the plan. */
  readonly columns: readonly LoadColumn[];
  /** The table and its system, for messages. */
  readonly where: string;
}

export interface Deleted {
  readonly deleted: number;
  readonly rejections: readonly Rejection[];
}

/** Deletes or marks rows by their keys, which go through the staging table, within the transaction; never commits. */
export class Deletions {
  readonly #session: Session;
  readonly #transaction: WriteTransaction;
  readonly #target: DeletionTarget;
  readonly #columns: readonly LoadColumn[];
  readonly #deleteSql: string;

  constructor(session: Session, transaction: WriteTransaction, target: DeletionTarget) {
    this.#session = session;
    this.#transaction = transaction;
    this.#target = target;
    this.#columns = deletionColumns(target.plan).flatMap(
      ({ name }) => target.columns.find((each) => each.name === name) ?? [],
    );
    this.#deleteSql = deleteSql(target);
  }

  async apply(rows: readonly Row[]): Promise<Deleted> {
    const { plan, where } = this.#target;
    const columns = { ...plan.columns, columns: deletionColumns(plan) };
    const batch = { rows: { format: 'values', rows }, rowCount: rows.length } as const;
    const input = { plan: { ...plan, columns }, columns: this.#columns, where };
    const { lines, rejections } = toLines(batch, input);
    if (lines.count === 0) return { deleted: 0, rejections };
    const applied = await this.#applyLines(lines, lines.count);
    return { deleted: applied.deleted, rejections: [...rejections, ...applied.rejections] };
  }

  /** Splits the lines in halves until each refused one is alone. Without Skip the first refused one ends it with an error. */
  async #applyLines(lines: Lines, batchRows: number): Promise<Deleted> {
    const { plan, where } = this.#target;
    const undo = await this.#transaction.mark('idra_part');
    try {
      return { deleted: await this.#applyAll(lines), rejections: [] };
    } catch (thrown) {
      const error = asRowError(thrown);
      if (!error) throw thrown;
      await undo();
      // Starting the transaction checks that the table is still the planned one, before a row is blamed.
      await this.#transaction.run([]);
      if (lines.count > 1) {
        const [first, second] = halves(lines);
        const [one, other] = [
          await this.#applyLines(first, batchRows),
          await this.#applyLines(second, batchRows),
        ];
        return { deleted: one.deleted + other.deleted, rejections: [...one.rejections, ...other.rejections] };
      }
      const rejection = rejectionOfLine(error, lines, this.#columns, plan);
      if (plan.onError !== 'Skip') throw refusedLine(rejection, error, where, batchRows);
      return { deleted: 0, rejections: [rejection] };
    }
  }

  async #applyAll(lines: Lines): Promise<number> {
    const staging = quoteName(this.#target.staging);
    // TRUNCATE commits implicitly: it is sent before the transaction.
    const emptied = this.#transaction.isOpen
      ? { before: [`DELETE FROM ${staging}`] }
      : { beforeBegin: [`TRUNCATE TABLE ${staging}`] };
    const loader = { transaction: this.#transaction, facts: this.#session.facts };
    await loadLines(loader, staging, this.#columns, lines, { duplicates: 'REPLACE', ...emptied });
    const result = (await this.#transaction.run([this.#deleteSql])).at(-1);
    if (result) await requireKept(this.#transaction, result, 0);
    return result?.affected ?? 0;
  }
}

function deleteSql({ plan, table, staging }: DeletionTarget): string {
  const same = plan.key
    .map(quoteBacktick)
    .map((key) => `t.${key} = s.${key}`)
    .join(' AND ');
  const joined = `${quoteName(table)} AS t JOIN ${quoteName(staging)} AS s ON ${same}`;
  if (plan.deletes === 'Hard') return `DELETE t FROM ${joined}`;
  const deletedAt = quoteBacktick(softDeleteColumn);
  return `UPDATE ${joined} SET t.${deletedAt} = s.${deletedAt} WHERE t.${deletedAt} IS NULL`;
}
