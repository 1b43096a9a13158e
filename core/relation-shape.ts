import { schemaChanged } from './errors.ts';
import type { Relation } from './values.ts';

/** What a plan rests on: equal texts, equal plans. Estimates, findings and names of indexes do not count. */
export function shapeOf(relation: Relation): string {
  const columns = relation.columns.map((column) => [
    column.name,
    column.type,
    column.nativeType,
    column.isNullable,
    column.isGenerated ?? false,
    column.isIdentity ?? false,
    column.hasDefault ?? false,
    column.collation ?? '',
    column.equality ?? '',
  ]);
  const keys = relation.keys.map((key) => [key.columns, key.isPrimary, key.isDeferrable ?? false]);
  return JSON.stringify([relation.identity ?? '', relation.isOpaque ?? false, columns, keys]);
}

/** Throws SchemaChanged unless `now` is planned as `planned` was (Invariant 11). Null: there is no such table. */
export function requireShape(planned: Relation, now: Relation | null): void {
  if (now === null || shapeOf(now) !== shapeOf(planned)) throw schemaChanged(planned.name);
}
