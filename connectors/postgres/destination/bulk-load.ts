import type { Batch, RowFormat, RowList } from '../../../core/batch.ts';
import type { Rejection, WritePlan } from '../../../core/connector.ts';
import { bug } from '../../../core/errors.ts';
import { nameRow } from '../../../core/row-name.ts';
import { namedAs, rowName } from '../../sql/destination/refused-row.ts';
import type { CopyBody } from '../connection/copy.ts';
import { frameEdges, headBytes } from '../connection/frames.ts';
import { fieldsOf, keyDecoderOf } from '../types/binary-keys.ts';
import { encodeLine } from '../types/copy-text.ts';
import { type Encode, encoderOf, Misfit } from '../types/encode.ts';

/** The rows of a batch as bodies of COPY FROM STDIN: all of them, or a range when searching for the bad ones. */
export interface RowSet {
  readonly count: number;
  readonly isBinary: boolean;
  body(from: number, to: number): CopyBody;
  /** Rows that were left out of bodies because no column of PostgreSQL can keep them, by index. Known when the body was sent. */
  readonly misfits: ReadonlyMap<number, Rejection>;
  /** `id 42`, if the row has a readable key. */
  name(index: number): string | undefined;
}

const noMisfits: ReadonlyMap<number, Rejection> = new Map();
/** Lines are sent in frames of about this size. */
const frameBytes = 65_536;

export function rowSetOf(
  batch: Pick<Batch, 'rows' | 'rowCount'>,
  plan: WritePlan,
  rowFormat: RowFormat,
): RowSet {
  const { rows, rowCount } = batch;
  if ('rows' in rows) return new ValueRows(rows.rows, plan);
  if (rows.format !== 'pgcopy-binary')
    throw bug(`PostgreSQL was given rows as ${rows.format}, which it did not ask for`);
  return binaryRows(rows.chunks, rowCount, plan, 'as' in rowFormat ? rowFormat.as : []);
}

function binaryRows(
  chunks: readonly Buffer[],
  count: number,
  plan: WritePlan,
  types: readonly string[],
): RowSet {
  let edges: readonly number[] | undefined;
  let whole: Buffer | undefined;
  const framesOf = (from: number, to: number): Buffer => {
    whole ??= Buffer.concat(chunks);
    edges ??= frameEdges(whole);
    return whole.subarray(edges[from], edges[to]);
  };
  return {
    count,
    isBinary: true,
    misfits: noMisfits,
    body(from, to) {
      if (from === 0 && to === count) return { isBinary: true, frames: chunks };
      return { isBinary: true, frames: [framesOf(from, to)] };
    },
    name: (index) => binaryName(framesOf(index, index + 1).subarray(headBytes), plan, types),
  };
}

/** Undefined if a column of the key has a form that cannot be read here. */
function binaryName(row: Buffer, plan: WritePlan, types: readonly string[]): string | undefined {
  const fields = fieldsOf(row);
  const values: (string | null)[] = [];
  for (const name of plan.key) {
    const at = plan.columns.columns.findIndex((each) => each.name === name);
    const [field, decode] = [fields[at], keyDecoderOf(types[at] ?? '')];
    if (field && !decode) return undefined;
    values.push(field && decode ? decode(field) : null);
  }
  return nameRow({ columns: plan.key, values }, plan.redactsKeys);
}

class ValueRows implements RowSet {
  readonly isBinary = false;
  readonly count: number;
  readonly misfits = new Map<number, Rejection>();
  readonly #rows: RowList;
  readonly #plan: WritePlan;
  readonly #encoders: readonly Encode[];

  constructor(rows: RowList, plan: WritePlan) {
    this.count = rows.length;
    this.#rows = rows;
    this.#plan = plan;
    this.#encoders = plan.columns.columns.map(({ source, name, ddl }) =>
      encoderOf(source.type, { name, nativeType: ddl }),
    );
  }

  body(from: number, to: number): CopyBody {
    return { isBinary: false, frames: this.#frames(from, to) };
  }

  *#frames(from: number, to: number): Generator<Buffer> {
    let lines = '';
    for (let index = from; index < to; index++) {
      lines += this.#line(index);
      if (lines.length < frameBytes && index + 1 < to) continue;
      yield textFrame(lines);
      lines = '';
    }
  }

  name(index: number): string | undefined {
    const row = this.#rows.at(index);
    return row && rowName(this.#plan, row);
  }

  #line(index: number): string {
    try {
      return encodeLine(this.#rows.at(index) ?? [], this.#encoders);
    } catch (thrown) {
      if (!(thrown instanceof Misfit)) throw thrown;
      this.misfits.set(index, {
        code: 'ValueNotKept',
        column: thrown.column,
        message: thrown.message,
        ...namedAs(this.name(index)),
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
