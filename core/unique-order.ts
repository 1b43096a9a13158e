import type { Relation } from './values.ts';

/**
 * Whether these columns tell any two rows of the relation apart, as far as its catalogue knows: one of its keys is contained in them. An
 * order by columns that do not cannot be paged by, since rows of one position may stand on both sides of a page's edge.
 */
export function isUniqueBy(relation: Pick<Relation, 'keys'>, names: readonly string[]): boolean {
  return relation.keys.some((key) => key.columns.every((name) => names.includes(name)));
}
