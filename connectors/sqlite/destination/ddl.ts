import { createHash } from 'node:crypto';
import type { WritePlan } from '../../../core/connector.ts';
import { updatedColumns } from '../../../core/upsert-columns.ts';
import { quoteDouble } from '../../sql/names.ts';
import { typeDdl } from '../types/column-types.ts';

/** The statements that a claim runs, besides those for the commit table. */
export function targetStatements(table: string, plan: WritePlan): readonly string[] {
  if (plan.existing === null) return [createTable(table, plan)];
  return plan.columns.columns
    .filter((column) => column.existing === null)
    .map((column) => `ALTER TABLE ${quoteDouble(table)} ADD COLUMN ${columnDefinition(column)}`);
}

/** The source's columns in order, the key and NOT NULL; nothing else. */
function createTable(table: string, plan: WritePlan): string {
  const lines = plan.columns.columns.map((column) =>
    column.isNullable ? columnDefinition(column) : `${columnDefinition(column)} NOT NULL`,
  );
  if (plan.hasUniqueKey) lines.push(`PRIMARY KEY (${plan.key.map(quoteDouble).join(', ')})`);
  return `CREATE TABLE ${quoteDouble(table)} (\n  ${lines.join(',\n  ')}\n)`;
}

function columnDefinition({ name, ddl }: { readonly name: string; readonly ddl: string }): string {
  return `${quoteDouble(name)} ${typeDdl(ddl)}`.trimEnd();
}

/** One statement for every row: what came last in read order stands at the end. */
export function insertRow(table: string, plan: WritePlan): string {
  const names = plan.columns.columns.map((column) => column.name);
  // A constraint of the table may say that a row which it refuses is left out, or takes the place of others: here it is refused.
  const insert = `INSERT OR ABORT INTO ${quoteDouble(table)} (${names.map(quoteDouble).join(', ')}) VALUES (${names.map(() => '?').join(', ')})`;
  if (plan.writeMode !== 'Upsert') return insert;
  const updated = updatedColumns(plan).map(quoteDouble);
  const conflict = `ON CONFLICT (${plan.key.map(quoteDouble).join(', ')})`;
  if (updated.length === 0) return `${insert} ${conflict} DO NOTHING`;
  return `${insert} ${conflict} DO UPDATE SET ${updated.map((name) => `${name} = excluded.${name}`).join(', ')}`;
}

/** Whether a row may meet its own equal, and then nothing is written. */
export function mayWriteNothing(plan: WritePlan): boolean {
  return plan.writeMode === 'Upsert' && updatedColumns(plan).length === 0;
}

/** Beside the target while a Replace is filled. Hashed: any name fits, and it says by its beginning whose it is. */
export function shadowName(uid: string, table: string): string {
  return `_idra_new_${createHash('sha256')
    .update(JSON.stringify([uid, table.toLowerCase()]))
    .digest('hex')
    .slice(0, 16)}`;
}

/** The end of a Replace. Indexes and triggers are made again from their own text, views go by the name. */
export function swapStatements(table: string, shadow: string): readonly string[] {
  return [
    `DROP TABLE ${quoteDouble(table)}`,
    `ALTER TABLE ${quoteDouble(shadow)} RENAME TO ${quoteDouble(table)}`,
  ];
}
