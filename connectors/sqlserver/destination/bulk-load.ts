import type { Connection } from 'tedious';
import type { RowList, Rows } from '../../../core/batch.ts';
import type { Rejection, WritePlan } from '../../../core/connector.ts';
import { bug } from '../../../core/errors.ts';
import { namedAs, refusedRow, rowName } from '../../sql/destination/refused-row.ts';
import { type DataType, driverTypes } from '../types/driver-types.ts';
import { encodeRow, type LoadColumn } from '../types/encode.ts';
import { RowBytes } from '../types/row-bytes.ts';

/** Rows as they are sent. */
export interface EncodedRows {
  readonly chunks: readonly Buffer[];
  readonly count: number;
  readonly rejections: readonly Rejection[];
  /** `id 42`, for messages: the name of one of the rows that are sent. */
  nameOf(index: number): string | undefined;
}

export const noRows: EncodedRows = { chunks: [], count: 0, rejections: [], nameOf: () => undefined };

export interface EncodeInput {
  readonly plan: WritePlan;
  readonly columns: readonly LoadColumn[];
  /** The table and its system, for messages. */
  readonly where: string;
}

export function valuesOf(rows: Rows): RowList {
  if (!('rows' in rows)) throw bug(`a batch of ${rows.format} cannot be written to SQL Server`);
  return rows.rows;
}

/**
 * Converts rows to what is sent, numbered from `first` on. Rows with a value that no column can keep are refused here, by plan.onError.
 */
export function encodeRows(rows: RowList, { plan, columns, where }: EncodeInput, first: number): EncodedRows {
  const bytes = new RowBytes();
  const refused: number[] = [];
  const rejections: Rejection[] = [];
  let index = 0;
  for (const row of rows) {
    bytes.beginRow();
    bytes.integer(4, first + index - refused.length);
    const misfit = encodeRow(bytes, row, columns);
    if (misfit) {
      bytes.undoRow();
      const { code, column, why } = misfit;
      const rejection: Rejection = { code, column, message: why, ...namedAs(rowName(plan, row)) };
      if (plan.onError === 'Stop') throw refusedRow(rejection, where);
      rejections.push(rejection);
      refused.push(index);
    }
    index += 1;
  }
  const nameOf = (sent: number) => {
    const row = rows.at(refused.reduce((at, each) => (each <= at ? at + 1 : at), sent));
    return row && rowName(plan, row);
  };
  return {
    chunks: bytes.finish(),
    count: index - refused.length,
    rejections,
    // Rows without a key have no names, and need not be kept for them.
    nameOf: plan.key.length > 0 ? nameOf : noRows.nameOf,
  };
}

/** Rows for one bulk load, and its columns in the order in which the rows have them. */
export interface BulkRows {
  readonly table: string;
  readonly columns: readonly Pick<LoadColumn, 'name' | 'type' | 'length'>[];
  readonly chunks: readonly Buffer[];
}

export const numberColumn = { name: 'n', type: driverTypes.Int };

/** The table has columns with names of Idra, because the driver does not quote those of others. */
export function bulkLoad(connection: Connection, { table, columns, chunks }: BulkRows): Promise<number> {
  return new Promise((resolve, reject) => {
    const load = connection.newBulkLoad(table, { keepNulls: true }, (error, count) => {
      if (error) reject(error);
      else resolve(count ?? 0);
    });
    for (const [index, { name, type, length }] of columns.entries())
      load.addColumn(name, index === 0 ? sentAsRows(type) : sentBefore(type), {
        nullable: true,
        ...(length !== undefined && { length }),
      });
    connection.execBulkLoad(load, driverRows(chunks));
  });
}

/** For the driver a chunk is one row, whose first value is the whole chunk. It writes the token of the first row itself. */
function* driverRows(chunks: readonly Buffer[]): Generator<Buffer[]> {
  for (const chunk of chunks) yield [chunk.subarray(1)];
}

function sentAsRows(type: DataType): DataType {
  return {
    ...type,
    validate: (value) => value,
    writeValue: (buffer, { value }) => buffer.writeBuffer(value as Buffer),
  };
}

function sentBefore(type: DataType): DataType {
  return { ...type, validate: (value) => value, writeValue: () => {} };
}
