import type { Query } from '../api/client.ts';
import type { SyncFacets } from '../api/types.ts';

/** Fields with counts beside the list. */
export const facetFields = [
  'state',
  'attention',
  'source',
  'destination',
  'mode',
  'agent',
  'namespace',
] as const satisfies readonly (keyof SyncFacets)[];
export type FacetField = (typeof facetFields)[number];

export const pageSize = 100;

/** The search of the address as a query of the API, so that a link shows the same list. */
export function listQuery(search: URLSearchParams): Query {
  const several = Object.fromEntries(
    [...facetFields, 'label'].map((field) => [field, search.getAll(field)] as const),
  );
  return { q: search.get('q') ?? undefined, sort: search.get('sort') ?? undefined, ...several };
}

/** Without its order: for actions on all that match. */
export function matchQuery({ sort: _sort, ...query }: Query): Record<string, string | readonly string[]> {
  const filled = Object.entries(query).flatMap(([name, value]) => {
    const isEmpty = value === undefined || value === '' || (Array.isArray(value) && value.length === 0);
    return isEmpty ? [] : [[name, value as string | readonly string[]] as const];
  });
  return Object.fromEntries(filled);
}

export function isFiltered(search: URLSearchParams): boolean {
  return ['q', 'label', ...facetFields].some((name) => (search.get(name) ?? '') !== '');
}
