import type { Connection } from 'tedious';
import type { RowList, Rows } from '../../../core/batch.ts';
import type { Rejection, WritePlan } from '../../../core/connector.ts';
import { bug } from '../../../core/errors.ts';
import type { Row } from '../../../core/values.ts';
import { namedAs, refusedRow, rowName } from '../../sql/destination/refused-row.ts';
import { type DataType, driverTypes } from '../types/driver-types.ts';
import { encodeRow, type LoadColumn, type RefusedValue } from '../types/encode.ts';
import { RowBytes } from '../types/row-bytes.ts';

/** Rows as they are sent. What is counted here is complete when all chunks have been taken. */
export interface EncodedRows {
  /** Made as they are taken, so that the server stores rows while others are made. */
  readonly chunks: Iterable<Buffer>;
  readonly count: number;
  readonly rejections: readonly Rejection[];
  /** Why the rows end early. A load that has begun is sent to its end, because a server may refuse further ones after a broken one. */
  readonly failure?: unknown;
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
export class RowEncoder implements EncodedRows {
  readonly chunks: Iterable<Buffer>;
  readonly rejections: Rejection[] = [];
  count = 0;
  failure: unknown;
  readonly #rows: RowList;
  readonly #input: EncodeInput;
  readonly #refused: number[] = [];

  constructor(rows: RowList, input: EncodeInput, first: number) {
    this.#rows = rows;
    this.#input = input;
    this.chunks = this.#encode(first);
  }

  nameOf(sent: number): string | undefined {
    const { plan } = this.#input;
    // Rows without a key have no names.
    if (plan.key.length === 0) return undefined;
    const row = this.#rows.at(this.#refused.reduce((at, each) => (each <= at ? at + 1 : at), sent));
    return row && rowName(plan, row);
  }

  *#encode(first: number): Generator<Buffer> {
    const { columns } = this.#input;
    const bytes = new RowBytes();
    let index = 0;
    try {
      for (const row of this.#rows) {
        bytes.beginRow();
        bytes.integer(4, first + this.count);
        const misfit = encodeRow(bytes, row, columns);
        if (misfit) {
          bytes.undoRow();
          this.#refuse(row, index, misfit);
        } else this.count += 1;
        index += 1;
        yield* bytes.take();
      }
    } catch (thrown) {
      this.failure = thrown;
    }
    yield* bytes.finish();
  }

  #refuse(row: Row, index: number, { code, column, why }: RefusedValue): void {
    const { plan, where } = this.#input;
    const rejection: Rejection = { code, column, message: why, ...namedAs(rowName(plan, row)) };
    if (plan.onError === 'Stop') throw refusedRow(rejection, where);
    this.rejections.push(rejection);
    this.#refused.push(index);
  }
}

/** All rows of them, at once. Throws what ends them early. */
export function encodeAll(rows: RowList, input: EncodeInput, first: number): EncodedRows {
  const encoded = new RowEncoder(rows, input, first);
  const chunks = [...encoded.chunks];
  requireWhole(encoded);
  const { count, rejections } = encoded;
  return { chunks, count, rejections, nameOf: (index) => encoded.nameOf(index) };
}

/** The chunks of both, the first of which is made at once; undefined if there is none. */
export function begun(before: Iterable<Buffer>, rows: Iterable<Buffer>): Iterable<Buffer> | undefined {
  const chunks = joined(before, rows);
  const { value: first } = chunks.next();
  return first && joined([first], chunks);
}

function* joined(...lists: readonly Iterable<Buffer>[]): Generator<Buffer, undefined> {
  for (const list of lists) yield* list;
}

/** Throws what has ended the rows early. */
export function requireWhole({ failure }: EncodedRows): void {
  if (failure !== undefined) throw failure;
}

/** Rows for one bulk load, and its columns in the order in which the rows have them. */
export interface BulkRows {
  readonly table: string;
  readonly columns: readonly Pick<LoadColumn, 'name' | 'type' | 'length'>[];
  readonly chunks: Iterable<Buffer>;
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
function* driverRows(chunks: Iterable<Buffer>): Generator<Buffer[]> {
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
