import { z } from 'zod';
import { boundedText } from '../../core/bounded-text.ts';
import type { Clock } from '../../core/clock.ts';
import { asIdraError, IdraError, transient } from '../../core/errors.ts';
import { Semaphore } from '../../core/semaphore.ts';
import { qualifiedName } from '../../core/sync-spec.ts';
import { type TrendKind, trendKinds } from '../../core/trend.ts';
import type { TimedPoint, TotalPoint } from '../views/trends.ts';
import type { ChartScope, Charts } from './contract.ts';

export interface PrometheusConfig {
  /** Without user, query and fragment. */
  readonly url: URL;
  /** Further matchers, such as `job="idra-agents"`; empty: none. */
  readonly selector: string;
}

const answerMs = 10_000;
/** A point is about 30 bytes, and a chart has about a thousand. */
const maxBytes = 1 << 20;
const concurrent = 4;
/** Rates are over a window that has several scrapes in it. */
const windows: Readonly<Record<TrendKind, string>> = { fine: '1m', coarse: '20m' };

/** By time in seconds. */
type Series = ReadonlyMap<number, number>;

/** Charts from the metrics of agents (docs/metrics.md) in a Prometheus. Nothing but the configured address is contacted. */
export function prometheusCharts(config: PrometheusConfig, clock: Clock): Charts {
  const turns = new Semaphore(concurrent);
  const query = (text: string, kind: TrendKind, signal: AbortSignal) =>
    turns.use(signal, () => queryRange(config.url, { text, kind, nowMs: clock.now() }, signal));
  const all = (texts: readonly string[], kind: TrendKind, signal: AbortSignal) =>
    Promise.all(texts.map((text) => query(text, kind, signal)));
  return {
    source: 'prometheus',
    async of(sync, kind, signal) {
      const match = matchers(config, `sync=${quoted(qualifiedName(sync))}`);
      const [rates, lags, errors] = await all(queriesOf(match, windows[kind]), kind, signal);
      return timesOf(rates, lags).map(
        (time): TimedPoint => ({
          time: isoOf(time),
          rate: rates?.get(time) ?? 0,
          lag: lags?.get(time),
          isFailing: (errors?.get(time) ?? 0) > 0,
        }),
      );
    },
    async total(scope, kind, signal) {
      const match = matchers(config, scopeMatcher(scope));
      const window = windows[kind];
      const [rates, lags, failing, syncs] = await all(
        [
          `sum(rate(idra_rows_written_total${match}[${window}]))`,
          `max(idra_lag_seconds${match})`,
          `count(sum by (sync) (increase(idra_errors_total${match}[${window}])) > 0)`,
          `count(count by (sync) (idra_rows_written_total${match}))`,
        ],
        kind,
        signal,
      );
      return timesOf(syncs).map(
        (time): TotalPoint => ({
          time: isoOf(time),
          rate: rates?.get(time) ?? 0,
          worstLag: lags?.get(time) ?? 0,
          failing: Math.round(failing?.get(time) ?? 0),
          syncs: Math.round(syncs?.get(time) ?? 0),
        }),
      );
    },
  };
}

function queriesOf(match: string, window: string): readonly string[] {
  return [
    `sum(rate(idra_rows_written_total${match}[${window}]))`,
    `max(idra_lag_seconds${match})`,
    `sum(increase(idra_errors_total${match}[${window}]))`,
  ];
}

function matchers({ selector }: PrometheusConfig, own: string): string {
  const given = [own, selector].filter((each) => each !== '');
  return given.length === 0 ? '' : `{${given.join(',')}}`;
}

function scopeMatcher(scope: ChartScope): string {
  if (scope === '*') return '';
  // No namespace has another name; one with a meaning in a regular expression could match others.
  const names = [...scope].sort().filter((each) => /^[\w-]+$/.test(each));
  return `sync=~${quoted(`(?:${names.join('|')})/.*`)}`;
}

function quoted(text: string): string {
  return `"${text.replaceAll('\\', '\\\\').replaceAll('"', '\\"').replaceAll('\n', '\\n')}"`;
}

function timesOf(...all: readonly (Series | undefined)[]): readonly number[] {
  return [...new Set(all.flatMap((series) => [...(series?.keys() ?? [])]))].sort((a, b) => a - b);
}

function isoOf(seconds: number): string {
  return new Date(seconds * 1_000).toISOString();
}

interface RangeQuery {
  readonly text: string;
  readonly kind: TrendKind;
  readonly nowMs: number;
}

async function queryRange(base: URL, { text, kind, nowMs }: RangeQuery, outer: AbortSignal): Promise<Series> {
  const { stepMs, count } = trendKinds[kind];
  const end = Math.floor(nowMs / stepMs) * (stepMs / 1_000);
  const start = end - ((count - 1) * stepMs) / 1_000;
  const url = new URL(`${base.pathname.replace(/\/$/, '')}/api/v1/query_range`, base);
  const body = new URLSearchParams({
    query: text,
    start: String(start),
    end: String(end),
    step: String(stepMs / 1_000),
    timeout: `${answerMs / 1_000}s`,
  });
  const signal = AbortSignal.any([outer, AbortSignal.timeout(answerMs)]);
  try {
    // Never another address than the configured one.
    const response = await fetch(url, { method: 'POST', body, signal, redirect: 'error' });
    return seriesIn(await readBounded(response), response.status);
  } catch (thrown) {
    outer.throwIfAborted();
    if (thrown instanceof IdraError) throw thrown;
    throw unavailable(signal.aborted ? `it did not answer within ${answerMs / 1_000} s` : causeOf(thrown));
  }
}

async function readBounded(response: Response): Promise<string> {
  const parts: Uint8Array[] = [];
  let bytes = 0;
  for await (const part of response.body ?? []) {
    bytes += part.length;
    if (bytes > maxBytes) throw unavailable('its answer is larger than 1 MiB');
    parts.push(part);
  }
  return Buffer.concat(parts).toString('utf8');
}

const sample = z.tuple([z.number(), z.string().max(40)]);
const answerSchema = z.discriminatedUnion('status', [
  z.object({
    status: z.literal('success'),
    data: z.object({
      resultType: z.literal('matrix'),
      result: z.array(z.object({ values: z.array(sample).max(11_000).default([]) })).max(1),
    }),
  }),
  z.object({ status: z.literal('error'), errorType: z.string(), error: z.string() }),
]);

function seriesIn(text: string, status: number): Series {
  let json: unknown;
  try {
    json = JSON.parse(text);
  } catch {
    throw unavailable(`HTTP status ${status}, and the answer is not JSON`);
  }
  const parsed = answerSchema.safeParse(json);
  if (!parsed.success) throw unavailable(`HTTP status ${status}, and the answer is not one of its HTTP API`);
  if (parsed.data.status === 'error')
    throw unavailable(`${boundedText(parsed.data.errorType, 50)}: ${boundedText(parsed.data.error, 300)}`);
  const [series] = parsed.data.data.result;
  const points = (series?.values ?? []).map(([time, value]) => [time, Number(value)] as const);
  return new Map(points.filter(([, value]) => Number.isFinite(value)));
}

function unavailable(why: string): IdraError {
  return transient('PrometheusUnavailable', `the charts cannot be read from Prometheus: ${why}`, {
    fix: 'check IDRA_PROMETHEUS_URL and that Prometheus runs; without the variable charts come from the agents',
  });
}

/** The reason of fetch is in its cause; its own message says nothing. */
function causeOf(thrown: unknown): string {
  const { code } = ((thrown as Error).cause ?? {}) as NodeJS.ErrnoException;
  return code ?? boundedText(asIdraError(thrown).message, 200);
}
