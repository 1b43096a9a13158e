import { PartRows, type SelectedRows, withKey } from '../../sql/source/part-rows.ts';
import type { Part } from '../../sql/source/read-pass.ts';
import { readingBegins, readingEnds } from '../connection/settings.ts';
import type { Field, Flow, Result, SqlRow } from '../connection/statements.ts';
import type { Seen } from '../fingerprint.ts';
import type { Session } from '../session.ts';
import { decoderOf } from '../types/decode.ts';

export interface RowStatement extends SelectedRows {
  readonly sql: string;
  readonly seen: Pick<Seen, 'shapeSql' | 'isSame' | 'isMemoryOptimized'>;
  /** The table, for messages. */
  readonly where: string;
}

/** The object is not the one that was described; no row was handed on. */
export class ShapeDiffers extends Error {
  constructor() {
    super('the object has another shape');
    this.name = 'ShapeDiffers';
  }
}

/** Results of the batch: the shape, the rows, the shape again. */
const at = { before: 0, rows: 1, after: 2 } as const;

/**
 * The rows of one statement as one part, handed on after the shape was the same before and after it. A statement that has more rows than
 * fit is abandoned there; `isCut` says so.
 */
export async function readPart(
  session: Session,
  statement: RowStatement,
  signal: AbortSignal,
): Promise<{ readonly part: Part | undefined; readonly isCut: boolean }> {
  const cutter = new PartCutter(statement);
  const shapes = new ReportedShapes(statement.seen);
  let isCut = false;
  const sql = [
    readingBegins(session, statement.seen),
    statement.seen.shapeSql,
    statement.sql,
    statement.seen.shapeSql,
    readingEnds(session),
  ].join(';\n');
  await session.guard(async () => {
    await session.stream(sql, {
      streamed: at.rows,
      batchBytes: statement.limits.maxBytes,
      onFields: (fields, result) => shapes.addFields(fields, result),
      onRow: (row, result, flow) => {
        if (result !== at.rows) return shapes.addRow(row, result);
        if (cutter.push(row)) return;
        isCut = true;
        flow.cancel();
      },
    });
    if (!isCut) return;
    await session.rollBack();
    const [after] = await session.run(statement.seen.shapeSql);
    if (after) shapes.addResult(after, at.after);
  }, signal);
  shapes.requireSame();
  return { part: cutter.part(), isCut };
}

/** A whole table without a key, in parts as they fill. The last part is handed on only if the shape is still the same. */
export async function* readWhole(
  session: Session,
  statement: RowStatement,
  signal: AbortSignal,
): AsyncGenerator<Part> {
  const full: Part[] = [];
  let cutter = new PartCutter(statement);
  const shapes = new ReportedShapes(statement.seen);
  let flow: Flow | undefined;
  let wake: () => void = () => {};
  let outcome: { readonly error?: unknown } | undefined;
  const cut = () => {
    const part = cutter.part();
    if (part) full.push(part);
    cutter = new PartCutter(statement);
    wake();
  };
  const end = (result: { readonly error?: unknown }) => {
    outcome = result;
    wake();
  };
  const { seen } = statement;
  const { shapeSql } = seen;
  const sql = [readingBegins(session, seen), shapeSql, statement.sql, shapeSql, readingEnds(session)].join(
    ';\n',
  );
  const running = session
    .guard(
      () =>
        session.stream(sql, {
          streamed: at.rows,
          batchBytes: statement.limits.maxBytes,
          onFields: (fields, result) => shapes.addFields(fields, result),
          onRow(row, result, control) {
            if (result !== at.rows) return shapes.addRow(row, result);
            shapes.requireSameBefore();
            if (cutter.push(row)) return;
            cut();
            cutter.push(row);
            flow = control;
            control.pause();
          },
        }),
      signal,
    )
    .then(
      () => end({}),
      (error: unknown) => end({ error }),
    );
  try {
    for (;;) {
      const part = full.shift();
      if (part) {
        const goesOn = session.waits();
        yield part;
        goesOn();
        if (full.length === 0) flow?.resume();
      } else if (outcome) {
        if ('error' in outcome) throw outcome.error;
        break;
      } else {
        await new Promise<void>((resolve) => {
          wake = resolve;
        });
      }
    }
    shapes.requireSame();
    const last = cutter.part();
    if (last) yield last;
  } finally {
    // If the reader stops early, nobody needs the remaining rows.
    if (!outcome) session.cut();
    await running;
  }
}

class ReportedShapes {
  readonly #seen: RowStatement['seen'];
  readonly #results: { fields: readonly Field[]; readonly rows: SqlRow[] }[] = [];
  #isChecked = false;

  constructor(seen: RowStatement['seen']) {
    this.#seen = seen;
  }

  addFields(fields: readonly Field[], result: number): void {
    this.#results[result] = { fields, rows: [] };
  }

  addResult({ fields, rows }: Result, result: number): void {
    this.#results[result] = { fields, rows: [...rows] };
  }

  addRow(row: SqlRow, result: number): void {
    this.#results[result]?.rows.push(row);
  }

  requireSameBefore(): void {
    if (this.#isChecked) return;
    if (!this.#seen.isSame(this.#results[at.before])) throw new ShapeDiffers();
    this.#isChecked = true;
  }

  requireSame(): void {
    this.requireSameBefore();
    if (!this.#seen.isSame(this.#results[at.after])) throw new ShapeDiffers();
  }
}

class PartCutter {
  readonly #statement: RowStatement;
  readonly #rows: PartRows;

  constructor(statement: RowStatement) {
    this.#statement = statement;
    this.#rows = new PartRows(statement, (column) => decoderOf(column, statement.where));
  }

  /** False if the row does not fit. */
  push(row: SqlRow): boolean {
    return this.#rows.push(row);
  }

  part(): Part | undefined {
    const part = this.#rows.finish();
    return part && withKey(part, this.#statement);
  }
}
