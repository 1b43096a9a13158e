import type { Database } from 'better-sqlite3';
import type { ClaimRequest, WritePlan } from '../../../core/connector.ts';
import { bug, permanent } from '../../../core/errors.ts';
import type { Value } from '../../../core/values.ts';
import { quoteDouble } from '../../sql/names.ts';
import { affinityOf, typeOfDeclared } from '../types/column-types.ts';
import { decoderOf, type Stored } from '../types/decode.ts';

/** The last row in the order of these columns; by time if they hold times, whatever the digits of their fractions. */
export function largestRow(
  database: Database,
  table: string,
  request: ClaimRequest,
  columns: readonly string[],
): readonly Value[] | null {
  const [first = '', ...rest] = columns.map(quoteDouble);
  for (const name of columns) requireOrdered(request.plan, name);
  const types = columns.map((name) => typeOfDeclared(columnOf(request.plan, name).ddl));
  const newest = database
    .prepare(`SELECT max(${first}) FROM ${quoteDouble(table)}`)
    .pluck()
    .get() as Stored;
  if (newest === null) return null;
  const isStored = request.rowFormat.format === 'sqlite';
  const isTime = !isStored && types[0]?.kind === 'timestamp' && typeof newest === 'string';
  const rank = isTime ? `rtrim(replace(${first}, 'T', ' '), 'Z')` : first;
  const order = [rank, ...rest].map((each) => `${each} DESC`).join(', ');
  const row = database
    .prepare(
      `SELECT ${[first, ...rest].join(', ')} FROM ${quoteDouble(table)} WHERE ${first} >= ? ORDER BY ${order} LIMIT 1`,
    )
    .raw()
    .get(isTime ? newest.slice(0, 10) : newest) as Stored[];
  if (isStored) return row;
  return row.map((stored, index) => {
    const type = types[index];
    return (type && decoderOf(type)?.(stored)) ?? stored;
  });
}

function columnOf(plan: WritePlan, name: string) {
  const column = plan.columns.columns.find((each) => each.name === name);
  if (column) return column;
  throw bug(`the largest value of ${name} was requested, but the column is not copied`);
}

/** Numbers in a column of affinity TEXT compare as text: the largest text is not the largest number. */
function requireOrdered(plan: WritePlan, name: string): void {
  const { ddl, source } = columnOf(plan, name);
  if (affinityOf(ddl) !== 'TEXT' || !['int', 'float', 'decimal'].includes(source.type.kind)) return;
  throw permanent(
    'FieldNotOrdered',
    `column ${name} (${ddl}) holds numbers as text, whose largest is not the largest number`,
    {
      path: 'spec.mode',
      fix: 'use mode Id or Timestamp, which keep their own offset',
    },
  );
}
