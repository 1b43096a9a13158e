import { type Connection, Request } from 'tedious';
import { codeOf } from '../errors.ts';
import { onResult } from './guarded-connection.ts';

/** Values as the driver returns them. Types that it would change are converted to text by the statements. */
export type Cell = string | number | boolean | Buffer | Date | null;
export type SqlRow = Cell[];

export interface Field {
  readonly name: string;
  /** Of the driver: `Int`, `NVarChar`. */
  readonly type: string;
  readonly length: number | undefined;
  readonly precision: number | undefined;
  readonly scale: number | undefined;
  /** Language, flags, version and sort order of the collation, as the protocol sends them. */
  readonly collation: string | undefined;
  readonly isNullable: boolean;
}

/** The result of one statement that returns rows. */
export interface Result {
  readonly fields: readonly Field[];
  readonly rows: readonly SqlRow[];
}

/** What a batch emits while it runs; a statement that returns no rows emits nothing. */
export interface RowListener {
  readonly onFields: (fields: readonly Field[], result: number) => void;
  readonly onRow: (row: SqlRow, result: number, control: Flow) => void;
  /** Index of the result with very many rows; the others have few. */
  readonly streamed: number;
  /** What was acquired for a batch of them. */
  readonly batchBytes: number;
}

/** Pauses and resumes the rows, or ends the batch without its remaining statements. */
export interface Flow {
  pause(): void;
  resume(): void;
  cancel(): void;
}

/** Runs statements that are sent together. With XACT_ABORT the first error prevents the later ones from running. */
export async function statements(connection: Connection, sql: string): Promise<readonly Result[]> {
  const results: { readonly fields: readonly Field[]; readonly rows: SqlRow[] }[] = [];
  await stream(connection, sql, {
    streamed: -1,
    batchBytes: 0,
    onFields: (fields) => results.push({ fields, rows: [] }),
    onRow: (row, at) => results[at]?.rows.push(row),
  });
  return results;
}

/** Hands over each row without keeping it. Resolves when the last statement has ended. */
export function stream(connection: Connection, sql: string, listener: RowListener): Promise<void> {
  return new Promise((resolve, reject) => {
    let isCancelled = false;
    const request = new Request(sql, (error) => {
      if (!error || (isCancelled && codeOf(error) === 'ECANCEL')) resolve();
      else reject(error);
    });
    const flow: Flow = {
      pause: () => request.pause(),
      resume: () => request.resume(),
      cancel: () => {
        isCancelled = true;
        request.cancel();
      },
    };
    let at = -1;
    let width = 0;
    request.on('columnMetadata', (given) => {
      const fields = (given as unknown as readonly ColumnMetadata[]).map(toField);
      at += 1;
      width = fields.length;
      onResult(connection, width, at !== listener.streamed, listener.batchBytes);
      listener.onFields(fields, at);
    });
    request.on('row', (given) => {
      const cells = given as unknown as readonly { readonly value: Cell }[];
      if (cells.length !== width) throw new Error('a row with another number of values than columns');
      listener.onRow(
        cells.map((cell) => cell.value),
        at,
        flow,
      );
    });
    connection.execSqlBatch(request);
  });
}

interface ColumnMetadata {
  readonly colName: string;
  readonly type: { readonly name: string };
  readonly dataLength?: number;
  readonly precision?: number;
  readonly scale?: number;
  readonly flags: number;
  readonly collation?: { toBuffer(): Buffer };
}

const nullableFlag = 1;

function toField({ colName, type, dataLength, precision, scale, flags, collation }: ColumnMetadata): Field {
  return {
    name: colName,
    type: type.name,
    length: dataLength,
    precision,
    scale,
    collation: collation?.toBuffer().toString('hex'),
    isNullable: (flags & nullableFlag) !== 0,
  };
}
