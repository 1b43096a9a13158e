import { createHash } from 'node:crypto';
import type { PlannedColumn } from '../../../core/column-plan.ts';
import type { WritePlan } from '../../../core/connector.ts';
import { quoteBracket, quoteName, type TableName } from '../names.ts';
import type { LoadColumn } from '../types/encode.ts';
import { partsOf } from '../types/type-name.ts';

/** The collation of each text column that is created: the source's if this server has it, else one that compares code units. */
export type CollationOf = (planned: PlannedColumn) => string;

export const binaryCollation = 'Latin1_General_100_BIN2';
export const stageName = '#idra_stage';

const textual = new Set(['char', 'varchar', 'nchar', 'nvarchar', 'text', 'ntext']);
/** The key of a clustered index. */
const maxClusteredBytes = 900;

export function createTable(plan: WritePlan, name: TableName, collationOf: CollationOf): string {
  const columns = plan.columns.columns.map(
    (planned) => `${columnDdl(planned, collationOf)} ${planned.isNullable ? 'NULL' : 'NOT NULL'}`,
  );
  const kind = keyBytes(plan) > maxClusteredBytes ? 'NONCLUSTERED' : 'CLUSTERED';
  const key = plan.hasUniqueKey ? [`PRIMARY KEY ${kind} (${plan.key.map(quoteBracket).join(', ')})`] : [];
  return `CREATE TABLE ${quoteName(name)} (\n  ${[...columns, ...key].join(',\n  ')}\n)`;
}

function keyBytes({ key, columns }: WritePlan): number {
  const sizes = columns.columns
    .filter(({ name }) => key.includes(name))
    .map(({ ddl }) => {
      const { base, numbers } = partsOf(ddl);
      const [length] = numbers;
      if (length === undefined || !/char|binary/.test(base)) return 16;
      return base.startsWith('n') ? 2 * length : length;
    });
  return sizes.reduce((sum, size) => sum + size, 0);
}

/** Undefined if there is nothing to add. */
export function addColumns(plan: WritePlan, name: TableName, collationOf: CollationOf): string | undefined {
  if (plan.existing === null) return undefined;
  const missing = plan.columns.columns.filter((planned) => planned.existing === null);
  if (missing.length === 0) return undefined;
  const added = missing.map((planned) => `${columnDdl(planned, collationOf)} NULL`);
  return `ALTER TABLE ${quoteName(name)} ADD ${added.join(', ')}`;
}

function columnDdl(planned: PlannedColumn, collationOf: CollationOf): string {
  const ddl = planned.existing?.nativeType ?? planned.ddl;
  const collation = textual.has(partsOf(ddl).base) ? ` COLLATE ${collationOf(planned)}` : '';
  return `${quoteBracket(planned.name)} ${ddl}${collation}`;
}

/** `isMerged`: statements find rows by their numbers, also while none is refused. An insert takes all rows, and an index only costs. */
export interface StageInput {
  readonly plan: WritePlan;
  readonly columns: readonly LoadColumn[];
  readonly isMerged: boolean;
}

/** A table of the session, with the number of each row, and texts in the collation of the target. */
export function createStage({ plan, columns, isMerged }: StageInput, collationOf: CollationOf): string {
  const items = columns.map(({ ddl, isText }, index) => {
    const planned = plan.columns.columns[index];
    const collation = isText && planned ? ` COLLATE ${collationOf(planned)}` : '';
    return `c${index} ${ddl}${collation} NULL`;
  });
  return `IF OBJECT_ID('tempdb..${stageName}') IS NOT NULL DROP TABLE ${stageName}; CREATE TABLE ${stageName} (n int NOT NULL${isMerged ? ' PRIMARY KEY' : ''}, ${items.join(', ')})`;
}

/** Names of Idra's own tables beside the target. They always fit the length limit. */
export function ownTable(target: TableName, uid: string, purpose: 'shadow' | 'old'): TableName {
  const hash = createHash('sha256')
    .update(JSON.stringify([uid, target.schema, target.table]))
    .digest('hex');
  return { schema: target.schema, table: `_idra_${purpose}_${hash.slice(0, 16)}` };
}
