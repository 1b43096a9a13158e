import { Popover } from 'radix-ui';
import { createContext, useContext } from 'react';
import { duration, exact } from '../format.ts';
import { Table } from '../parts/table.tsx';
import { strings } from '../strings.ts';
import type { LagTrend } from './use-lag-trends.ts';

const text = strings.sparkline;

/** By uid, of the rows that are loaded. */
export const LagTrendContext = createContext<ReadonlyMap<string, LagTrend>>(new Map());

const width = 48;
const height = 20;
/** Of fewer minutes there is no line to see. */
const leastMinutes = 3;
/** A lag of some seconds is usual, so it is drawn small. */
const leastSeconds = 30;

/** Lag over the last hour; a press shows the values. The space is there before they are. */
export function Sparkline({ uid, name }: { readonly uid: string; readonly name: string }) {
  const trend = useContext(LagTrendContext).get(uid);
  const known = (trend?.lags ?? []).filter((lag) => lag !== null);
  const worst = Math.max(...known);
  if (!trend || known.length < leastMinutes) return <span className="spark" />;
  return (
    <Popover.Root>
      <Popover.Trigger
        className={`spark ${worst > leastSeconds ? 'is-late' : ''}`}
        aria-label={text.label(name, duration(worst))}
        title={text.title(duration(worst))}
      >
        <svg width={width} height={height} viewBox={`0 0 ${width} ${height}`} aria-hidden="true">
          <path d={pathOf(trend.lags, Math.max(worst, leastSeconds))} />
        </svg>
      </Popover.Trigger>
      <Popover.Portal>
        <Popover.Content className="popover" align="end" sideOffset={4} aria-label={text.caption(name)}>
          <Values trend={trend} caption={text.caption(name)} />
        </Popover.Content>
      </Popover.Portal>
    </Popover.Root>
  );
}

interface ValuesProps {
  readonly trend: LagTrend;
  readonly caption: string;
}

/** The newest first. */
function Values({ trend: { lags, untilMs, stepMs }, caption }: ValuesProps) {
  const rows = lags
    .map((lag, index) => ({ lag, at: untilMs - (lags.length - 1 - index) * stepMs }))
    .filter(({ lag }) => lag !== null)
    .reverse();
  return (
    <Table
      caption={caption}
      rows={rows}
      keyOf={({ at }) => String(at)}
      columns={[
        { id: 'time', title: text.until, cell: ({ at }) => exact(at) },
        {
          id: 'lag',
          title: strings.chart.lag,
          isNumber: true,
          cell: ({ lag }) => strings.syncs.seconds(lag ?? 0),
        },
      ]}
    />
  );
}

/** A line with gaps where nothing is known; a single value is a short one. */
function pathOf(lags: readonly (number | null)[], highest: number): string {
  const step = width / lags.length;
  const parts: string[] = [];
  for (const [index, lag] of lags.entries()) {
    if (lag === null) continue;
    const x = round(index * step);
    const y = round(height - 2 - (lag / highest) * (height - 4));
    const isJoined = index > 0 && lags[index - 1] !== null;
    parts.push(`${isJoined ? 'L' : 'M'}${x} ${y}h${round(step)}`);
  }
  return parts.join('');
}

function round(value: number): number {
  return Math.round(value * 10) / 10;
}
