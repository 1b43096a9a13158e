import { useInfiniteQuery } from '@tanstack/react-query';
import { Tabs } from 'radix-ui';
import { apiRoot, call } from '../api/client.ts';
import { useEvents } from '../api/queries.ts';
import { isGranted, useSession } from '../api/session.tsx';
import type { AuditList } from '../api/types.ts';
import { AuditTable } from '../parts/audit.tsx';
import { Button } from '../parts/button.tsx';
import { EventList } from '../parts/events.tsx';
import { TextField } from '../parts/field.tsx';
import { Failure, Skeleton } from '../parts/messages.tsx';
import { Page } from '../parts/page.tsx';
import { useSearch } from '../router.tsx';
import { strings } from '../strings.ts';

const text = strings.activity;

export function ActivityPage() {
  const session = useSession();
  const [search, setSearch] = useSearch();
  if (!isGranted(session, 'admin', '*'))
    return (
      <Page title={strings.places.activity}>
        <p className="soft">{text.adminsSee}</p>
        <Events />
      </Page>
    );
  return (
    <Page title={strings.places.activity}>
      <Tabs.Root
        value={search.get('tab') ?? 'events'}
        onValueChange={(tab) => setSearch({ tab: tab === 'events' ? undefined : tab })}
      >
        <Tabs.List className="tabs" aria-label={strings.places.activity}>
          <Tabs.Trigger value="events" className="tab">
            {text.events}
          </Tabs.Trigger>
          <Tabs.Trigger value="changes" className="tab">
            {text.changes}
          </Tabs.Trigger>
        </Tabs.List>
        <Tabs.Content value="events" className="tab-content" tabIndex={-1}>
          <Events />
        </Tabs.Content>
        <Tabs.Content value="changes" className="tab-content" tabIndex={-1}>
          <Audit />
        </Tabs.Content>
      </Tabs.Root>
    </Page>
  );
}

function Events() {
  const { data, error, refetch } = useEvents();
  const [search, setSearch] = useSearch();
  const q = (search.get('q') ?? '').toLowerCase();
  if (error) return <Failure error={error} retry={() => void refetch()} />;
  if (!data) return <Skeleton lines={10} />;
  const shown = data.items.filter(({ object, message }) => `${object} ${message}`.toLowerCase().includes(q));
  return (
    <>
      <div className="list-tools">
        <input
          type="search"
          className="search"
          aria-label={text.filter}
          placeholder={text.filter}
          value={search.get('q') ?? ''}
          onChange={(event) => setSearch({ q: event.target.value })}
        />
      </div>
      <EventList events={shown} />
      <p className="hint">{text.eventsText}</p>
    </>
  );
}

const filters = ['user', 'action', 'object', 'namespace'] as const;

function Audit() {
  const [search, setSearch] = useSearch();
  const query = Object.fromEntries(filters.map((name) => [name, search.get(name) ?? undefined]));
  const pages = useInfiniteQuery({
    queryKey: ['audit', query],
    queryFn: ({ pageParam, signal }) =>
      call<AuditList>('/audit', { query: { ...query, limit: 100, before: pageParam }, signal }),
    initialPageParam: undefined as string | undefined,
    getNextPageParam: (page) => (page.hasMore ? page.items.at(-1)?.id : undefined),
    staleTime: 0,
    placeholderData: (before) => before,
  });
  return (
    <>
      <div className="list-tools list-fields">
        {filters.map((name) => (
          <TextField
            key={name}
            label={strings.audit[name]}
            value={search.get(name) ?? ''}
            onChange={(event) => setSearch({ [name]: event.target.value })}
          />
        ))}
        <a className="button button-plain" href={`${apiRoot}/audit/export`} download>
          {text.export}
        </a>
      </div>
      {pages.error && <Failure error={pages.error} retry={() => void pages.refetch()} />}
      {pages.data ? (
        <AuditTable entries={pages.data.pages.flatMap(({ items }) => items)} />
      ) : (
        <Skeleton lines={8} />
      )}
      {pages.hasNextPage && (
        <Button isBusy={pages.isFetchingNextPage} onClick={() => void pages.fetchNextPage()}>
          {text.older}
        </Button>
      )}
    </>
  );
}
