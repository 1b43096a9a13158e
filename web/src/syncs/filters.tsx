import { useState } from 'react';
import type { SyncFacets } from '../api/types.ts';
import { number } from '../format.ts';
import { Button } from '../parts/button.tsx';
import { stateWord } from '../parts/state.tsx';
import { useSearch } from '../router.tsx';
import { strings } from '../strings.ts';
import { type FacetField, facetFields } from './list-query.ts';

const text = strings.syncs;
const usuallyShown = 6;

/** Values with counts; each count has all filters but those of its own field. */
export function Filters({ facets }: { readonly facets: SyncFacets | undefined }) {
  return (
    <div className="filters">
      {facetFields.map((field) => (
        <Facet key={field} field={field} counts={facets?.[field] ?? {}} />
      ))}
    </div>
  );
}

function Facet({ field, counts }: { readonly field: FacetField; readonly counts: Record<string, number> }) {
  const [search, setSearch] = useSearch();
  const [isLong, setLong] = useState(false);
  const chosen = search.getAll(field);
  const values = valuesOf(field, counts, chosen);
  if (values.length === 0 || (values.length === 1 && chosen.length === 0 && field !== 'state')) return null;
  const shown = isLong ? values : values.slice(0, usuallyShown);
  const toggle = (value: string) => {
    const next = chosen.includes(value) ? chosen.filter((each) => each !== value) : [...chosen, value];
    setSearch({ [field]: next });
  };
  return (
    <fieldset className="facet">
      <legend>{text.facets[field]}</legend>
      {shown.map((value) => (
        <label key={value} className="check">
          <input type="checkbox" checked={chosen.includes(value)} onChange={() => toggle(value)} />
          <span className="facet-value">{wordOf(field, value)}</span>
          <span className="number soft">{number(counts[value] ?? 0)}</span>
        </label>
      ))}
      {values.length > usuallyShown && (
        <Button kind="quiet" onClick={() => setLong(!isLong)}>
          {isLong ? text.fewer : text.moreValues(values.length - usuallyShown)}
        </Button>
      )}
    </fieldset>
  );
}

function valuesOf(field: FacetField, counts: Record<string, number>, chosen: readonly string[]): string[] {
  const found = Object.keys(counts).filter(
    (value) => value !== '' && !(field === 'attention' && value === 'none'),
  );
  const all = [...new Set([...found, ...chosen])];
  return all.sort((a, b) => (counts[b] ?? 0) - (counts[a] ?? 0) || (a < b ? -1 : 1));
}

function wordOf(field: FacetField, value: string): string {
  return field === 'state' || field === 'attention' ? stateWord(value) : value;
}
