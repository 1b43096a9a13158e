import type { Batch, Rows } from './batch.ts';
import type { PlannedColumn } from './column-plan.ts';
import { softDeleteColumn, type WritePlan } from './connector.ts';
import { mapRows } from './packed-rows.ts';
import { decimalDigits, plainDecimal, reduced } from './records/decimal-text.ts';
import { withoutEnd } from './text-end.ts';
import type { Column, Row, Value } from './values.ts';

/** A batch with deletions as two sets without a common key, to be applied in one transaction: first the deletions. */
export interface Changes {
  /** The batch without deletions, and without rows that a later change in it replaces. */
  readonly upserts: Batch;
  /** The last changes that are deletions, as rows of `deletionColumns`. */
  readonly deletions: readonly Row[];
}

/** What a deletion has values in: the columns of the key, then softDeleteColumn if deletes is Soft. */
export function deletionColumns({ columns, key, deletes }: WritePlan): readonly PlannedColumn[] {
  const named = [...key, ...(deletes === 'Soft' ? [softDeleteColumn] : [])];
  return named.flatMap((name) => columns.columns.find((each) => each.name === name) ?? []);
}

/** The last change of each key. Pure. Batches without deletions, and those of raw formats, are returned as they are. */
export function lastChanges(batch: Batch, plan: WritePlan): Changes {
  const { rows } = batch;
  if (!('rows' in rows) || !rows.deletions?.length) return { upserts: batch, deletions: [] };
  const deleted = new Set(rows.deletions);
  const keyOf = keyReader(plan);
  const last = new Map<string, number>();
  let at = 0;
  for (const row of rows.rows) last.set(keyOf(row), at++);
  const lasting = new Set(last.values());
  const places = deletionColumns(plan).map((column) => plan.columns.columns.indexOf(column));
  const deletions: Row[] = [];
  const kept = mapRows(rows.rows, (row, index) => {
    if (!lasting.has(index)) return undefined;
    if (!deleted.has(index)) return row;
    deletions.push(places.map((place) => row[place] ?? null));
    return undefined;
  });
  const upserts: Rows = { format: 'values', rows: kept };
  return { upserts: { ...batch, rows: upserts, rowCount: kept.length }, deletions };
}

function keyReader({ columns, key }: WritePlan): (row: Row) => string {
  const places = key.flatMap((name) => {
    const index = columns.columns.findIndex((each) => each.name === name);
    const column = columns.columns[index];
    return column ? [{ index, source: column.source }] : [];
  });
  return (row) => JSON.stringify(places.map(({ index, source }) => keyText(row[index] ?? null, source)));
}

/** Equal for values that every system treats as equal: 1.0 and 1.00 are one key. */
function keyText(value: Value, { type }: Column): string | null {
  if (value === null) return null;
  if (value instanceof Uint8Array) return Buffer.from(value).toString('hex');
  const text = String(value);
  if (type.kind === 'decimal') {
    const digits = decimalDigits(text);
    return digits ? plainDecimal(reduced(digits)) : text;
  }
  return type.kind === 'timestamp' || type.kind === 'time' ? withoutZeros(text) : text;
}

/** A fraction of a second without zeros at its end. */
function withoutZeros(time: string): string {
  const [, start = time, fraction = '', end = ''] = /^(.*:\d{2})\.(\d+)(.*)$/s.exec(time) ?? [];
  const kept = withoutEnd(fraction, '0');
  return `${start}${kept === '' ? '' : `.${kept}`}${end}`;
}
