import { lazy, Suspense, useEffect } from 'react';
import { exact } from '../format.ts';
import { strings } from '../strings.ts';
import { useShownTheme } from '../theme.ts';

export interface Series {
  readonly label: string;
  readonly values: readonly (number | null)[];
  readonly format: (value: number) => string;
  readonly color: 'accent' | 'warning';
}

interface ChartProps {
  readonly title: string;
  /** Seconds since 1970, ascending. */
  readonly times: readonly number[];
  /** Each has an axis of its own: the first on the left. */
  readonly series: readonly Series[];
}

const loadPlot = () => import('./plot.tsx');
const Plot = lazy(async () => ({ default: (await loadPlot()).Plot }));

/** Loads what draws a chart beside its points, not after them. */
export function useEarlyPlot(): void {
  useEffect(() => void loadPlot().catch(() => {}), []);
}

const rowsOfTable = 60;

/** A chart, with its last points as a table for those who cannot see it. */
export function Chart({ title, times, series }: ChartProps) {
  const theme = useShownTheme();
  if (times.length < 2) return <p className="chart-empty soft">{strings.chart.empty}</p>;
  const recent = times
    .map((time, index) => ({ time, index }))
    .slice(-rowsOfTable)
    .reverse();
  return (
    <figure className="chart" aria-label={title}>
      <div className="chart-place">
        <Suspense>
          <Plot key={theme} times={times} series={series} />
        </Suspense>
      </div>
      <details className="chart-table">
        <summary>{strings.chart.asTable}</summary>
        {/* biome-ignore lint/a11y/noNoninteractiveTabindex: a region that scrolls must be reachable by keyboard */}
        <section className="table-place" aria-label={title} tabIndex={0}>
          <table className="table">
            <thead>
              <tr>
                <th scope="col">{strings.chart.time}</th>
                {series.map(({ label }) => (
                  <th key={label} scope="col" className="right">
                    {label}
                  </th>
                ))}
              </tr>
            </thead>
            <tbody>
              {recent.map(({ time, index }) => (
                <tr key={time}>
                  <td>{exact(time * 1_000)}</td>
                  {series.map(({ label, values, format }) => (
                    <td key={label} className="right">
                      {textOf(values[index], format)}
                    </td>
                  ))}
                </tr>
              ))}
            </tbody>
          </table>
        </section>
      </details>
    </figure>
  );
}

function textOf(value: number | null | undefined, format: (value: number) => string): string {
  return value === null || value === undefined ? strings.none : format(value);
}
