import { useState } from 'react';
import {
  type Range,
  useAgents,
  useEvents,
  useSyncPage,
  useTotalTrend,
  useTrendRefresh,
} from '../api/queries.ts';
import { useSession } from '../api/session.tsx';
import type { SyncFacets, SyncRow } from '../api/types.ts';
import { number } from '../format.ts';
import { AgentTable } from '../parts/agent-table.tsx';
import { EventList } from '../parts/events.tsx';
import { Failure, Skeleton } from '../parts/messages.tsx';
import { Page, Section } from '../parts/page.tsx';
import { Glyph, type Shape, StateMark, stateWord } from '../parts/state.tsx';
import { TrendSection } from '../parts/trend-section.tsx';
import { Link, syncLink } from '../router.tsx';
import { strings } from '../strings.ts';
import { FirstSteps } from './first-steps.tsx';

const text = strings.overview;
const attentionQuery = { attention: ['failed', 'lagging'], limit: 8 };
const allQuery = { limit: 1 };

export function OverviewPage() {
  const all = useSyncPage(allQuery);
  const attention = useSyncPage(attentionQuery);
  const { mode } = useSession();
  return (
    <Page title={strings.places.overview}>
      {all.error && <Failure error={all.error} retry={() => void all.refetch()} />}
      {all.data ? <StateCounts facets={all.data.facets} /> : <Skeleton lines={1} />}
      {all.data?.total === 0 && Object.keys(all.data.facets.state).length === 0 ? (
        <FirstSteps />
      ) : (
        <>
          <Section title={text.attention}>
            {attention.data ? (
              <Attention rows={attention.data.items} total={attention.data.total} />
            ) : (
              <Skeleton lines={3} />
            )}
          </Section>
          <TotalChart />
          <div className="columns">
            {mode !== 'single' && <Agents />}
            <Section title={text.recent} aside={<Link to="/activity">{text.all}</Link>}>
              <Recent />
            </Section>
          </div>
        </>
      )}
    </Page>
  );
}

const counted: readonly (readonly [shape: Shape, state: string])[] = [
  ['running', 'Running'],
  ['waiting', 'Waiting'],
  ['pending', 'Pending'],
  ['suspended', 'Suspended'],
  ['completed', 'Completed'],
  ['deleting', 'Deleting'],
];

/** Counts that lead to the list with this filter. */
function StateCounts({ facets }: { readonly facets: SyncFacets }) {
  return (
    <ul className="counts">
      <StateCount
        shape="failed"
        to="/syncs?state=Failed"
        count={facets.state.Failed ?? 0}
        label={stateWord('Failed')}
      />
      <StateCount
        shape="lagging"
        to="/syncs?attention=lagging"
        count={facets.attention.lagging ?? 0}
        label={strings.states.lagging}
      />
      {counted.map(([shape, state]) => (
        <StateCount
          key={state}
          shape={shape}
          to={`/syncs?state=${state}`}
          count={facets.state[state] ?? 0}
          label={stateWord(state)}
        />
      ))}
    </ul>
  );
}

interface StateCountProps {
  readonly shape: Shape;
  readonly to: string;
  readonly count: number;
  readonly label: string;
}

function StateCount({ shape, to, count, label }: StateCountProps) {
  return (
    <li className={count === 0 ? 'is-zero' : ''}>
      <Link to={to}>
        <Glyph shape={shape} />
        <b>{number(count)}</b> {label}
      </Link>
    </li>
  );
}

function Attention({ rows, total }: { readonly rows: readonly SyncRow[]; readonly total: number }) {
  if (rows.length === 0)
    return (
      <p className="calm">
        <Glyph shape="completed" /> {text.calm}
      </p>
    );
  return (
    <>
      <ul className="attention">
        {rows.map((row) => (
          <li key={row.uid}>
            <StateMark state={row.state} attention={row.attention} />
            <Link to={syncLink(row.namespace, row.name)}>
              <span className="faint">{row.namespace}/</span>
              {row.name}
            </Link>
            <span className="attention-lag number">{row.lag}</span>
            <span className="attention-message">
              {row.errorCode !== undefined && <code>{row.errorCode}</code>} {row.message}
            </span>
          </li>
        ))}
      </ul>
      {total > rows.length && (
        <p>
          <Link to="/syncs?attention=failed&attention=lagging">{text.more(total - rows.length)}</Link>
        </p>
      )}
    </>
  );
}

function TotalChart() {
  const [range, setRange] = useState<Range>('1h');
  const { data, error, refetch } = useTotalTrend(range);
  useTrendRefresh('syncs?limit=1', data?.stepSeconds, refetch);
  const points = data?.points.map(({ worstLag: lag, ...point }) => ({ ...point, lag }));
  return (
    <TrendSection
      title={text.trend}
      lagLabel={text.worstLag}
      range={range}
      onRange={setRange}
      points={points}
      error={error}
    />
  );
}

function Agents() {
  const { data } = useAgents(true);
  return (
    <Section title={strings.places.agents} aside={<Link to="/agents">{text.all}</Link>}>
      {data ? <AgentTable agents={data.items} isShort /> : <Skeleton lines={3} />}
    </Section>
  );
}

const recentCount = 12;

function Recent() {
  const { data } = useEvents(undefined, recentCount);
  if (!data) return <Skeleton lines={6} />;
  return <EventList events={data.items.slice(0, recentCount)} />;
}
