import type { Range } from '../api/queries.ts';
import { compact, duration } from '../format.ts';
import { strings } from '../strings.ts';
import { Chart, useEarlyPlot } from './chart.tsx';
import { Choice } from './field.tsx';
import { Failure } from './messages.tsx';
import { Section } from './page.tsx';

interface TrendSectionProps {
  readonly title: string;
  readonly lagLabel: string;
  readonly range: Range;
  readonly onRange: (range: Range) => void;
  readonly error: unknown;
  /** Undefined: not loaded. */
  readonly points:
    | readonly { readonly time: string; readonly rate: number; readonly lag: number | null }[]
    | undefined;
}

/** Rate and lag over an hour or a week. */
export function TrendSection({ title, lagLabel, range, onRange, points, error }: TrendSectionProps) {
  useEarlyPlot();
  const choice = (
    <Choice
      label={strings.chart.range}
      value={range}
      options={Object.entries(strings.chart.ranges)}
      onChange={(value) => onRange(value as Range)}
    />
  );
  if (error)
    return (
      <Section title={title} aside={choice}>
        <Failure error={error} />
      </Section>
    );
  if (!points)
    return (
      <Section title={title} aside={choice}>
        <div className="chart-empty" />
      </Section>
    );
  const rates = points.map((point) => point.rate);
  const lags = points.map(({ lag }) => lag);
  return (
    <Section title={title} aside={choice}>
      <Chart
        title={title}
        times={points.map(({ time }) => Date.parse(time) / 1_000)}
        series={[
          { label: strings.chart.rate, values: rates, format: compact, color: 'accent' },
          { label: lagLabel, values: lags, format: duration, color: 'warning' },
        ]}
      />
    </Section>
  );
}
