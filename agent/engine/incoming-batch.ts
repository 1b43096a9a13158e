import type { Batch, Rows } from '../../core/batch.ts';
import { restartCommand } from '../../core/commands.ts';
import { softDeleteColumn, type WritePlan, type WriteResult } from '../../core/connector.ts';
import { IdraError, permanent } from '../../core/errors.ts';
import { mapRows } from '../../core/packed-rows.ts';
import { mostFields } from '../../core/records/inference.ts';
import type { RecordColumn } from '../../core/records/record-column.ts';
import { tooManyFields } from '../../core/records/refusals.ts';
import { describeRejection } from '../../core/row-name.ts';
import type { SyncSpec } from '../../core/sync-spec.ts';
import type { SyncPlan } from './plan.ts';

/** Records have fields without a column, and schemaChanges adds columns: both ends are planned again with them. */
export class FieldsAdded extends IdraError {
  readonly columns: readonly RecordColumn[];

  constructor(object: string, columns: readonly RecordColumn[]) {
    const message = `records of ${object} have new fields: ${namesOf(columns)}`;
    super({ code: 'SchemaChanged', disposition: 'transient', message });
    this.columns = columns;
  }
}

/** Throws if the records have new fields that stop the Sync or change its plan; returns the names of those that are left out. */
export function newFieldsLeftOut(
  { newFields = [] }: Batch,
  { source, inferred = [] }: SyncPlan,
  { schemaChanges }: SyncSpec,
): readonly string[] {
  if (newFields.length === 0) return [];
  switch (schemaChanges) {
    case 'Ignore':
      return newFields.map(({ name }) => name);
    case 'AddColumns':
      if (inferred.length + newFields.length > mostFields) throw tooManyFields(source.name);
      throw new FieldsAdded(source.name, newFields);
    case 'Fail':
      throw permanent(
        'FieldUnknown',
        `records of ${source.name} have fields that the inferred columns do not have: ${namesOf(newFields)}`,
        {
          path: 'spec.schemaChanges',
          fix: `set schemaChanges to AddColumns or Ignore, or run ${restartCommand} to infer all columns again`,
        },
      );
  }
}

const mostNames = 5;

function namesOf(columns: readonly RecordColumn[]): string {
  const names = columns.slice(0, mostNames).map(({ name }) => name);
  const more = columns.length - names.length;
  return `${names.join(', ')}${more > 0 ? ` and ${more} more` : ''}`;
}

/** onError Stop: the first record that does not fit stops the Sync, before a row of its batch is written. */
export function requireFits({ misfits }: Batch, { source }: SyncPlan, { onError }: SyncSpec): void {
  const [first] = misfits?.rejections ?? [];
  if (onError !== 'Stop' || !first) return;
  throw permanent(first.code, `${source.name} has a record that does not fit: ${describeRejection(first)}`, {
    path: 'spec.source.columns',
    fix: 'give the column a type that keeps the value, such as json, correct the record, or set onError to Skip',
  });
}

/** The number of records that a batch stands for. */
export function recordsOf({ rowCount, misfits }: Batch): number {
  return rowCount + (misfits?.count ?? 0);
}

/** The result of a write, with the records that never became rows. */
export function withMisfits(result: WriteResult, { misfits }: Batch): WriteResult {
  if (!misfits) return result;
  return {
    ...result,
    rejected: result.rejected + misfits.count,
    rejections: [...result.rejections, ...misfits.rejections],
  };
}

type ValueRows = Extract<Rows, { rows: unknown }>;

/** The batch in the form that WritePlan.deletes promises to the destination. */
export function withDeletes(batch: Batch, { deletes, columns }: WritePlan, nowMs: number): Batch {
  if (!('rows' in batch.rows)) return batch;
  const { rows } = batch;
  if (deletes === 'Ignore')
    return rows.deletions?.length ? withoutDeletions(batch, rows, rows.deletions) : batch;
  const isMarked = deletes === 'Soft' && columns.columns.at(-1)?.name === softDeleteColumn;
  return isMarked ? { ...batch, rows: marked(rows, deletionTime(batch, nowMs)) } : batch;
}

function withoutDeletions(batch: Batch, { format, rows }: ValueRows, deletions: readonly number[]): Batch {
  const dropped = new Set(deletions);
  const kept = mapRows(rows, (row, index) => (dropped.has(index) ? undefined : row));
  return { ...batch, rows: { format, rows: kept }, rowCount: kept.length };
}

/** softDeleteColumn is the last column: the time in deletions, null in all other rows. */
function marked({ format, rows, deletions = [] }: ValueRows, time: string): Rows {
  const deleted = new Set(deletions);
  return {
    format,
    rows: mapRows(rows, (row, index) => [...row, deleted.has(index) ? time : null]),
    ...(deletions.length > 0 && { deletions }),
  };
}

/** The commit of the last change, otherwise now. Systems keep six digits of a second. */
function deletionTime({ lastTimestamp }: Batch, nowMs: number): string {
  const [, known] = /^(.*:\d{2}(?:\.\d{1,6})?)\d*Z$/.exec(lastTimestamp ?? '') ?? [];
  return known === undefined ? new Date(nowMs).toISOString().replace('T', ' ') : `${known}Z`;
}
