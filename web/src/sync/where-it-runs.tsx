import type { ReactNode } from 'react';
import { useEvents } from '../api/queries.ts';
import { useSession } from '../api/session.tsx';
import type { Event, SyncDetail } from '../api/types.ts';
import { Facts } from '../parts/field.tsx';
import { Section } from '../parts/page.tsx';
import { Copyable, Nothing, Time } from '../parts/values.tsx';
import { strings } from '../strings.ts';

const text = strings.sync;
type Fact = readonly [string, ReactNode];

/** Which agent has the Sync, by which token, and how it came to have it. */
export function WhereItRuns({ detail }: { readonly detail: SyncDetail }) {
  const { row } = detail;
  const { data } = useEvents(`Sync ${row.namespace}/${row.name}`);
  const moved = (data?.items as readonly Event[] | undefined)?.find(({ type }) => type === 'Moved');
  const hasAgents = useSession().mode !== 'single';
  return (
    <Section title={text.runs}>
      <Facts
        facts={[...ownerFacts(detail), ...(hasAgents ? [handOver(moved)] : []), ...otherFacts(detail)]}
      />
    </Section>
  );
}

function ownerFacts({ row, assignment, lock, object }: SyncDetail): readonly Fact[] {
  const token = lock?.token ?? object.status?.fencingToken;
  const facts: Fact[] = [[strings.syncs.agent, row.agent || <Nothing key="agent" />]];
  if (assignment)
    facts.push([
      text.assigned,
      <span key="assigned">
        {assignment.agent}, <Time at={assignment.assignedAt} />
      </span>,
    ]);
  if (token !== undefined)
    facts.push([
      text.token,
      <span key="token">
        <Copyable text={token} label={text.token} />
        {lock && <span className="soft"> {text.heldBy(lock.agent)}</span>}
      </span>,
    ]);
  return facts;
}

/** The place is there before the event is. */
function handOver(moved: Event | undefined): Fact {
  if (!moved) return [text.handOver, <Nothing key="handOver" />];
  return [
    text.handOver,
    <span key="handOver">
      {moved.message}, <Time at={moved.time} />
    </span>,
  ];
}

function otherFacts({ row, slots }: SyncDetail): readonly Fact[] {
  const facts: Fact[] = slots.map((slot) => [
    text.slot(slot.dataSource ?? ''),
    slot.isWaiting ? text.slotAwaited : text.slotHeld,
  ]);
  facts.push([strings.created, <Time key="created" at={row.createdAt} />]);
  const labels = Object.entries(row.labels ?? {});
  if (labels.length > 0)
    facts.push([
      strings.labels,
      <span key="labels">
        {labels.map(([label, value]) => (
          <code key={label} className="tag">
            {label}={value}
          </code>
        ))}
      </span>,
    ]);
  return facts;
}
