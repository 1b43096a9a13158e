import type { Document } from 'mongodb';
import { permanent } from '../../../core/errors.ts';
import { columnOf, stepsOf } from '../../../core/records/columns.ts';
import type { RecordColumn } from '../../../core/records/record-column.ts';
import type { Column, ColumnType, Relation, UniqueKey } from '../../../core/values.ts';
import type { CollectionInfo, Index } from '../describe.ts';
import { type BsonValue, bson } from '../types/format.ts';
import { wholeColumn } from '../types/row-formats.ts';
import { anyValue } from '../types/types.ts';

export const idName = '_id';

/** A collection as a relation, whose columns are fields of its documents. */
export function relationOf(
  collection: CollectionInfo,
  columns: readonly RecordColumn[],
  indexes: readonly Index[],
  estimatedRows: number | undefined,
): Relation {
  return {
    ...common(collection, estimatedRows),
    columns: columns.map((each) => withCollation(columnOf(each), collection.options)),
    keys: keysOf(collection, columns, indexes),
    recordColumns: columns,
  };
}

/** Documents as a whole, with the fields that they are ordered by. */
export function wholeRelation(
  collection: CollectionInfo,
  fields: ReadonlyMap<string, ColumnType>,
  indexes: readonly Index[],
  estimatedRows: number | undefined,
): Relation {
  const id: Column = {
    name: idName,
    type: fields.get(idName) ?? anyValue,
    nativeType: 'any',
    isNullable: false,
  };
  const others = [...fields].filter(([name]) => name !== idName);
  const columns = others.map(([name, type]): Column => ({ name, type, nativeType: 'any', isNullable: true }));
  const paths = [id, ...columns].map(({ name }) => ({
    name,
    path: name,
    type: '',
    nullable: name !== idName,
  }));
  return {
    ...common(collection, estimatedRows),
    columns: [id, ...columns, wholeColumn].map((each) => withCollation(each, collection.options)),
    keys: keysOf(collection, paths, indexes),
  };
}

function common({ name, kind, identity }: CollectionInfo, estimatedRows: number | undefined) {
  return {
    name,
    ...(identity !== undefined && { identity }),
    ...(estimatedRows !== undefined && { estimatedRows }),
    ...(kind !== 'collection' && { isOpaque: true as const }),
  };
}

/** Texts are compared by the collation of their collection, if it has one. */
function withCollation(column: Column, { collation }: Document): Column {
  const { locale, strength = 3, caseLevel = false } = (collation ?? {}) as Document;
  if (typeof locale !== 'string' || locale === 'simple') return column;
  const rule = `${locale}/${strength}${caseLevel ? '/case' : ''}`;
  return { ...column, collation: rule, equality: `mongodb:${rule}` };
}

function keysOf(
  { kind }: CollectionInfo,
  columns: readonly RecordColumn[],
  indexes: readonly Index[],
): readonly UniqueKey[] {
  if (kind !== 'collection') return [];
  const names = new Map(columns.map(({ path, name }) => [path, name]));
  const unique = indexes.filter(({ isUnique }) => isUnique);
  const keys = unique.flatMap(({ name, fields }): UniqueKey[] => {
    const found = fields.map(([path]) => names.get(path));
    const isPrimary = name === '_id_';
    const isNullable = columns.some((each) => found.includes(each.name) && each.nullable);
    if (found.some((each) => each === undefined) || (isNullable && fields.length > 1)) return [];
    return [{ name, columns: found as string[], isPrimary }];
  });
  // A single field that may be missing: unique among the documents that a mode by this field reads, but it identifies no document.
  const isCertain = ({ columns: of }: UniqueKey) =>
    columns.every((each) => !of.includes(each.name) || !each.nullable);
  return [
    ...keys.filter(({ isPrimary }) => isPrimary),
    ...keys.filter((each) => !each.isPrimary && isCertain(each)),
    ...keys.filter((each) => !each.isPrimary && !isCertain(each)),
  ];
}

/** The path of a column in filters and sorts. Throws FieldNotOrdered for a path that these do not have. */
export function dottedPath(column: string, columns: readonly RecordColumn[] | undefined): string {
  const found = columns?.find(({ name }) => name === column);
  const steps = found ? stepsOf(found) : [column];
  const isPlain =
    steps.length > 0 &&
    steps.every((each) => typeof each === 'string' && each !== '' && !/^\$|\0/.test(each));
  if (isPlain && (!found || steps.every((each) => !String(each).includes('.')))) return steps.join('.');
  throw permanent(
    'FieldNotOrdered',
    `documents cannot be ordered by column ${column}: its path has an element of an array, or a name with a dot or $`,
    {
      path: 'spec.source.columns',
      fix: 'order by another column',
    },
  );
}

/** The type of a field whose values are like this one; undefined: no document has it. */
export function fieldType(value: BsonValue | undefined, isTime: boolean): ColumnType {
  if (isTime || value?.type === bson.date) return { kind: 'timestamp', precision: 3, hasZone: true };
  switch (value?.type) {
    case bson.int32:
    case bson.int64:
      return { kind: 'int', bits: 64 };
    case bson.double:
    case bson.decimal:
      return { kind: 'decimal' };
    default:
      return { kind: 'text' };
  }
}
