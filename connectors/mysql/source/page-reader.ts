import type { FieldPacket } from 'mysql2';
import { PartRows, type SelectedRows, type UnkeyedPart, withKey } from '../../sql/source/part-rows.ts';
import type { Part } from '../../sql/source/read-pass.ts';
import type { SqlRow } from '../connection/statements.ts';
import { fingerprintOf } from '../fingerprint.ts';
import { readerMark, type Session } from '../session.ts';
import { decoderOf } from '../types/decode.ts';

export interface RowStatement extends SelectedRows {
  readonly sql: string;
  /** Run before the rows in the same transaction; the reported shape must equal `fingerprint`. */
  readonly opening: readonly string[];
  readonly fingerprint: string;
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
  const full: UnkeyedPart[] = [];
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
      if (part) yield withKey(part, statement);
      else if (outcome) {
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

class PartCutter {
  readonly #statement: RowStatement;
  readonly #emit: (part: UnkeyedPart) => void;
  #part: PartRows;
  onPart: () => void = () => {};

  constructor(statement: RowStatement, emit: (part: UnkeyedPart) => void) {
    this.#statement = statement;
    this.#emit = emit;
    this.#part = this.#next();
  }

  /** Returns true if a part is full and no more rows are wanted for now. */
  push(row: SqlRow): boolean {
    if (this.#part.push(row)) return false;
    this.end();
    this.#part.push(row);
    return true;
  }

  end(): void {
    const part = this.#part.finish();
    if (!part) return;
    this.#part = this.#next();
    this.#emit(part);
    this.onPart();
  }

  #next(): PartRows {
    return new PartRows(this.#statement, ({ type }) => decoderOf(type));
  }
}
