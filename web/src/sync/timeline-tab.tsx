import { useQuery } from '@tanstack/react-query';
import { call } from '../api/client.ts';
import { useEvents } from '../api/queries.ts';
import { isGranted, useSession } from '../api/session.tsx';
import type { AuditEntry, AuditList, Event, SyncDetail } from '../api/types.ts';
import { AuditTable } from '../parts/audit.tsx';
import { EventList } from '../parts/events.tsx';
import { Failure, Skeleton } from '../parts/messages.tsx';
import { Section } from '../parts/page.tsx';
import { strings } from '../strings.ts';

/** What happened to it, and, for administrators, who did it. */
export function TimelineTab({ detail: { row } }: { readonly detail: SyncDetail }) {
  const object = `Sync ${row.namespace}/${row.name}`;
  const { data, error } = useEvents(object);
  const session = useSession();
  return (
    <>
      <Section title={strings.sync.happened}>
        {error && <Failure error={error} />}
        {data ? <EventList events={data.items as readonly Event[]} isOfOne /> : <Skeleton lines={5} />}
      </Section>
      {isGranted(session, 'admin', '*') && <Changes object={object} />}
    </>
  );
}

function Changes({ object }: { readonly object: string }) {
  const { data, error } = useQuery({
    queryKey: ['audit', object],
    queryFn: ({ signal }) => call<AuditList>('/audit', { query: { object, limit: 100 }, signal }),
    staleTime: 0,
  });
  return (
    <Section title={strings.sync.changes}>
      {error && <Failure error={error} />}
      {data ? (
        <AuditTable entries={data.items.filter((entry: AuditEntry) => entry.object === object)} isOfOne />
      ) : (
        <Skeleton lines={3} />
      )}
    </Section>
  );
}
