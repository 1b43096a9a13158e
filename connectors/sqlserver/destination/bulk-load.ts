import type { Connection } from 'tedious';
import type { RowList, Rows } from '../../../core/batch.ts';
import type { Rejection, WritePlan } from '../../../core/connector.ts';
import { bug } from '../../../core/errors.ts';
import { namedAs, refusedRow, rowName } from '../../sql/destination/refused-row.ts';
import type { Session } from '../session.ts';
import { type DataType, driverTypes } from '../types/driver-types.ts';
import { encodeRow, type LoadColumn } from '../types/encode.ts';
import { RowBytes } from '../types/row-bytes.ts';
import type { RowTarget } from './batch-writer.ts';
import { mayEndSessions } from './earlier-owner.ts';
import type { TargetShape } from './target-shape.ts';

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
 * Converts rows to what is sent. With `first`, rows are numbered from there on, for the staging table. Rows with a value that no column can
 * keep are refused here, by plan.onError.
 */
export function encodeRows(
  rows: RowList,
  { plan, columns, where }: EncodeInput,
  first?: number,
): EncodedRows {
  const bytes = new RowBytes();
  const refused: number[] = [];
  const rejections: Rejection[] = [];
  let index = 0;
  for (const row of rows) {
    bytes.beginRow();
    if (first !== undefined) bytes.integer(4, first + index - refused.length);
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
  /** As SQL. */
  readonly table: string;
  readonly columns: readonly Pick<LoadColumn, 'name' | 'type' | 'length'>[];
  readonly chunks: readonly Buffer[];
}

export const numberColumn = { name: 'n', type: driverTypes.Int };

/**
 * Whether new rows are loaded into the table itself. Their transaction has several messages, and an owner that is stopped between two of
 * them holds its locks until its session is ended.
 */
export async function mayInsert(
  session: Session,
  target: Pick<TargetShape, 'relation'>,
  rows: RowTarget,
  signal: AbortSignal,
): Promise<boolean> {
  return canLoad(target, rows) && (await mayEndSessions(session, signal));
}

/**
 * Values arrive as the table's own types, so that nothing is converted or padded on the way. An Upsert needs a unique index by which a row
 * whose key exists is refused. The driver does not quote the names of columns.
 */
function canLoad(
  { relation }: Pick<TargetShape, 'relation'>,
  { plan, columns, hasIdentity }: RowTarget,
): boolean {
  const isRefused = relation.keys.some((key) => key.columns.every((name) => plan.key.includes(name)));
  return (
    !hasIdentity &&
    columns.every(({ name, target, ddl }) => target === ddl && !name.includes(']')) &&
    (plan.writeMode !== 'Upsert' || isRefused)
  );
}

/**
 * Returns the number of rows that the table has taken. Without these options a bulk load would skip constraints and triggers, and replace
 * NULL with defaults.
 */
export function bulkLoad(connection: Connection, { table, columns, chunks }: BulkRows): Promise<number> {
  return new Promise((resolve, reject) => {
    const options = { keepNulls: true, checkConstraints: true, fireTriggers: true };
    const load = connection.newBulkLoad(table, options, (error, count) => {
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
