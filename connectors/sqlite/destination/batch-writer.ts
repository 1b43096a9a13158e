import type { Database, Statement } from 'better-sqlite3';
import type { RowFormat } from '../../../core/batch.ts';
import type { Rejection, WritePlan } from '../../../core/connector.ts';
import { type Cell, freeBytes, unpackRows } from '../../../core/packed-rows.ts';
import type { Row, Value } from '../../../core/values.ts';
import { isNumbered, nullNotNumbered } from '../../sql/destination/numbered-columns.ts';
import { namedAs, refusedRow, rowName } from '../../sql/destination/refused-row.ts';
import { isRowRefused, toIdraError } from '../errors.ts';
import type { Stored } from '../types/decode.ts';
import { type Encode, encoderOf, Misfit } from '../types/encode.ts';
import { insertRow, mayWriteNothing } from './ddl.ts';

export interface Written {
  readonly written: number;
  readonly rejected: number;
  readonly rejections: readonly Rejection[];
}

/** Maximum rejections listed per batch; the count includes the rest. */
export const maxRejections = 10;

/** Writes rows into one table with one prepared statement, within the caller's transaction. */
export class BatchWriter {
  readonly #database: Database;
  readonly #file: string;
  readonly #table: string;
  readonly #plan: WritePlan;
  readonly #insert: Statement<unknown[]>;
  readonly #encoders: readonly {
    readonly at: number;
    readonly name: string;
    readonly encode: NonNullable<Encode>;
  }[];

  readonly #numbered: readonly { readonly at: number; readonly name: string }[];

  constructor(database: Database, file: string, table: string, plan: WritePlan, rowFormat: RowFormat) {
    this.#database = database;
    this.#file = file;
    this.#table = table;
    this.#plan = plan;
    this.#insert = database.prepare(insertRow(table, plan));
    this.#numbered = plan.columns.columns.flatMap((column, at) =>
      isNumbered(column, plan) ? [{ at, name: column.name }] : [],
    );
    // Values in the form in which another SQLite stores them need no conversion.
    const columns = rowFormat.format === 'sqlite' ? [] : plan.columns.columns;
    this.#encoders = columns.flatMap((column, at) => {
      const encode = encoderOf(column.source.type, { nativeType: column.ddl });
      return encode ? [{ at, name: column.name, encode }] : [];
    });
  }

  /** Each pack is freed when its rows are written. A row that the table cannot keep is thrown (onError Stop) or counted (Skip). */
  write(packs: readonly Uint8Array[]): Written {
    const rejections: Rejection[] = [];
    let [written, rejected] = [0, 0];
    for (const pack of packs) {
      for (const row of unpackRows(pack)) {
        const refusal = this.#writeRow(row);
        if (refusal === undefined) written += 1;
        else {
          const rejection = { ...refusal, ...namedAs(rowName(this.#plan, row as Row)) };
          if (this.#plan.onError === 'Stop') throw refusedRow(rejection, `${this.#table} of ${this.#file}`);
          rejected += 1;
          if (rejections.length < maxRejections) rejections.push(rejection);
        }
      }
      freeBytes(pack);
    }
    return { written, rejected, rejections };
  }

  #writeRow(row: Cell[]): Rejection | undefined {
    for (const { at, name } of this.#numbered) {
      if (row[at] === null) return { code: 'ConstraintViolated', column: name, message: nullNotNumbered };
    }
    for (const { at, name, encode } of this.#encoders) {
      const stored: Stored | Misfit = encode(row[at] as Value);
      if (stored instanceof Misfit) return { code: 'ValueNotKept', column: name, message: stored.why };
      row[at] = stored;
    }
    try {
      const { changes } = this.#insert.run(...row);
      if (changes > 0 || mayWriteNothing(this.#plan)) return undefined;
      return {
        code: 'ConstraintViolated',
        message: 'a trigger of the table skips the row (RAISE(IGNORE))',
      };
    } catch (thrown) {
      const error = toIdraError(thrown, this.#file);
      // ON CONFLICT ROLLBACK and RAISE(ROLLBACK) end the whole transaction, including rows written before the refused one.
      if (!isRowRefused(thrown) || !this.#database.inTransaction) throw error;
      return { code: error.code, message: error.message };
    }
  }
}
