import type { Batch } from '../../../core/batch.ts';
import { type Rejection, softDeleteColumn, type WritePlan } from '../../../core/connector.ts';
import { deletionColumns } from '../../../core/last-changes.ts';
import type { Row } from '../../../core/values.ts';
import type { Result } from '../connection/statements.ts';
import { quoteBracket } from '../names.ts';
import { type StagedRow, type StageInput, toStagedRows } from './bulk-load.ts';

/** Deletions as rows of the staging table: the key, with Soft the time, and nothing in the other columns. */
export function toStagedDeletions(
  deletions: readonly Row[],
  { plan, columns, where }: StageInput,
): { readonly rows: readonly StagedRow[]; readonly rejections: readonly Rejection[] } {
  if (deletions.length === 0) return { rows: [], rejections: [] };
  const planned = deletionColumns(plan);
  const places = planned.map(({ name }) => columns.findIndex((column) => column.name === name));
  const own = {
    plan: { ...plan, columns: { ...plan.columns, columns: planned } },
    columns: places.flatMap((place) => columns[place] ?? []),
    where,
  };
  const batch: Pick<Batch, 'rows'> = { rows: { format: 'values', rows: deletions } };
  const { rows, rejections } = toStagedRows(batch, own);
  return { rows: rows.map((row) => ({ ...row, values: spread(row, places, columns.length) })), rejections };
}

function spread({ values }: StagedRow, places: readonly number[], width: number): StagedRow['values'] {
  const spread = Array<StagedRow['values'][number]>(width).fill(null);
  for (const [index, place] of places.entries()) spread[place] = values[index] ?? null;
  return spread;
}

/** How the statement that counts deletions names its result. */
const countName = 'idra_deleted';

/** `joined`: the target as t, joined by the key with the staging table as s, whose deletions `rows` selects. `time`: that of a deletion. */
export function deletionSql(
  { deletes }: Pick<WritePlan, 'deletes'>,
  { joined, rows, time }: { readonly joined: string; readonly rows: string; readonly time: string },
): string[] {
  const deletedAt = `t.${quoteBracket(softDeleteColumn)}`;
  const statement =
    deletes === 'Hard'
      ? `DELETE t FROM ${joined} WHERE ${rows}`
      : `UPDATE t SET ${deletedAt} = ${time} FROM ${joined} WHERE ${rows} AND ${deletedAt} IS NULL`;
  return [statement, `SELECT @@ROWCOUNT AS ${countName}`];
}

/** Rows that the deletions of a transaction have deleted or marked. Triggers may return results of their own. */
export function deletedRows(results: readonly Result[]): number {
  const counts = results.filter(({ fields }) => fields.length === 1 && fields[0]?.name === countName);
  return counts.reduce((sum, { rows }) => sum + Number(rows[0]?.[0]), 0);
}
