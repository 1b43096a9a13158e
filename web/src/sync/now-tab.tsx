import type { ReactNode } from 'react';
import { useState } from 'react';
import { type Range, useTrend, useTrendRefresh } from '../api/queries.ts';
import type { SyncDetail } from '../api/types.ts';
import { number } from '../format.ts';
import { Facts } from '../parts/field.tsx';
import { Section } from '../parts/page.tsx';
import { Glyph } from '../parts/state.tsx';
import { TrendSection } from '../parts/trend-section.tsx';
import { Copyable, Nothing, Time } from '../parts/values.tsx';
import { strings } from '../strings.ts';
import { WhereItRuns } from './where-it-runs.tsx';

const text = strings.sync;

export function NowTab({ detail }: { readonly detail: SyncDetail }) {
  return (
    <>
      <Message detail={detail} />
      <SyncChart namespace={detail.row.namespace} name={detail.row.name} />
      <div className="columns">
        <Section title={text.passes}>
          <Facts facts={passFacts(detail)} />
        </Section>
        <WhereItRuns detail={detail} />
      </div>
    </>
  );
}

/** The state in a sentence, and the last error with what to do. */
function Message({ detail: { object, row } }: { readonly detail: SyncDetail }) {
  const { message, lastError, warnings = [], overdueSince } = object.status ?? {};
  return (
    <>
      {lastError ? (
        <div className={lastError.isTransient ? 'note note-warning' : 'note note-failed'} role="status">
          <Glyph shape={lastError.isTransient ? 'lagging' : 'failed'} />
          <div>
            <p className="multiline">
              <code>{lastError.code}</code> {lastError.message}
            </p>
            <p className="soft">
              {text.errorTimes(number(lastError.count))} <Time at={lastError.time} />.{' '}
              {lastError.isTransient ? text.isRetried : text.needsAction}
            </p>
          </div>
        </div>
      ) : (
        <p className="message">{message ?? text.noAgentYet(row.reason)}</p>
      )}
      {overdueSince !== undefined && (
        <p className="note note-warning">
          <Glyph shape="lagging" />
          <span>
            {text.overdue} <Time at={overdueSince} />
          </span>
        </p>
      )}
      {warnings.map((warning) => (
        <p key={warning} className="note note-warning">
          <Glyph shape="lagging" />
          <span>{warning}</span>
        </p>
      ))}
    </>
  );
}

function passFacts({ object: { status } }: SyncDetail): readonly (readonly [string, ReactNode])[] {
  const bound = status?.bound;
  return [
    [text.lastPass, <Time key="last" at={status?.lastPassTime} />],
    [text.nextPass, <Time key="next" at={status?.nextPassTime} />],
    [text.lastRows, <Time key="rows" at={status?.lastSyncTime} />],
    [
      text.bound,
      bound ? (
        <span key="bound" title={bound.because}>
          {text.bounds[bound.kind]}
          {bound.heldBackBy && (
            <span className="tone-warning">
              {' '}
              {text.heldBackBy(bound.heldBackBy.what)} <Time at={bound.heldBackBy.since} />
            </span>
          )}
        </span>
      ) : (
        <Nothing key="bound" />
      ),
    ],
    [
      text.offset,
      status?.offset === undefined ? (
        <Nothing key="offset" />
      ) : (
        <Copyable key="offset" text={status.offset} label={text.offset} />
      ),
    ],
  ];
}

function SyncChart({ namespace, name }: { readonly namespace: string; readonly name: string }) {
  const [range, setRange] = useState<Range>('1h');
  const { data, error, refetch } = useTrend({ namespace, name }, range);
  useTrendRefresh(`sync/${namespace}/${name}`, data?.stepSeconds, refetch);
  const points = data?.points.map(({ lag = null, ...point }) => ({ ...point, lag }));
  return (
    <TrendSection
      title={text.trend}
      lagLabel={strings.chart.lag}
      range={range}
      onRange={setRange}
      points={points}
      error={error}
    />
  );
}
