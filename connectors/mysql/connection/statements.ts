import { Readable } from 'node:stream';
import type { Connection, FieldPacket } from 'mysql2';
import { onResult } from './guarded-connection.ts';

/** As the driver gives values: see `values` below. */
export type Cell = string | number | Buffer | null;
export type SqlRow = Cell[];

/** What one statement answered. */
export interface Result {
  readonly rows: readonly SqlRow[];
  readonly fields: readonly FieldPacket[];
  /** Rows matched by an UPDATE, changed or not; inserted, deleted. */
  readonly affected: number;
  /** Notes are counted too: a rounded DECIMAL is one. */
  readonly warnings: number;
  /** LOAD DATA: `Records: 3  Deleted: 0  Skipped: 0  Warnings: 0`, in the server's language. */
  readonly info: string;
}

/** Runs statements that travel together; what fails keeps those behind it from running. */
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
        // Of a server that answers otherwise than it announced; the driver calls this outside of any handler.
        reject(thrown as Error);
      }
    });
    query.on('fields', (given?: readonly unknown[]) => onResult(connection, given, true));
  });
}

/** The server takes no packet above its max_allowed_packet, and these all fit. */
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

/** Of one statement the driver gives the result itself, of several a list: told apart by the list of lists of fields. */
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
