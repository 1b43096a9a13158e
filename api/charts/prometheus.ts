import { z } from 'zod';
import { boundedText } from '../../core/bounded-text.ts';
import type { Clock } from '../../core/clock.ts';
import { asIdraError, IdraError, transient } from '../../core/errors.ts';
import { Semaphore } from '../../core/semaphore.ts';
import { qualifiedName, type SyncIdentity } from '../../core/sync-spec.ts';
import { type TrendKind, trendKinds } from '../../core/trend.ts';
import type { TimedPoint, TotalPoint } from '../views/trends.ts';
import type { ChartScope, Charts, Lags } from './contract.ts';

export interface PrometheusConfig {
  /** Without user, query and fragment. */
  readonly url: URL;
  /** Further matchers, such as `job="idra-agents"`; empty: none. */
  readonly selector: string;
}

const answerMs = 10_000;
/** A point is about 30 bytes; a chart has about a thousand, and the lags of a page of 500 Syncs are 30,000. */
const maxBytes = 2 << 20;
const concurrent = 4;
/** Rates are over a window that has several scrapes in it. */
const windows: Readonly<Record<TrendKind, string>> = { fine: '1m', coarse: '20m' };

/** By time in seconds. */
type Series = ReadonlyMap<number, number>;
/** By the label `sync`. */
type SeriesOfSyncs = ReadonlyMap<string, Series>;

const minuteMs = 60_000;
const minutes = 60;

/** Charts from the metrics of agents (docs/metrics.md) in a Prometheus. Nothing but the configured address is contacted. */
export function prometheusCharts(config: PrometheusConfig, clock: Clock): Charts {
  const turns = new Semaphore(concurrent);
  const ask = (query: RangeQuery, signal: AbortSignal) =>
    turns.use(signal, () => queryRange(config.url, query, signal));
  const all = async (texts: readonly string[], kind: TrendKind, signal: AbortSignal) => {
    const { stepMs, count } = trendKinds[kind];
    const endMs = Math.floor(clock.now() / stepMs) * stepMs;
    const found = await Promise.all(texts.map((text) => ask({ text, stepMs, count, endMs }, signal)));
    return found.map((each) => each.get(''));
  };
  return {
    source: 'prometheus',
    async of(sync, kind, signal) {
      const match = matchers(config, `sync=${quoted(qualifiedName(sync))}`);
      const errors = `sum(increase(idra_errors_total${match}[${windows[kind]}]))`;
      return pointsOf(await all([...rateAndLag(match, kind), errors], kind, signal));
    },
    async total(scope, kind, signal) {
      const match = matchers(config, scopeMatcher(scope));
      const failing = `count(sum by (sync) (increase(idra_errors_total${match}[${windows[kind]}])) > 0)`;
      const syncs = `count(count by (sync) (idra_rows_written_total${match}))`;
      return totalsOf(await all([...rateAndLag(match, kind), failing, syncs], kind, signal));
    },
    async lags(syncs, untilMs, signal) {
      if (syncs.length === 0) return [];
      const match = matchers(config, `sync=~${quoted(syncs.map(namePattern).join('|'))}`);
      const text = `max by (sync) (max_over_time(idra_lag_seconds${match}[1m]))`;
      const found = await ask({ text, stepMs: minuteMs, count: minutes, endMs: untilMs }, signal);
      return syncs.map((sync) => lagsIn(found.get(qualifiedName(sync)), untilMs));
    },
  };
}

/** Of one Sync, or of all that match. */
function rateAndLag(match: string, kind: TrendKind): readonly string[] {
  return [`sum(rate(idra_rows_written_total${match}[${windows[kind]}]))`, `max(idra_lag_seconds${match})`];
}

type Answers = readonly (Series | undefined)[];

function pointsOf([rates, lags, errors]: Answers): readonly TimedPoint[] {
  return timesOf(rates, lags).map((time) => ({
    time: isoOf(time),
    rate: rates?.get(time) ?? 0,
    lag: lags?.get(time),
    isFailing: (errors?.get(time) ?? 0) > 0,
  }));
}

function totalsOf([rates, lags, failing, syncs]: Answers): readonly TotalPoint[] {
  return timesOf(syncs).map((time) => ({
    time: isoOf(time),
    rate: rates?.get(time) ?? 0,
    worstLag: lags?.get(time) ?? 0,
    failing: Math.round(failing?.get(time) ?? 0),
    syncs: Math.round(syncs?.get(time) ?? 0),
  }));
}

function lagsIn(series: Series | undefined, untilMs: number): Lags {
  return Array.from({ length: minutes }, (_, index) => {
    const endMs = untilMs - (minutes - 1 - index) * minuteMs;
    return series?.get(endMs / 1_000) ?? null;
  });
}

/** Names have dots, which a regular expression would take for any character. */
function namePattern(sync: SyncIdentity): string {
  return qualifiedName(sync).replaceAll(/[^\w/-]/g, '\\$&');
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

/** `count` values in steps, the last at `endMs`. */
interface RangeQuery {
  readonly text: string;
  readonly stepMs: number;
  readonly count: number;
  readonly endMs: number;
}

async function queryRange(base: URL, query: RangeQuery, outer: AbortSignal): Promise<SeriesOfSyncs> {
  const { text, stepMs, count, endMs } = query;
  const end = endMs / 1_000;
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
    if (bytes > maxBytes) throw unavailable('its answer is larger than 2 MiB');
    parts.push(part);
  }
  return Buffer.concat(parts).toString('utf8');
}

const sample = z.tuple([z.number(), z.string().max(40)]);
const metric = z.object({ sync: z.string().default('') }).default({ sync: '' });
/** As many as a page of the list has. */
const mostSeries = 500;
const answerSchema = z.discriminatedUnion('status', [
  z.object({
    status: z.literal('success'),
    data: z.object({
      resultType: z.literal('matrix'),
      result: z.array(z.object({ metric, values: z.array(sample).max(11_000).default([]) })).max(mostSeries),
    }),
  }),
  z.object({ status: z.literal('error'), errorType: z.string(), error: z.string() }),
]);

function seriesIn(text: string, status: number): SeriesOfSyncs {
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
  return new Map(
    parsed.data.data.result.map(({ metric, values }) => {
      const points = values.map(([time, value]) => [time, Number(value)] as const);
      return [metric.sync, new Map(points.filter(([, value]) => Number.isFinite(value)))] as const;
    }),
  );
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
