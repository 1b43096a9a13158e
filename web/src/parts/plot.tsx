import { useEffect, useRef } from 'react';
import uPlot from 'uplot';
import 'uplot/dist/uPlot.min.css';
import { axisTime, exact } from '../format.ts';
import type { Series } from './chart.tsx';

interface PlotProps {
  readonly times: readonly number[];
  readonly series: readonly Series[];
}

const height = 180;
/** Neither rows nor seconds have a part on the axis. */
const wholeSteps = Array.from({ length: 12 }, (_, power) =>
  [1, 2, 5].map((step) => step * 10 ** power),
).flat();

/** Drawn by uPlot, which is loaded with the first chart. */
export function Plot({ times, series }: PlotProps) {
  const place = useRef<HTMLDivElement>(null);
  const plot = useRef<uPlot>(undefined);
  const data = [[...times], ...series.map(({ values }) => [...values])] as uPlot.AlignedData;
  const latest = useRef({ data, series });
  latest.current = { data, series };
  useEffect(() => {
    const element = place.current;
    if (!element) return;
    const made = new uPlot(optionsOf(element, latest.current.series), latest.current.data, element);
    plot.current = made;
    const resized = new ResizeObserver(() => made.setSize({ width: element.clientWidth, height }));
    resized.observe(element);
    return () => {
      resized.disconnect();
      made.destroy();
      plot.current = undefined;
    };
  }, []);
  useEffect(() => plot.current?.setData(data), [data]);
  return <div ref={place} className="plot" />;
}

function optionsOf(element: HTMLElement, series: readonly Series[]): uPlot.Options {
  const colors = getComputedStyle(element);
  const color = (name: string) => resolved(element, colors.getPropertyValue(name));
  const axis = { stroke: color('--text-2'), font: '12px system-ui', ticks: { show: false } };
  const grid = { stroke: color('--border'), width: 1 };
  return {
    width: Math.max(element.clientWidth, 100),
    height,
    padding: [8, 8, 0, 0],
    cursor: { y: false, points: { size: 6 } },
    legend: { live: true },
    hooks: { ready: [showLatest], draw: [showLatest], setCursor: [showLatest] },
    scales: Object.fromEntries(series.map(({ label }) => [label, { range: fromZero }])),
    axes: [
      {
        ...axis,
        grid: { show: false },
        space: 96,
        incrs: [10, 30, 60, 300, 600, 900, 3_600, 21_600, 86_400],
        values: (_plot: uPlot, ticks: number[], _axis: number, _space: number, step: number) =>
          ticks.map((tick) => axisTime(tick, spanOf(ticks), step)),
      },
      ...series.map(({ label, format }, index) => ({
        ...axis,
        scale: label,
        side: index === 0 ? 3 : 1,
        size: 56,
        incrs: wholeSteps,
        grid: index === 0 ? grid : { show: false },
        values: (_plot: uPlot, ticks: number[]) => ticks.map(format),
      })),
    ] as uPlot.Axis[],
    series: [
      { value: (_plot, seconds) => (seconds === null ? '' : exact(seconds * 1_000)) },
      ...series.map((each) => ({
        label: each.label,
        scale: each.label,
        stroke: color(`--${each.color}`),
        width: 1.5,
        ...(each.color === 'warning' && { dash: [4, 3] }),
        value: (_plot: uPlot, value: number | null) => (value === null ? '' : each.format(value)),
      })),
    ],
  };
}

/** Where nobody points, the legend has the last values. */
function showLatest(plot: uPlot): void {
  if ((plot.cursor.idx ?? null) === null) plot.setLegend({ idx: plot.data[0].length - 1 }, false);
}

function spanOf(ticks: readonly number[]): number {
  return (ticks.at(-1) ?? 0) - (ticks[0] ?? 0);
}

function fromZero(_plot: uPlot, _low: number | null, high: number | null): [number, number] {
  return [0, Math.max(high ?? 0, 1) * 1.1];
}

/** A canvas knows neither custom properties nor light-dark(). */
function resolved(element: HTMLElement, value: string): string {
  const probe = document.createElement('span');
  probe.style.color = value;
  element.append(probe);
  const color = getComputedStyle(probe).color;
  probe.remove();
  return color;
}
