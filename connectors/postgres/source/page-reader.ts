import type { RawFormat, RowFormat, Rows } from '../../../core/batch.ts';
import type { ReadRequest } from '../../../core/connector.ts';
import { scalarText } from '../../../core/offset.ts';
import { RowPacker } from '../../../core/packed-rows.ts';
import type { Column, Scalar } from '../../../core/values.ts';
import { type Range, selectRange } from '../../sql/source/keyset.ts';
import { keyIsNull } from '../../sql/source/order-check.ts';
import type { Part } from '../../sql/source/read-pass.ts';
import { bodiesOf } from '../connection/frames.ts';
import type { ExpectedShape } from '../connection/read-only.ts';
import type { Session } from '../session.ts';
import { fieldsOf, keyDecoderOf } from '../types/binary-keys.ts';
import { decodeLines, splitLine, withoutRareEscapes } from '../types/copy-text.ts';
import { type Decode, decoderOf } from '../types/decode.ts';
import { dialect } from '../types/literals.ts';

/** One page, read by a single statement that must find the object as it was described. */
export interface Page {
  readonly from: string;
  readonly range: Range;
  readonly request: Pick<ReadRequest, 'rowFormat' | 'limits'>;
  readonly expected: ExpectedShape;
}

/** COPY text is converted in pieces of this size, so that of a batch only what was made of it waits. */
const pieceBytes = 262_144;

/** The rows of a page by COPY, cut at the limits of a batch. Throws ShapeDiffers. */
export async function* copyParts(
  session: Session,
  { from, range, request: { rowFormat, limits }, expected }: Page,
  signal: AbortSignal,
): AsyncGenerator<Part> {
  const { format } = rowFormat;
  const isBinary = format === 'pgcopy-binary';
  const select = selectRange(dialect, from, range, rowFormat);
  const sql = `COPY (${select}) TO STDOUT${isBinary ? ' (FORMAT binary)' : ''}`;
  const lastKey = lastKeyReader(range, rowFormat);
  const copyFormat = { limits, isBinary, ...(!isBinary && { pieceBytes }) };
  const decoders = range.columns.map((column) => decoderOf(column.type));
  let rows = isBinary ? undefined : convertedRows(format, decoders);
  let [rowCount, byteCount] = [0, 0];
  for await (const part of session.copyOut(sql, copyFormat, expected, signal)) {
    rowCount += part.rowCount;
    byteCount += part.byteCount;
    rows?.add(part.chunks.splice(0));
    if (!part.endsBatch) continue;
    const made = rows?.finish() ?? { format, chunks: part.chunks };
    yield { rows: made, rowCount, byteCount, lastKey: lastKey(part.lastRow) };
    rows = isBinary ? undefined : convertedRows(format, decoders);
    [rowCount, byteCount] = [0, 0];
  }
}

interface ConvertedRows {
  add(frames: readonly Buffer[]): void;
  finish(): Rows;
}

function convertedRows(format: RawFormat, decoders: readonly Decode[]): ConvertedRows {
  if (format === 'tsv') {
    const chunks: Buffer[] = [];
    return {
      add(frames) {
        for (const lines of bodiesOf(frames)) chunks.push(withoutRareEscapes(lines));
      },
      finish: () => ({ format, chunks }),
    };
  }
  const packer = new RowPacker();
  return {
    add(frames) {
      for (const lines of bodiesOf(frames)) for (const row of decodeLines(lines, decoders)) packer.push(row);
    },
    finish: () => ({ format: 'values', rows: packer.finish() }),
  };
}

export function canonicalText(text: string, column: Column): string {
  // PostgreSQL's own text of an array can be read back as a literal of its type.
  const decode = column.type.kind === 'array' ? undefined : decoderOf(column.type);
  return decode ? scalarText(decode(text) as Scalar) : text;
}

/** Reads only the columns that rows are paged by, and only in a part's last row. */
function lastKeyReader(range: Range, rowFormat: RowFormat): (row: Buffer) => readonly string[] {
  const keys = range.orderBy.map((column) => ({
    column,
    index: range.columns.findIndex((each) => each.name === column.name),
  }));
  if (rowFormat.format === 'pgcopy-binary') {
    return (row) => {
      const fields = fieldsOf(row);
      return keys.map(({ column, index }) => {
        const field = fields[index];
        const decode = keyDecoderOf(rowFormat.as[index] ?? '');
        if (!field || !decode) throw keyIsNull(column);
        return decode(field);
      });
    };
  }
  return (row) => {
    const texts = splitLine(row.toString('utf8', 0, row.length - 1));
    return keys.map(({ column, index }) => {
      const text = texts[index];
      if (text === null || text === undefined) throw keyIsNull(column);
      return 'as' in rowFormat
        ? encodedText(text, column, rowFormat.as[index] ?? '')
        : canonicalText(text, column);
    });
  };
}

function encodedText(text: string, column: Column, encoding: string): string {
  switch (encoding) {
    case 'boolean01':
      return String(text === '1');
    case 'hex':
      return text;
    case 'utc':
      return column.type.kind === 'timestamp' && column.type.hasZone
        ? text.replace(/^[^ ]+ [^ ]+/, '$&Z')
        : text;
    default:
      return canonicalText(text, column);
  }
}
