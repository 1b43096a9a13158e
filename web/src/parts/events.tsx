import type { Event } from '../api/types.ts';
import { Link, syncLink } from '../router.tsx';
import { strings } from '../strings.ts';
import { Empty } from './messages.tsx';
import { Glyph } from './state.tsx';
import { Time } from './values.tsx';

/** What happened, newest first. `isOfOne`: the object is known from the page. */
export function EventList({
  events,
  isOfOne = false,
}: {
  readonly events: readonly Event[];
  readonly isOfOne?: boolean;
}) {
  if (events.length === 0)
    return (
      <Empty title={strings.events.none}>
        <p>{strings.events.noneText}</p>
      </Empty>
    );
  return (
    <ol className="events">
      {events.map((event) => (
        <li key={event.id} className={event.isWarning ? 'is-warning' : ''}>
          <Time at={event.time} />
          <span className="event-text">
            {event.isWarning && <Glyph shape="lagging" />}
            {!isOfOne && <ObjectLink object={event.object} />} {event.message}
            {event.by && <span className="soft"> {strings.events.by[event.by.kind](event.by.name)}</span>}
          </span>
        </li>
      ))}
    </ol>
  );
}

/** `Sync team-a/orders` as a link to its page. */
export function ObjectLink({ object }: { readonly object: string }) {
  const [, kind, namespace, name] = /^(Sync|DataSource) ([^/ ]+)\/(\S+)$/.exec(object) ?? [];
  if (namespace === undefined || name === undefined) return <span>{object}</span>;
  const to =
    kind === 'Sync'
      ? syncLink(namespace, name)
      : `/data-sources/${encodeURIComponent(namespace)}/${encodeURIComponent(name)}`;
  return (
    <Link to={to}>
      <span className="faint">{namespace}/</span>
      {name}
    </Link>
  );
}
