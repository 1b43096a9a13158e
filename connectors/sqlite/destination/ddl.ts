import { createHash } from 'node:crypto';
import type { WritePlan } from '../../../core/connector.ts';
import { updatedColumns } from '../../../core/upsert-columns.ts';
import { quoteDouble } from '../../sql/names.ts';
import { typeDdl } from '../types/type-name.ts';

/** The statements that a claim runs, apart from those for the commit table. */
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

/** One statement for every row, so that the last row in read order wins. */
export function insertRow(table: string, plan: WritePlan): string {
  const names = plan.columns.columns.map((column) => column.name);
  // A constraint of the table may specify that a conflicting row is skipped or replaces others; OR ABORT refuses it instead.
  const insert = `INSERT OR ABORT INTO ${quoteDouble(table)} (${names.map(quoteDouble).join(', ')}) VALUES (${names.map(() => '?').join(', ')})`;
  if (plan.writeMode !== 'Upsert') return insert;
  const updated = updatedColumns(plan).map(quoteDouble);
  const conflict = `ON CONFLICT (${plan.key.map(quoteDouble).join(', ')})`;
  if (updated.length === 0) return `${insert} ${conflict} DO NOTHING`;
  return `${insert} ${conflict} DO UPDATE SET ${updated.map((name) => `${name} = excluded.${name}`).join(', ')}`;
}

/** Whether a row may meet an equal existing row, so that nothing is written. */
export function mayWriteNothing(plan: WritePlan): boolean {
  return plan.writeMode === 'Upsert' && updatedColumns(plan).length === 0;
}

/** The table beside the target that a Replace fills. Hashed, so that any name fits; its prefix shows that it belongs to Idra. */
export function shadowName(uid: string, table: string): string {
  return `_idra_new_${createHash('sha256')
    .update(JSON.stringify([uid, table.toLowerCase()]))
    .digest('hex')
    .slice(0, 16)}`;
}

/** The end of a Replace. Indexes and triggers are recreated from their own text; views refer to the table by name. */
export function swapStatements(table: string, shadow: string): readonly string[] {
  return [
    `DROP TABLE ${quoteDouble(table)}`,
    `ALTER TABLE ${quoteDouble(shadow)} RENAME TO ${quoteDouble(table)}`,
  ];
}
