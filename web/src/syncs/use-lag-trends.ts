import { type QueryClient, useQueries } from '@tanstack/react-query';
import { useMemo } from 'react';
import { call, type Query, queryText } from '../api/client.ts';
import type { LagTrends } from '../api/types.ts';

export interface LagTrend {
  readonly lags: readonly (number | null)[];
  /** End of the last interval. */
  readonly untilMs: number;
  readonly stepMs: number;
}

const name = 'lag-trends';
const refreshMs = 30_000;

/** One request for each page of the list. */
export function useLagTrends(pages: readonly Query[]): ReadonlyMap<string, LagTrend> {
  const results = useQueries({
    queries: pages.map((page) => ({
      queryKey: [name, queryText(page)],
      queryFn: ({ signal }: { signal: AbortSignal }) =>
        call<LagTrends>('/lag-trends', { query: page, signal }),
      gcTime: 10_000,
    })),
    combine: (answers) => answers.flatMap(({ data }) => data ?? []),
  });
  return useMemo(() => byUid(results), [results]);
}

/** Called when rows have changed: the lines are read again, but not more often than they can change. */
export function refreshLagTrends(client: QueryClient): void {
  void client.invalidateQueries({
    queryKey: [name],
    predicate: ({ state }) => state.data !== undefined && Date.now() - state.dataUpdatedAt > refreshMs,
  });
}

function byUid(pages: readonly LagTrends[]): ReadonlyMap<string, LagTrend> {
  const trends = pages.flatMap(({ items, until, stepSeconds }) =>
    items.map(
      ({ uid, lags }) => [uid, { lags, untilMs: Date.parse(until), stepMs: stepSeconds * 1_000 }] as const,
    ),
  );
  return new Map(trends);
}
