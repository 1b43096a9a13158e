import type { Batch } from '../../../core/batch.ts';
import type { Rejection, WritePlan } from '../../../core/connector.ts';
import { bug } from '../../../core/errors.ts';
import type { Row } from '../../../core/values.ts';
import { namedAs, refusedRow, rowName } from '../../sql/destination/refused-row.ts';
import { encodeRow, type LoadColumn } from '../types/encode.ts';
import type { Lines } from '../types/tsv-lines.ts';

export interface BatchLines {
  readonly lines: Lines;
  readonly rejections: readonly Rejection[];
}

export interface LinesInput {
  readonly plan: WritePlan;
  readonly columns: readonly LoadColumn[];
  /** The table, for messages. */
  readonly where: string;
}

/** A batch as lines to load. Rows with a value that cannot be written as one are refused here, by plan.onError. */
export function toLines({ rows, rowCount }: Batch, input: LinesInput): BatchLines {
  if (rows.format === 'tsv') return { lines: { chunks: rows.chunks, count: rowCount }, rejections: [] };
  if (rows.format !== 'values') throw bug(`a batch of ${rows.format} cannot be written to MySQL`);
  return encodeRows(rows.rows, input);
}

function encodeRows(rows: readonly Row[], { plan, columns, where }: LinesInput): BatchLines {
  const texts: string[] = [];
  const rejections: Rejection[] = [];
  for (const row of rows) {
    const line = encodeRow(row, columns);
    if (typeof line === 'string') texts.push(line);
    else {
      const rejection: Rejection = {
        code: line.code,
        column: line.column,
        message: line.why,
        ...namedAs(rowName(plan, row)),
      };
      if (plan.onError === 'Stop') throw refusedRow(rejection, where);
      rejections.push(rejection);
    }
  }
  return { lines: { chunks: [Buffer.from(texts.join(''))], count: texts.length }, rejections };
}
