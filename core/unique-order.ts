import type { ReadRequest } from './connector.ts';
import type { Relation } from './values.ts';

/**
 * Whether these columns tell any two rows of the relation apart, as far as its catalogue knows: one of its keys is contained in them. An
 * order by columns that do not cannot be paged by, since rows of one position may stand on both sides of a page's edge.
 */
export function isUniqueBy(relation: Pick<Relation, 'keys'>, names: readonly string[]): boolean {
  return relation.keys.some((key) => key.columns.every((name) => names.includes(name)));
}

/** Names of the columns that a mode orders and pages by, each once: (key), (idField, perhaps with the key), or (timestampField, key). */
export function orderedBy({
  mode,
  timestampField,
  key,
}: Pick<ReadRequest, 'mode' | 'key' | 'timestampField'>): readonly string[] {
  return [...new Set(mode === 'Timestamp' && timestampField ? [timestampField, ...key] : key)];
}
