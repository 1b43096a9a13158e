import type { SystemIdentity } from '../../../core/connector.ts';
import { packRows, rowsPerPack } from '../../../core/packed-rows.ts';
import type { Column } from '../../../core/values.ts';
import { type DistinctKeys, styleReader } from '../destination/distinct-keys.ts';
import { type Decode, decoderOf, type Stored } from '../types/decode.ts';
import { keyText } from '../types/literals.ts';
import { mayBeReplaced } from './bad-encoding.ts';

/** A statement, and which part of it to read. */
export interface PartRequest {
  readonly sql: string;
  /** The select list. */
  readonly columns: readonly Column[];
  /** Indexes of the orderBy columns in the select list. */
  readonly keys: readonly number[];
  /** Values as stored (for another SQLite), not canonical. */
  readonly isStored: boolean;
  readonly maxRows: number;
  readonly maxBytes: number;
  /** The shape of the relation when it was planned (core/relation-shape.ts). */
  readonly shape: string;
  /** The identity of the file that the plan was made for. */
  readonly identity: SystemIdentity;
  readonly distinct?: DistinctKeys;
}

export interface PackedPart {
  /** Packed rows, several in each. */
  readonly packed: readonly Uint8Array[];
  readonly rowCount: number;
  readonly byteCount: number;
  readonly lastKey: readonly string[];
  /** The statement has no more rows. */
  readonly isEnd: boolean;
  /** The spelling styles of these rows' keys, by PartRequest.distinct. */
  readonly seen: ReadonlySet<string>;
}

export interface Scan {
  readonly request: PartRequest;
  readonly rows: Iterator<Stored[]>;
  /** A row that was read but did not fit into the previous part. */
  waiting: Stored[] | undefined;
  /** Throws if a row of the statement has a text that the driver replaced; called if one may have. */
  readonly requireText: () => void;
}

/**
 * Rows up to the limits. Only few of them are objects at any time: they are packed as they arrive, so that memory use is that of the
 * packs.
 */
export function takePart(scan: Scan): PackedPart {
  const { request } = scan;
  const pack = packerFor(request);
  const packed: Uint8Array[] = [];
  let rows: Stored[][] = [];
  let [rowCount, byteCount, isEnd] = [0, 0, false];
  let lastKey: readonly string[] = [];
  const styleOf = request.distinct && styleReader(request.distinct);
  const seen = new Set<string>();
  const flush = () => {
    const last = rows.at(-1);
    if (!last) return;
    // Keys are taken as stored, so before the rows become canonical.
    lastKey = request.keys.map((at) => keyText(last[at], request.columns[at] as Column));
    packed.push(pack(rows));
    rows = [];
  };
  while (rowCount < request.maxRows) {
    const row = scan.waiting ?? nextRow(scan);
    scan.waiting = undefined;
    if (row === undefined) {
      isEnd = true;
      break;
    }
    const size = rowBytes(row);
    if (rowCount > 0 && byteCount + size > request.maxBytes) {
      scan.waiting = row;
      break;
    }
    byteCount += size;
    rowCount += 1;
    if (mayBeReplaced(row)) scan.requireText();
    if (styleOf) seen.add(styleOf(row));
    rows.push(row);
    if (rows.length === rowsPerPack) flush();
  }
  flush();
  return { packed, rowCount, byteCount, lastKey, isEnd, seen };
}

function packerFor({ columns, isStored }: PartRequest): (rows: readonly Stored[][]) => Uint8Array {
  const decoders = isStored ? [] : columns.map((column) => decoderOf(column.type));
  const active = decoders.flatMap((decode, at) => (decode ? [{ decode, at }] : []));
  return (rows) => {
    for (const { decode, at } of active) decodeColumn(rows, at, decode);
    return packRows(rows);
  };
}

function decodeColumn(rows: readonly Stored[][], at: number, decode: NonNullable<Decode>): void {
  for (const row of rows) row[at] = decode(row[at] ?? null) as Stored;
}

function nextRow(scan: Scan): Stored[] | undefined {
  const { done, value } = scan.rows.next();
  return done ? undefined : value;
}

function rowBytes(row: readonly Stored[]): number {
  let bytes = 0;
  for (const cell of row) bytes += typeof cell === 'string' || cell instanceof Uint8Array ? cell.length : 8;
  return bytes;
}
