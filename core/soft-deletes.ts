import { softDeleteColumn } from './connector.ts';
import type { SyncSpec } from './sync-spec.ts';
import type { Column, Relation } from './values.ts';

const deletedAt: Column = {
  name: softDeleteColumn,
  type: { kind: 'timestamp', precision: 6, hasZone: true },
  nativeType: 'timestamp with time zone',
  isNullable: true,
};

/** The columns that the destination gets: with the time of a deletion behind those of the source. */
export function withSoftDeletes(relation: Relation, { deletes }: Pick<SyncSpec, 'deletes'>): Relation {
  return deletes === 'Soft' ? { ...relation, columns: [...relation.columns, deletedAt] } : relation;
}
