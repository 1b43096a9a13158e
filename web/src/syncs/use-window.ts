import { useQueries, useQueryClient } from '@tanstack/react-query';
import { useRef } from 'react';
import { call, type Query, queryText } from '../api/client.ts';
import { useLive } from '../api/live.ts';
import { mergedPage, syncPageKey } from '../api/queries.ts';
import type { Finding, SyncFacets, SyncList, SyncRow } from '../api/types.ts';
import { pageSize } from './list-query.ts';
import { type LagTrend, refreshLagTrends, useLagTrends } from './use-lag-trends.ts';

export interface SyncWindow {
  readonly total: number | undefined;
  readonly facets: SyncFacets | undefined;
  readonly findings: readonly Finding[];
  readonly error: Error | null;
  /** By uid. */
  readonly lagTrends: ReadonlyMap<string, LagTrend>;
  /** Undefined: not loaded. */
  rowAt(index: number): SyncRow | undefined;
}

/** The pages of the list that are on screen, kept up to date; those that were scrolled away are forgotten soon. */
export function useSyncWindow(query: Query, first: number, last: number): SyncWindow {
  const client = useQueryClient();
  const firstPage = Math.floor(first / pageSize);
  const count = Math.min(3, Math.floor(Math.max(first, last) / pageSize) - firstPage + 1);
  const pages = Array.from({ length: count }, (_, index) => ({
    ...query,
    limit: pageSize,
    offset: (firstPage + index) * pageSize,
  }));
  const keys = new Map(pages.map((page) => [`syncs${queryText(page)}`, syncPageKey(page)]));
  useLive([...keys.keys()], ({ topic, syncs }) => {
    const key = keys.get(topic);
    if (!syncs || !key) return;
    client.setQueryData<SyncList>(key, (page) => page && mergedPage(page, syncs));
    refreshLagTrends(client);
  });
  const results = useQueries({
    queries: pages.map((page) => ({
      queryKey: syncPageKey(page),
      queryFn: ({ signal }: { signal: AbortSignal }) => call<SyncList>('/syncs', { query: page, signal }),
      gcTime: 10_000,
    })),
  });
  const lagTrends = useLagTrends(pages);
  const newest = results.find(({ data }) => data)?.data;
  const known = useRef<SyncList>(undefined);
  if (newest) known.current = newest;
  const shown = newest ?? known.current;
  return {
    total: shown?.total,
    facets: shown?.facets,
    findings: shown?.findings ?? [],
    lagTrends,
    error: results.find(({ error }) => error)?.error ?? null,
    rowAt: (index) => {
      const page = Math.floor(index / pageSize) - firstPage;
      return results[page]?.data?.items[index % pageSize];
    },
  };
}
