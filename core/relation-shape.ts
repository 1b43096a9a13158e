import { schemaChanged } from './errors.ts';
import type { Column, Relation } from './values.ts';

/**
 * The parts of a relation that a plan depends on, as text: equal texts give equal plans. Estimates, findings and index names are not
 * included.
 */
export function shapeOf(relation: Relation): string {
  const keys = relation.keys.map((key) => [key.columns, key.isPrimary, key.isDeferrable ?? false]);
  return JSON.stringify([
    relation.identity ?? '',
    relation.isOpaque ?? false,
    relation.hidesRows ?? false,
    relation.columns.map(columnShape),
    keys,
  ]);
}

function columnShape(column: Column): readonly unknown[] {
  return [
    column.name,
    column.type,
    column.nativeType,
    column.isNullable,
    column.isGenerated ?? false,
    column.isIdentity ?? false,
    column.isNeverUpdated ?? false,
    column.hasDefault ?? false,
    column.collation ?? '',
    column.equality ?? '',
  ];
}

/** Throws SchemaChanged unless `now` has the shape of `planned` (Invariant 11). Null: the table does not exist. */
export function requireShape(planned: Relation, now: Relation | null): void {
  if (now !== null && shapeOf(now) === shapeOf(planned)) return;
  throw schemaChanged(planned.name, { what: now === null ? 'it no longer exists' : changeOf(planned, now) });
}

/** For messages: the first columns that differ, otherwise what else differs. */
export function changeOf(planned: Relation, now: Relation): string {
  const after = new Map(now.columns.map((column) => [column.name, column]));
  const before = new Set(planned.columns.map(({ name }) => name));
  const changes = [
    ...planned.columns.flatMap((column) => columnChange(column, after.get(column.name))),
    ...now.columns
      .filter(({ name }) => !before.has(name))
      .map(({ name, nativeType }) => `column ${name} (${nativeType}) is new`),
  ];
  if (changes.length > 3) return `${changes.slice(0, 3).join(', ')} and ${changes.length - 3} more`;
  if (changes.length > 0) return changes.join(', ');
  if (planned.identity !== now.identity) return 'it is another table of the same name';
  if (planned.columns.some(({ name }, index) => now.columns[index]?.name !== name))
    return 'the order of its columns changed';
  if (planned.hidesRows !== now.hidesRows)
    return now.hidesRows
      ? 'row security now hides some of its rows'
      : 'row security no longer hides any of its rows';
  return 'its keys changed';
}

function columnChange(before: Column, after: Column | undefined): readonly string[] {
  if (!after) return [`column ${before.name} no longer exists`];
  if (JSON.stringify(columnShape(before)) === JSON.stringify(columnShape(after))) return [];
  if (before.nativeType !== after.nativeType)
    return [`column ${before.name} was ${before.nativeType} and is ${after.nativeType}`];
  if (before.isNullable !== after.isNullable)
    return [`column ${before.name} is now ${after.isNullable ? 'nullable' : 'not nullable'}`];
  return [`column ${before.name} has a different default, collation or generation expression`];
}
