import type { WritePlan } from '../../../core/connector.ts';
import { deletionColumns } from '../../../core/last-changes.ts';
import type { Row } from '../../../core/values.ts';
import { refusedRow } from '../../sql/destination/refused-row.ts';
import { type Names, writing } from '../connection/search-path.ts';
import type { Session } from '../session.ts';
import { type Parts, putGoodParts, RowsLeftOut } from './batch-writer.ts';
import { type RowSet, rowSetOf } from './bulk-load.ts';
import { stage, type Target } from './ddl.ts';

interface DeletionsInit {
  readonly session: Session;
  readonly target: Target;
  readonly plan: WritePlan;
  readonly names: Names;
}

/** Deletes or marks rows by their keys within the session's transaction. The stage must have been made (BatchWriter.prepare). */
export class Deletions {
  readonly #init: DeletionsInit;

  constructor(init: DeletionsInit) {
    this.#init = init;
  }

  setOf(rows: readonly Row[]): RowSet {
    const { plan } = this.#init;
    const columns = { ...plan.columns, columns: deletionColumns(plan) };
    const batch = { rows: { format: 'values', rows }, rowCount: rows.length } as const;
    return rowSetOf(batch, { ...plan, columns }, { format: 'values' });
  }

  /** Returns the number of rows deleted or marked. `first` is sent before them, and leaves an empty stage. */
  async apply(rows: RowSet, first: string): Promise<number> {
    const deleted = await this.#applyRange(rows, first, 0, rows.count);
    const [misfit] = rows.misfits.values();
    if (misfit) throw refusedRow(misfit, this.#init.target.name);
    return deleted;
  }

  /** Leaves out deletions that the table refuses. */
  async applyGood(rows: RowSet, most = Number.POSITIVE_INFINITY) {
    const put: Parts['put'] = (endOfLast, from, to) =>
      this.#applyRange(rows, `${endOfLast}TRUNCATE ${stage}; SAVEPOINT part; `, from, to);
    const { done, rejections } = await putGoodParts(this.#init.session, { rows, put, most });
    return { deleted: done, rejections: [...rejections, ...rows.misfits.values()] };
  }

  async #applyRange(rows: RowSet, first: string, from: number, to: number): Promise<number> {
    const { session, target, names } = this.#init;
    const staged = await session.copyIn(first + target.copyDeletionsSql, rows.body(from, to));
    const results = await session.results(writing(target.deleteSql, names));
    const count = results.find(({ command }) => command === 'DELETE' || command === 'UPDATE')?.rowCount ?? 0;
    if (count < staged) await this.#requireDeleted();
    return count;
  }

  /** Fewer rows than keys: the others did not exist, or a trigger kept them, which causes no error. */
  async #requireDeleted(): Promise<void> {
    const { session, target } = this.#init;
    const [[isLeft] = []] = await session.run(target.undeletedSql);
    if (isLeft === 't') throw new RowsLeftOut(target.name);
  }
}
