import { useDataSources } from '../api/queries.ts';
import { isGranted, useSession } from '../api/session.tsx';
import type { DataSourceRow } from '../api/types.ts';
import { number } from '../format.ts';
import { LinkButton } from '../parts/button.tsx';
import { Empty, Failure, Skeleton } from '../parts/messages.tsx';
import { Page } from '../parts/page.tsx';
import { ReadyMark } from '../parts/state.tsx';
import { type Column, Table } from '../parts/table.tsx';
import { Nothing, Time } from '../parts/values.tsx';
import { dataSourceLink, Link, useSearch } from '../router.tsx';
import { strings } from '../strings.ts';

const text = strings.dataSources;

export function DataSourcesPage() {
  const session = useSession();
  const [search, setSearch] = useSearch();
  const q = search.get('q') ?? '';
  const { data, error, refetch } = useDataSources({ q, limit: 500 });
  const reason =
    session.mode === 'single'
      ? strings.single.readOnly
      : isGranted(session, 'editor')
        ? undefined
        : strings.roles.needsEditor;
  return (
    <Page
      title={strings.places.dataSources}
      mark={<span className="soft number">{data && number(data.total)}</span>}
      aside={
        <LinkButton to="/data-sources/new" kind="primary" reason={reason}>
          {text.add}
        </LinkButton>
      }
    >
      <div className="list-tools">
        <input
          type="search"
          className="search"
          aria-label={text.search}
          placeholder={text.search}
          value={q}
          onChange={(event) => setSearch({ q: event.target.value })}
        />
      </div>
      {error && <Failure error={error} retry={() => void refetch()} />}
      {!data && !error && <Skeleton lines={6} />}
      {data?.items.length === 0 && (
        <Empty title={q === '' ? text.none : strings.syncs.noMatch}>
          {q === '' && <p>{text.noneText}</p>}
        </Empty>
      )}
      {data && data.items.length > 0 && (
        <Table
          caption={strings.places.dataSources}
          columns={columns}
          rows={data.items}
          keyOf={({ uid }) => uid}
        />
      )}
      {data && data.total > data.items.length && (
        <p className="hint">{text.cut(number(data.items.length), number(data.total))}</p>
      )}
    </Page>
  );
}

const columns: readonly Column<DataSourceRow>[] = [
  { id: 'ready', title: text.state, cell: ({ ready }) => <ReadyMark ready={ready} /> },
  {
    id: 'name',
    title: text.name,
    cell: ({ namespace, name }) => (
      <Link to={dataSourceLink(namespace, name)}>
        <span className="faint">{namespace}/</span>
        {name}
      </Link>
    ),
  },
  {
    id: 'type',
    title: text.system,
    cell: ({ type, serverVersion }) => (
      <>
        <code>{type}</code> <span className="soft">{serverVersion}</span>
      </>
    ),
  },
  { id: 'syncs', title: strings.places.syncs, isNumber: true, cell: ({ syncs }) => number(syncs) },
  { id: 'slots', title: text.slots, isNumber: true, cell: slots },
  { id: 'checked', title: text.checked, cell: ({ checkedAt }) => <Time at={checkedAt} />, isWide: true },
  {
    id: 'message',
    title: text.message,
    cell: ({ message }) => (
      <span className="clip" title={message}>
        {message}
      </span>
    ),
    isWide: true,
  },
];

function slots({ slotsHeld, slotsAwaited, maxConcurrentSyncs }: DataSourceRow) {
  if (slotsHeld + slotsAwaited === 0) return <Nothing />;
  return (
    <span title={text.slotsTitle(slotsHeld, slotsAwaited)}>
      {slotsHeld}
      {maxConcurrentSyncs !== undefined && `/${maxConcurrentSyncs}`}
      {slotsAwaited > 0 && ` +${slotsAwaited}`}
    </span>
  );
}
