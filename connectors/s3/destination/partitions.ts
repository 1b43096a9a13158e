import type { PartitionField } from '../../../core/sync-spec.ts';
import type { ColumnType, Row, Value } from '../../../core/values.ts';

/** As Hive names the partition of NULL. */
const nullName = '__HIVE_DEFAULT_PARTITION__';
/** Of one batch: each partition is an object of its own. */
export const maxPartitions = 10_000;

export interface PartitionColumn {
  readonly name: string;
  readonly type: ColumnType;
}

/** The folder of a row: `country=IT/at_day=2026-11-24/`. */
export type PartitionOf = (row: Row) => string;

export function partitioner(
  fields: readonly PartitionField[],
  columns: readonly PartitionColumn[],
): PartitionOf {
  const parts = fields.map(({ column, by }) => {
    const index = columns.findIndex(({ name }) => name === column);
    const name = encodeURIComponent(by === undefined ? column : `${column}_${by.toLowerCase()}`);
    return (row: Row) => `${name}=${valueName(row[index] ?? null, by)}/`;
  });
  return (row) => parts.map((part) => part(row)).join('');
}

function valueName(value: Value, by: PartitionField['by']): string {
  if (value === null) return nullName;
  const text = Buffer.isBuffer(value) ? value.toString('hex') : String(value);
  if (by === undefined) return encodeURIComponent(text) || nullName;
  const [, day, hour] = /^(-?\d{4,}-\d{2}-\d{2})(?:[ T](\d{2}))?/.exec(text) ?? [];
  if (day === undefined || (by === 'Hour' && hour === undefined)) return encodeURIComponent(text);
  return by === 'Day' ? day : `${day}-${hour}`;
}

/** Why rows cannot be put into these folders; undefined: they can. */
export function partitionRefusal(
  { column, by }: PartitionField,
  columns: readonly PartitionColumn[],
): string | undefined {
  const found = columns.find(({ name }) => name === column);
  if (!found) return `there is no column ${column}`;
  const { kind } = found.type;
  if (by !== undefined && kind !== 'timestamp' && !(kind === 'date' && by === 'Day'))
    return `column ${column} has no ${by === 'Day' ? 'day' : 'hour'}`;
  if (['json', 'array', 'bytes', 'float'].includes(kind)) return `column ${column} is a ${kind}`;
  return undefined;
}
