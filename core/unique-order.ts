import type { ReadRequest } from './connector.ts';
import type { Relation } from './values.ts';

/**
 * Whether these columns identify each row of the relation, as far as its catalogue shows: they contain one of its keys. Paging by other
 * columns could split rows of equal position across two pages.
 */
export function isUniqueBy(relation: Pick<Relation, 'keys'>, names: readonly string[]): boolean {
  return relation.keys.some((key) => key.columns.every((name) => names.includes(name)));
}

/**
 * Names of the columns that a mode orders and pages by, without duplicates: (key), (idField, perhaps with the key), or (timestampField,
 * key).
 */
export function orderedBy({
  mode,
  timestampField,
  key,
}: Pick<ReadRequest, 'mode' | 'key' | 'timestampField'>): readonly string[] {
  return [...new Set(mode === 'Timestamp' && timestampField ? [timestampField, ...key] : key)];
}
