import type { Connection } from 'tedious';
import type { Batch } from '../../../core/batch.ts';
import type { Rejection, WritePlan } from '../../../core/connector.ts';
import { bug } from '../../../core/errors.ts';
import { namedAs, refusedRow, rowName } from '../../sql/destination/refused-row.ts';
import { driverTypes } from '../types/driver-types.ts';
import { encodeRow, type Loaded, type StageColumn } from '../types/encode.ts';
import { stageName } from './ddl.ts';

/** Rows for the staging table, each with its number there. */
export interface BulkRows {
  readonly columns: readonly StageColumn[];
  readonly rows: readonly StagedRow[];
  readonly first: number;
}

export interface StagedRow {
  readonly values: readonly Loaded[];
  /** `id 42`, for messages. */
  readonly name: string | undefined;
}

export interface StageInput {
  readonly plan: WritePlan;
  readonly columns: readonly StageColumn[];
  /** The table and its system, for messages. */
  readonly where: string;
}

/** Converts a batch to rows for the driver. Rows with a value that no column can keep are refused here, by plan.onError. */
export function toStagedRows(
  { rows }: Pick<Batch, 'rows'>,
  { plan, columns, where }: StageInput,
): { readonly rows: readonly StagedRow[]; readonly rejections: readonly Rejection[] } {
  if (!('rows' in rows)) throw bug(`a batch of ${rows.format} cannot be written to SQL Server`);
  const staged: StagedRow[] = [];
  const rejections: Rejection[] = [];
  for (const row of rows.rows) {
    const values = encodeRow(row, columns);
    const name = rowName(plan, row);
    if (Array.isArray(values)) {
      staged.push({ values, name });
      continue;
    }
    const { code, column, why } = values;
    const rejection: Rejection = { code, column, message: why, ...namedAs(name) };
    if (plan.onError === 'Stop') throw refusedRow(rejection, where);
    rejections.push(rejection);
  }
  return { rows: staged, rejections };
}

/** Loads rows into the staging table. Its columns have names of Idra, because the driver does not quote those of others. */
export function bulkLoad(connection: Connection, { columns, rows, first }: BulkRows): Promise<number> {
  return new Promise((resolve, reject) => {
    const load = connection.newBulkLoad(stageName, { keepNulls: true }, (error, count) => {
      if (error) reject(error);
      else resolve(count ?? 0);
    });
    load.addColumn('n', driverTypes.Int, { nullable: false });
    for (const [index, { type, length }] of columns.entries())
      load.addColumn(`c${index}`, type, { nullable: true, ...(length !== undefined && { length }) });
    connection.execBulkLoad(load, numbered(rows, first));
  });
}

function* numbered(rows: readonly StagedRow[], first: number): Generator<unknown[]> {
  for (const [index, { values }] of rows.entries()) yield [first + index, ...values];
}
