import type { FieldPacket } from 'mysql2';
import type { BatchLimits } from '../../../core/batch.ts';
import { scalarText } from '../../../core/offset.ts';
import { type PackedRows, RowPacker } from '../../../core/packed-rows.ts';
import type { Column, Scalar, Value } from '../../../core/values.ts';
import { keyIsNull } from '../../sql/source/order-check.ts';
import type { Part } from '../../sql/source/read-pass.ts';
import type { SqlRow } from '../connection/statements.ts';
import { fingerprintOf } from '../fingerprint.ts';
import { readerMark, type Session } from '../session.ts';
import { decoderOf } from '../types/decode.ts';

export interface RowStatement {
  readonly sql: string;
  /** Run before the rows in the same transaction; the reported shape must equal `fingerprint`. */
  readonly opening: readonly string[];
  readonly fingerprint: string;
  /** The select list. */
  readonly columns: readonly Column[];
  /** Indexes of the orderBy columns in the select list. */
  readonly keys: readonly number[];
  readonly limits: BatchLimits;
}

/** The object is not the one that was described; no row was handed on. */
export class ShapeDiffers extends Error {
  constructor() {
    super('the object has another shape');
    this.name = 'ShapeDiffers';
  }
}

/**
 * Streams one statement's rows in parts, in its own transaction, after checking that the object has the expected shape. When a part is
 * full, the connection is paused until its reader asks for the next one.
 */
export async function* readParts(
  session: Session,
  statement: RowStatement,
  signal: AbortSignal,
): AsyncGenerator<Part> {
  const full: CutPart[] = [];
  let wake: () => void = () => {};
  let outcome: { readonly error?: unknown } | undefined;
  const cutter = new PartCutter(statement, (part) => full.push(part));
  const reported = new ReportedShape(statement.opening.length);
  let isChanged = false;
  const listener = {
    streamed: statement.opening.length,
    batchBytes: statement.limits.maxBytes,
    onFields: (fields: readonly FieldPacket[]) => {
      reported.addFields(fields);
      if (reported.isNext && reported.fingerprint() !== statement.fingerprint) {
        isChanged = true;
        wake();
      }
    },
    onRow: (row: SqlRow, at: number) => {
      if (at < statement.opening.length) reported.addRow(row, at);
      else if (!isChanged) return cutter.push(row);
      return isChanged;
    },
  };
  const sql = [...statement.opening, statement.sql, `${readerMark} COMMIT`].join('; ');
  const running = session
    .guard(() => session.stream(sql, listener), signal)
    .then(
      () => {
        cutter.end();
        outcome = {};
        wake();
      },
      (error: unknown) => {
        outcome = { error };
        wake();
      },
    );
  cutter.onPart = () => wake();
  try {
    for (;;) {
      if (isChanged) throw new ShapeDiffers();
      const part = full.shift();
      if (part) {
        const { last, ...rest } = part;
        yield { ...rest, lastKey: keyOf(last, statement) };
      } else if (outcome) {
        if ('error' in outcome) throw outcome.error;
        return;
      } else {
        const woken = new Promise<void>((resolve) => {
          wake = resolve;
        });
        // Not before the next part is asked for, so that no part waits here beside those of the caller. It may call `wake` at once.
        session.resume();
        await woken;
      }
    }
  } finally {
    // If the reader stops early, nobody needs the remaining rows.
    if (!outcome) session.cut();
    await running;
  }
}

/** The shape reported by the statements before the rows. */
class ReportedShape {
  readonly #count: number;
  readonly #results: { readonly fields: readonly FieldPacket[]; readonly rows: SqlRow[] }[] = [];
  isNext = false;

  constructor(count: number) {
    this.#count = count;
  }

  addFields(fields: readonly FieldPacket[]): void {
    this.isNext = this.#results.length === this.#count;
    this.#results.push({ fields, rows: [] });
  }

  addRow(row: SqlRow, at: number): void {
    this.#results[at]?.rows.push(row);
  }

  fingerprint(): string {
    return fingerprintOf(this.#results.slice(0, this.#count));
  }
}

/** With its last row instead of its key, which may be NULL: that is an error for the reader, not for the stream. */
interface CutPart extends Omit<Part, 'lastKey'> {
  readonly rows: { readonly format: 'values'; readonly rows: PackedRows };
  readonly last: readonly Value[];
}

class PartCutter {
  readonly #statement: RowStatement;
  readonly #decoders: readonly { readonly at: number; readonly decode: (cell: never) => Value }[];
  readonly #emit: (part: CutPart) => void;
  #packer: RowPacker;
  #last: SqlRow = [];
  #count = 0;
  #bytes = 0;
  onPart: () => void = () => {};

  constructor(statement: RowStatement, emit: (part: CutPart) => void) {
    this.#statement = statement;
    this.#emit = emit;
    this.#decoders = statement.columns.flatMap((column, at) => {
      const decode = decoderOf(column.type);
      return decode ? [{ at, decode }] : [];
    });
    this.#packer = this.#newPacker();
  }

  /** Returns true if a part is full and no more rows are wanted for now. */
  push(row: SqlRow): boolean {
    const { maxRows, maxBytes } = this.#statement.limits;
    const size = rowBytes(row);
    const isFull = this.#count >= maxRows || (this.#count > 0 && this.#bytes + size > maxBytes);
    if (isFull) this.#cut();
    this.#packer.push(row);
    this.#last = row;
    this.#count += 1;
    this.#bytes += size;
    return isFull;
  }

  end(): void {
    if (this.#count > 0) this.#cut();
  }

  #cut(): void {
    const rows = this.#packer.finish();
    this.#emit({
      rows: { format: 'values', rows },
      rowCount: this.#count,
      byteCount: this.#bytes,
      last: this.#last as Value[],
    });
    this.#packer = this.#newPacker();
    this.#count = 0;
    this.#bytes = 0;
    this.onPart();
  }

  #newPacker(): RowPacker {
    return new RowPacker((rows) => {
      for (const { at, decode } of this.#decoders) {
        for (const row of rows) if (row[at] !== null) row[at] = decode(row[at] as never);
      }
    });
  }
}

function keyOf(row: readonly Value[], { keys, columns }: RowStatement): string[] {
  return keys.map((at) => {
    const value = row[at] ?? null;
    if (value === null) throw keyIsNull(columns[at] as Column);
    return scalarText(value as Scalar);
  });
}

/** The place of a value in its row. A thousand empty texts would otherwise be a row of no bytes. */
const placeBytes = 8;

function rowBytes(row: SqlRow): number {
  let bytes = 0;
  for (const cell of row)
    bytes +=
      typeof cell === 'string' || Buffer.isBuffer(cell) ? Math.max(placeBytes, cell.length) : placeBytes;
  return bytes;
}
