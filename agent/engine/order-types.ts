import type { ReadRequest } from '../../core/connector.ts';
import type { ColumnType } from '../../core/values.ts';

/** Types of the columns that an offset's values belong to, in order. */
export function orderTypes(
  read: Pick<ReadRequest, 'mode' | 'key' | 'timestampField' | 'relation'>,
): readonly ColumnType[] {
  const names =
    read.mode === 'Timestamp' && read.timestampField ? [read.timestampField, ...read.key] : read.key;
  return [...new Set(names)].flatMap(
    (name) => read.relation.columns.find((column) => column.name === name)?.type ?? [],
  );
}
