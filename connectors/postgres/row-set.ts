import type { Batch } from '../../core/batch.ts';
import type { ColumnPlan } from '../../core/column-plan.ts';
import type { Rejection } from '../../core/connector.ts';
import { bug } from '../../core/errors.ts';
import type { Row } from '../../core/values.ts';
import type { CopyBody } from './copy.ts';
import { encodeLine } from './copy-text.ts';
import { frameEdges } from './frames.ts';
import { type Encode, encoderOf, Misfit } from './text-values.ts';

/** The rows of a batch as bodies of COPY FROM STDIN: all of them, or a range when the bad ones are looked for. */
export interface RowSet {
  readonly count: number;
  readonly isBinary: boolean;
  body(from: number, to: number): CopyBody;
  /** Rows that were left out of bodies because no column of PostgreSQL keeps them, by their number. */
  readonly misfits: ReadonlyMap<number, Rejection>;
}

const noMisfits: ReadonlyMap<number, Rejection> = new Map();
/** Lines are sent in frames of about this size. */
const frameBytes = 65_536;

export function rowSetOf(batch: Batch, plan: ColumnPlan): RowSet {
  const { rows, rowCount } = batch;
  switch (rows.format) {
    case 'pgcopy-binary':
      return binaryRows(rows.chunks, rowCount);
    case 'values':
      return new ValueRows(rows.rows, plan);
    default:
      throw bug(`PostgreSQL was given rows as ${rows.format}, which it did not ask for`);
  }
}

function binaryRows(chunks: readonly Buffer[], count: number): RowSet {
  let edges: readonly number[] | undefined;
  let whole: Buffer | undefined;
  return {
    count,
    isBinary: true,
    misfits: noMisfits,
    body(from, to) {
      if (from === 0 && to === count) return { isBinary: true, frames: chunks };
      whole ??= Buffer.concat(chunks);
      edges ??= frameEdges(whole);
      return { isBinary: true, frames: [whole.subarray(edges[from], edges[to])] };
    },
  };
}

class ValueRows implements RowSet {
  readonly isBinary = false;
  readonly count: number;
  readonly misfits = new Map<number, Rejection>();
  readonly #rows: readonly Row[];
  readonly #encoders: readonly Encode[];

  constructor(rows: readonly Row[], plan: ColumnPlan) {
    this.count = rows.length;
    this.#rows = rows;
    this.#encoders = plan.columns.map(({ source, name, ddl }) =>
      encoderOf(source.type, { name, nativeType: ddl }),
    );
  }

  body(from: number, to: number): CopyBody {
    const frames: Buffer[] = [];
    let lines = '';
    for (let index = from; index < to; index++) {
      lines += this.#line(index);
      if (lines.length < frameBytes && index + 1 < to) continue;
      frames.push(textFrame(lines));
      lines = '';
    }
    return { isBinary: false, frames };
  }

  #line(index: number): string {
    try {
      return encodeLine(this.#rows[index] ?? [], this.#encoders);
    } catch (thrown) {
      if (!(thrown instanceof Misfit)) throw thrown;
      this.misfits.set(index, {
        code: 'ValueNotKept',
        column: thrown.column,
        message: `column ${thrown.column}: ${thrown.message}`,
      });
      return '';
    }
  }
}

function textFrame(lines: string): Buffer {
  const length = Buffer.byteLength(lines);
  const bytes = Buffer.allocUnsafe(5 + length);
  bytes[0] = 0x64;
  bytes.writeUInt32BE(4 + length, 1);
  bytes.write(lines, 5);
  return bytes;
}
