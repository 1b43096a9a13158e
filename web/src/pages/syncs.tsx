import { Popover } from 'radix-ui';
import { type ReactNode, useCallback, useEffect, useMemo, useRef, useState } from 'react';
import { isGranted, useSession } from '../api/session.tsx';
import { number } from '../format.ts';
import { Button, LinkButton } from '../parts/button.tsx';
import { Empty, Failure, Findings } from '../parts/messages.tsx';
import { Page } from '../parts/page.tsx';
import { navigate, useSearch } from '../router.tsx';
import { strings } from '../strings.ts';
import { columns, hiddenAtFirst } from '../syncs/columns.tsx';
import { Filters } from '../syncs/filters.tsx';
import { facetFields, isFiltered, listQuery } from '../syncs/list-query.ts';
import { SavedViews } from '../syncs/saved-views.tsx';
import { SelectionBar } from '../syncs/selection.tsx';
import { SyncTable } from '../syncs/sync-table.tsx';
import { useSyncWindow } from '../syncs/use-window.ts';
import { useMedia } from '../theme.ts';
import { FirstSteps } from './first-steps.tsx';

const text = strings.syncs;

export function SyncsPage() {
  const [search] = useSearch();
  const query = useMemo(() => listQuery(search), [search]);
  const [range, setRange] = useState<readonly [number, number]>([0, 0]);
  const onRange = useCallback((first: number, last: number) => setRange([first, last]), []);
  const shown = useSyncWindow(query, ...range);
  const [chosen, setChosen] = useState<ReadonlySet<string>>(new Set());
  const hasRoomForFilters = useMedia('(min-width: 1200px)');
  const hidden = useMemo(() => new Set((search.get('hide') ?? hiddenAtFirst).split(',')), [search]);
  const isNothing = shown.total === 0 && !isFiltered(search);
  return (
    <Page title={strings.places.syncs} mark={<Total total={shown.total} />} aside={<AddSync />}>
      <div className="list-tools">
        <SearchBox />
        {!hasRoomForFilters && (
          <FilterPopover>
            <Filters facets={shown.facets} />
          </FilterPopover>
        )}
        <SavedViews />
        <ViewPopover hidden={hidden} isDense={search.get('rows') !== 'tall'} />
      </div>
      {shown.findings.length > 0 && <Findings findings={shown.findings} />}
      {shown.error && <Failure error={shown.error} />}
      <SelectionBar
        chosen={chosen}
        query={query}
        total={shown.total ?? 0}
        onClear={() => setChosen(new Set())}
      />
      {isNothing ? (
        <FirstSteps />
      ) : (
        <div className="list">
          {hasRoomForFilters && (
            <aside className="list-filters" aria-label={text.filters}>
              <Filters facets={shown.facets} />
            </aside>
          )}
          {shown.total === 0 ? (
            <NothingMatches />
          ) : (
            <SyncTable
              window={shown}
              chosen={chosen}
              onChoose={setChosen}
              onRange={onRange}
              hidden={hidden}
              isDense={search.get('rows') !== 'tall'}
            />
          )}
        </div>
      )}
    </Page>
  );
}

function Total({ total }: { readonly total: number | undefined }) {
  return (
    <span className="soft number" role="status">
      {total === undefined ? '' : text.total(number(total))}
    </span>
  );
}

function AddSync() {
  const session = useSession();
  const reason =
    session.mode === 'single'
      ? strings.single.readOnly
      : isGranted(session, 'editor')
        ? undefined
        : strings.roles.needsEditor;
  return (
    <LinkButton to="/syncs/new" kind="primary" reason={reason}>
      {text.add}
    </LinkButton>
  );
}

const typingMs = 200;

function SearchBox() {
  const [search, setSearch] = useSearch();
  const given = search.get('q') ?? '';
  const [typed, setTyped] = useState(given);
  const sent = useRef(given);
  useEffect(() => {
    if (given !== sent.current) setTyped(given);
    sent.current = given;
  }, [given]);
  useEffect(() => {
    if (typed === sent.current) return;
    const timer = setTimeout(() => {
      sent.current = typed;
      setSearch({ q: typed });
    }, typingMs);
    return () => clearTimeout(timer);
  }, [typed, setSearch]);
  return (
    <input
      type="search"
      className="search"
      aria-label={text.search}
      placeholder={text.searchSample}
      value={typed}
      onChange={(event) => setTyped(event.target.value)}
    />
  );
}

function FilterPopover({ children }: { readonly children: ReactNode }) {
  const [search] = useSearch();
  const count = facetFields.reduce((sum, field) => sum + search.getAll(field).length, 0);
  return (
    <Popover.Root>
      <Popover.Trigger className="button button-plain">
        {text.filters}
        {count > 0 && <span className="number"> ({count})</span>}
      </Popover.Trigger>
      <Popover.Portal>
        <Popover.Content className="popover" align="end" sideOffset={4} aria-label={text.filters}>
          {children}
        </Popover.Content>
      </Popover.Portal>
    </Popover.Root>
  );
}

/** Which columns, and how high the rows are: part of the address, as the filters are. */
function ViewPopover({
  hidden,
  isDense,
}: {
  readonly hidden: ReadonlySet<string>;
  readonly isDense: boolean;
}) {
  const [, setSearch] = useSearch();
  const toggle = (id: string) => {
    const next = new Set(hidden);
    if (!next.delete(id)) next.add(id);
    setSearch({ hide: [...next].filter((each) => each !== '').join(',') || 'none' });
  };
  return (
    <Popover.Root>
      <Popover.Trigger className="button button-plain">{text.view}</Popover.Trigger>
      <Popover.Portal>
        <Popover.Content className="popover" align="end" sideOffset={4} aria-label={text.view}>
          <fieldset className="facet">
            <legend>{text.columns}</legend>
            {columns
              .filter(({ enableHiding }) => enableHiding !== false)
              .map(({ id = 'mode', header }) => (
                <label key={id} className="check">
                  <input type="checkbox" checked={!hidden.has(id)} onChange={() => toggle(id)} />
                  {String(header)}
                </label>
              ))}
          </fieldset>
          <label className="check">
            <input
              type="checkbox"
              checked={!isDense}
              onChange={() => setSearch({ rows: isDense ? 'tall' : undefined })}
            />
            {text.tall}
          </label>
        </Popover.Content>
      </Popover.Portal>
    </Popover.Root>
  );
}

function NothingMatches() {
  return (
    <Empty title={text.noMatch}>
      <p>{text.noMatchText}</p>
      <Button onClick={() => navigate('/syncs')}>{text.clearFilters}</Button>
    </Empty>
  );
}
