import { Readable } from 'node:stream';
import type { Connection, FieldPacket, Query } from 'mysql2';
import { onResult } from './guarded-connection.ts';

/** Values as the driver returns them: see `values` below. */
export type Cell = string | number | Buffer | null;
export type SqlRow = Cell[];

/** The result of one statement. */
export interface Result {
  readonly rows: readonly SqlRow[];
  readonly fields: readonly FieldPacket[];
  /** Rows matched by an UPDATE (changed or not), inserted or deleted. */
  readonly affected: number;
  /** Includes notes: a rounded DECIMAL is a note. */
  readonly warnings: number;
  /** For LOAD DATA: `Records: 3  Deleted: 0  Skipped: 0  Warnings: 0`, in the server's language. */
  readonly info: string;
}

/** Runs statements that are sent together; the first failure prevents the later ones from running. */
export function statements(
  connection: Connection,
  sql: string,
  body?: readonly Buffer[],
): Promise<readonly Result[]> {
  return new Promise((resolve, reject) => {
    const options = { sql, ...(body && { infileStreamFactory: () => Readable.from(packetsOf(body)) }) };
    const query = connection.query(options, (error, results: unknown, fields: unknown) => {
      if (error) {
        reject(error);
        return;
      }
      try {
        resolve(toResults(results, fields));
      } catch (thrown) {
        // A server may answer differently from what it announced. The driver calls this outside of any error handler.
        reject(thrown as Error);
      }
    });
    query.on('fields', (given?: readonly unknown[]) => onResult(connection, given, true));
    query.on('end', () => forgetBody(query));
  });
}

/** The driver does this only after a success. After an error the listeners on the socket would keep the rows as long as the connection lives. */
function forgetBody(query: Query): void {
  (query as Query & { _unpipeStream(): void })._unpipeStream();
}

/** The server refuses packets above its max_allowed_packet; statements of this size always fit. */
const packetBytes = 524_288;

function* packetsOf(body: readonly Buffer[]): Generator<Buffer> {
  for (const chunk of body) {
    for (let at = 0; at < chunk.length; at += packetBytes) yield chunk.subarray(at, at + packetBytes);
  }
}

interface Header {
  readonly affectedRows: number;
  readonly warningStatus: number;
  readonly info: string;
}

/** For one statement the driver returns the result itself, for several a list. A list of lists of fields means several. */
function toResults(results: unknown, fields: unknown): readonly Result[] {
  const isList = Array.isArray(fields) && fields.every((each) => each === undefined || Array.isArray(each));
  if (!isList || fields.length === 0) return [toResult(results, fields)];
  return (results as readonly unknown[]).map((each, index) => toResult(each, fields[index]));
}

function toResult(result: unknown, fields: unknown): Result {
  if (Array.isArray(result)) {
    return { rows: result, fields: (fields ?? []) as FieldPacket[], affected: 0, warnings: 0, info: '' };
  }
  const header = result as Header;
  return {
    rows: [],
    fields: [],
    affected: header.affectedRows,
    warnings: header.warningStatus,
    info: header.info,
  };
}
