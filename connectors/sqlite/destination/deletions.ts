import type { Database, Statement } from 'better-sqlite3';
import { type Rejection, softDeleteColumn, type WritePlan } from '../../../core/connector.ts';
import { deletionColumns } from '../../../core/last-changes.ts';
import { unpackRows } from '../../../core/packed-rows.ts';
import type { Row, Value } from '../../../core/values.ts';
import { namedAs, refusedRow, rowName } from '../../sql/destination/refused-row.ts';
import { quoteDouble } from '../../sql/names.ts';
import { isRowRefused, toIdraError } from '../errors.ts';
import type { Stored } from '../types/decode.ts';
import { type Encode, encoderOf, Misfit } from '../types/encode.ts';
import { maxRejections } from './batch-writer.ts';

export interface Deleted {
  readonly deleted: number;
  readonly rejected: number;
  readonly rejections: readonly Rejection[];
}

interface DeletionTarget {
  readonly file: string;
  readonly table: string;
  readonly plan: WritePlan;
}

/** Deletes or marks rows by their keys, each with a prepared statement, within the caller's transaction. */
export class Deletions {
  readonly #database: Database;
  readonly #target: DeletionTarget;
  readonly #delete: Statement<unknown[]>;
  readonly #isLeft: Statement<unknown[]>;
  readonly #columns: readonly { readonly name: string; readonly encode: Encode }[];

  constructor(database: Database, target: DeletionTarget) {
    const { plan, table } = target;
    this.#database = database;
    this.#target = target;
    this.#columns = deletionColumns(plan).map(({ name, source, ddl }) => ({
      name,
      encode: encoderOf(source.type, { nativeType: ddl }),
    }));
    const name = quoteDouble(table);
    const same = plan.key.map((key) => `${quoteDouble(key)} = ?`).join(' AND ');
    const deletedAt = quoteDouble(softDeleteColumn);
    const isSoft = plan.deletes === 'Soft';
    const where = isSoft ? `${same} AND ${deletedAt} IS NULL` : same;
    this.#delete = database.prepare(
      isSoft
        ? `UPDATE OR ABORT ${name} SET ${deletedAt} = ? WHERE ${where}`
        : `DELETE FROM ${name} WHERE ${where}`,
    );
    this.#isLeft = database.prepare(`SELECT 1 FROM ${name} WHERE ${where}`);
  }

  /** A deletion that the table refuses is thrown (onError Stop) or counted (Skip). */
  apply(packs: readonly Uint8Array[]): Deleted {
    const { plan, table, file } = this.#target;
    const columns = { ...plan.columns, columns: deletionColumns(plan) };
    const rejections: Rejection[] = [];
    let [deleted, rejected] = [0, 0];
    for (const row of packs.flatMap((pack) => [...unpackRows(pack)])) {
      const result = this.#deleteRow(row as Value[]);
      if (typeof result === 'number') deleted += result;
      else {
        const rejection = { ...result, ...namedAs(rowName({ ...plan, columns }, row as Row)) };
        if (plan.onError === 'Stop') throw refusedRow(rejection, `${table} of ${file}`);
        rejected += 1;
        if (rejections.length < maxRejections) rejections.push(rejection);
      }
    }
    return { deleted, rejected, rejections };
  }

  #deleteRow(row: readonly Value[]): number | Rejection {
    const stored: Stored[] = [];
    for (const [index, { name, encode }] of this.#columns.entries()) {
      const value = row[index] ?? null;
      const cell = encode ? encode(value) : (value as Stored);
      if (cell instanceof Misfit) return { code: 'ValueNotKept', column: name, message: cell.why };
      stored.push(cell);
    }
    const { length } = this.#target.plan.key;
    const [key, time] = [stored.slice(0, length), stored.slice(length)];
    try {
      const { changes } = this.#delete.run(...time, ...key);
      if (changes > 0 || this.#isLeft.get(...key) === undefined) return Number(changes);
      return {
        code: 'ConstraintViolated',
        message: 'a trigger of the table skips the deletion (RAISE(IGNORE))',
      };
    } catch (thrown) {
      const error = toIdraError(thrown, this.#target.file);
      if (!isRowRefused(thrown) || !this.#database.inTransaction) throw error;
      return { code: error.code, message: error.message };
    }
  }
}
