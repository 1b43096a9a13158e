import { trendKinds } from '../../core/trend.ts';
import { mayIn, scopeOf } from '../access/caller.ts';
import { everywhere } from '../access/roles.ts';
import { type Route, route } from '../http/route.ts';
import { objectParams } from '../schemas/common.ts';
import { syncQuery } from '../schemas/syncs.ts';
import { lagTrends, totalTrend, trend, trendQuery } from '../schemas/trends.ts';
import type { Services } from '../services.ts';
import { requireSync } from './syncs.ts';

const minuteMs = 60_000;
const kinds = { '1h': 'fine', '7d': 'coarse' } as const;

export function trendRoutes(services: Services): readonly Route[] {
  const { trends, clock, view, syncList } = services;
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
      async handle({ params, query }) {
        const kind = kinds[query.range];
        const points = trends.of(requireSync(services, params).uid, kind, clock.now());
        const shown = points.map(({ lag, ...rest }) => ({ ...rest, ...(lag !== undefined && { lag }) }));
        return { stepSeconds: trendKinds[kind].stepMs / 1_000, points: shown };
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
      async handle({ query, caller }) {
        const kind = kinds[query.range];
        const scope = scopeOf(caller, 'viewer');
        const key = scope === everywhere ? everywhere : [...scope].sort().join();
        const may = mayIn(caller, 'viewer');
        const uids = [...view.syncs()].filter(may).map(({ uid }) => uid);
        return {
          stepSeconds: trendKinds[kind].stepMs / 1_000,
          points: [...trends.total(key, uids, kind, clock.now())],
        };
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
      async handle({ query, caller }) {
        const now = clock.now();
        const { items } = syncList.page(query, scopeOf(caller, 'viewer'));
        return {
          stepSeconds: minuteMs / 1_000,
          until: new Date((Math.floor(now / minuteMs) + 1) * minuteMs).toISOString(),
          items: items.map(({ uid }) => ({ uid, lags: [...trends.lags(uid, now)] })),
        };
      },
    }),
  ];
}
