import { trendKinds } from '../../core/trend.ts';
import { scopeOf } from '../access/caller.ts';
import { type Route, route } from '../http/route.ts';
import { objectParams } from '../schemas/common.ts';
import { syncQuery } from '../schemas/syncs.ts';
import { lagTrends, totalTrend, trend, trendQuery } from '../schemas/trends.ts';
import type { Services } from '../services.ts';
import { requireSync } from './syncs.ts';

const minuteMs = 60_000;
const kinds = { '1h': 'fine', '7d': 'coarse' } as const;

export function trendRoutes(services: Services): readonly Route[] {
  const { charts, clock, syncList } = services;
  return [
    route({
      id: 'getTrend',
      method: 'GET',
      path: '/syncs/{namespace}/{name}/trend',
      tag: 'Syncs',
      summary: 'Rate, lag and failures of a Sync over time',
      params: objectParams,
      query: trendQuery,
      answer: trend,
      async handle({ params, query, signal }) {
        const kind = kinds[query.range];
        const points = await charts.of(requireSync(services, params), kind, signal);
        const shown = points.map(({ lag, ...rest }) => ({ ...rest, ...(lag !== undefined && { lag }) }));
        return { stepSeconds: trendKinds[kind].stepMs / 1_000, source: charts.source, points: shown };
      },
    }),
    route({
      id: 'getTotalTrend',
      method: 'GET',
      path: '/trend',
      tag: 'Syncs',
      summary: 'Rate, worst lag and failures of all Syncs of the user over time',
      query: trendQuery,
      answer: totalTrend,
      async handle({ query, caller, signal }) {
        const kind = kinds[query.range];
        const points = await charts.total(scopeOf(caller, 'viewer'), kind, signal);
        return { stepSeconds: trendKinds[kind].stepMs / 1_000, source: charts.source, points: [...points] };
      },
    }),
    route({
      id: 'listLagTrends',
      method: 'GET',
      path: '/lag-trends',
      tag: 'Syncs',
      summary: 'Lag of each Sync of a page of the list, over the last hour by minutes',
      query: syncQuery,
      answer: lagTrends,
      async handle({ query, caller, signal }) {
        const untilMs = (Math.floor(clock.now() / minuteMs) + 1) * minuteMs;
        const { items } = syncList.page(query, scopeOf(caller, 'viewer'));
        const lags = await charts.lags(items, untilMs, signal);
        return {
          stepSeconds: minuteMs / 1_000,
          source: charts.source,
          until: new Date(untilMs).toISOString(),
          items: items.map(({ uid }, index) => ({ uid, lags: [...(lags[index] ?? [])] })),
        };
      },
    }),
  ];
}
