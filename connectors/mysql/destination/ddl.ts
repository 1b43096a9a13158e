import { createHash } from 'node:crypto';
import type { PlannedColumn } from '../../../core/column-plan.ts';
import type { WritePlan } from '../../../core/connector.ts';
import { quoteBacktick } from '../../sql/names.ts';
import { quoteName, type TableName } from '../names.ts';
import { partsOf } from '../types/type-name.ts';

/** The collation of each text column that is created: the source's if this server has it, otherwise one that compares as bytes. */
export type CollationOf = (planned: PlannedColumn) => string;

const textual = new Set(['char', 'varchar', 'tinytext', 'text', 'mediumtext', 'longtext', 'enum', 'set']);

export function createTable(plan: WritePlan, name: TableName, collationOf: CollationOf): string {
  const columns = plan.columns.columns.map(
    (planned) => `${columnDdl(planned, collationOf)} ${planned.isNullable ? 'NULL' : 'NOT NULL'}`,
  );
  const key = plan.hasUniqueKey ? [`PRIMARY KEY (${plan.key.map(quoteBacktick).join(', ')})`] : [];
  return `CREATE TABLE ${quoteName(name)} (\n  ${[...columns, ...key].join(',\n  ')}\n) ENGINE = InnoDB DEFAULT CHARACTER SET utf8mb4`;
}

/** Undefined if there is nothing to add. */
export function addColumns(plan: WritePlan, name: TableName, collationOf: CollationOf): string | undefined {
  if (plan.existing === null) return undefined;
  const missing = plan.columns.columns.filter((planned) => planned.existing === null);
  if (missing.length === 0) return undefined;
  const added = missing.map((planned) => `ADD COLUMN ${columnDdl(planned, collationOf)} NULL`);
  return `ALTER TABLE ${quoteName(name)} ${added.join(', ')}`;
}

/** The staging table for a table with a key. It has the target's column types and only that key, so that the last of equal rows stays. */
export function createStaging(plan: WritePlan, staging: TableName, collationOf: CollationOf): string {
  const columns = plan.columns.columns.map((planned) => {
    const nullable = plan.key.includes(planned.name) ? 'NOT NULL' : 'NULL';
    return `${columnDdl(planned, collationOf)} ${nullable}`;
  });
  const key = `PRIMARY KEY (${plan.key.map(quoteBacktick).join(', ')})`;
  return `CREATE TEMPORARY TABLE ${quoteName(staging)} (${[...columns, key].join(', ')}) ENGINE = InnoDB`;
}

function columnDdl(planned: PlannedColumn, collationOf: CollationOf): string {
  const ddl = planned.existing?.nativeType ?? planned.ddl;
  const needsCollation = textual.has(partsOf(ddl).base) && !/ COLLATE \w+$/.test(ddl);
  const collation = needsCollation ? collationDdl(collationOf(planned)) : '';
  return `${quoteBacktick(planned.name)} ${ddl}${collation}`;
}

function collationDdl(collation: string): string {
  return ` CHARACTER SET ${charsetOf(collation)} COLLATE ${collation}`;
}

/** The name of a collation starts with its character set. */
export function charsetOf(collation: string): string {
  return collation.split('_')[0] ?? collation;
}

/** Names of Idra's own tables beside the target. They always fit the length limit. */
export function ownTable(target: TableName, uid: string, purpose: 'staging' | 'shadow' | 'old'): TableName {
  const hash = createHash('sha256')
    .update(JSON.stringify([uid, target.schema, target.table]))
    .digest('hex');
  return { schema: target.schema, table: `_idra_${purpose}_${hash.slice(0, 16)}` };
}
