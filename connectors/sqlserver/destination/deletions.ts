import { softDeleteColumn, type WritePlan } from '../../../core/connector.ts';
import { deletionColumns } from '../../../core/last-changes.ts';
import type { Row, Value } from '../../../core/values.ts';
import type { Result } from '../connection/statements.ts';
import { quoteBracket } from '../names.ts';
import { type EncodedRows, type EncodeInput, encodeAll } from './bulk-load.ts';

/** Deletions as rows of the staging table: the key, with Soft the time, and nothing in the other columns. */
export function encodeDeletions(
  deletions: readonly Row[],
  { plan, columns, where }: EncodeInput,
  first: number,
): EncodedRows {
  const places = deletionColumns(plan).map(({ name }) => columns.findIndex((each) => each.name === name));
  // What a deletion does not have is not a NULL of the table.
  const own = columns.map((column, index) =>
    places.includes(index) ? column : { ...column, isFilled: false },
  );
  const rows = deletions.map((row) => spread(row, places, columns.length));
  return encodeAll(rows, { plan, columns: own, where }, first);
}

function spread(row: Row, places: readonly number[], width: number): Row {
  const spread = Array<Value>(width).fill(null);
  for (const [index, place] of places.entries()) spread[place] = row[index] ?? null;
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
