import { type QueryClient, useQuery, useQueryClient } from '@tanstack/react-query';
import { useEffect, useRef } from 'react';
import { call, objectPath, type Query, queryText } from './client.ts';
import { useLive } from './live.ts';
import type {
  AgentList,
  DataSourceDetail,
  DataSourceList,
  Event,
  EventList,
  Live,
  SyncDetail,
  SyncList,
  TotalTrend,
  Trend,
} from './types.ts';

interface Name {
  readonly namespace: string;
  readonly name: string;
}

/** A Sync, kept up to date; null: it has been deleted while it was shown. */
export function useSyncDetail({ namespace, name }: Name) {
  const client = useQueryClient();
  const key = ['sync', namespace, name];
  useLive([`sync/${namespace}/${name}`], ({ sync }) => {
    if (sync !== undefined) client.setQueryData(key, sync);
  });
  return useQuery({
    queryKey: key,
    queryFn: ({ signal }) => call<SyncDetail | null>(objectPath('syncs', namespace, name), { signal }),
  });
}

export function useDataSourceDetail({ namespace, name }: Name) {
  const client = useQueryClient();
  const key = ['datasource', namespace, name];
  useLive([`datasource/${namespace}/${name}`], ({ dataSource }) => {
    if (dataSource !== undefined) client.setQueryData(key, dataSource);
  });
  return useQuery({
    queryKey: key,
    queryFn: ({ signal }) =>
      call<DataSourceDetail | null>(objectPath('datasources', namespace, name), { signal }),
  });
}

/** At most so often, while slots change all the time. */
const listEveryMs = 2_000;

export function useDataSources(query: Query) {
  const client = useQueryClient();
  const timer = useRef<number>(undefined);
  useEffect(() => () => clearTimeout(timer.current), []);
  useLive(['datasources'], ({ dataSources }) => {
    if (dataSources === undefined || timer.current !== undefined) return;
    timer.current = window.setTimeout(() => {
      timer.current = undefined;
      void client.invalidateQueries({ queryKey: ['datasources'] });
    }, listEveryMs);
  });
  return useQuery({
    queryKey: ['datasources', query],
    queryFn: ({ signal }) => call<DataSourceList>('/datasources', { query, signal }),
    staleTime: 2_000,
    placeholderData: (before) => before,
  });
}

/** A short list that changes only by hand: users, tokens. `reload` after a change. */
export function useItems<Item>(name: 'users' | 'tokens') {
  const client = useQueryClient();
  const { data, error } = useQuery({
    queryKey: [name],
    queryFn: ({ signal }) => call<{ items: Item[] }>(`/${name}`, { signal }),
    staleTime: 0,
  });
  return { data, error, reload: () => void client.invalidateQueries({ queryKey: [name] }) };
}

/** One page of the list of Syncs, kept up to date. */
export function useSyncPage(query: Query) {
  const client = useQueryClient();
  const key = syncPageKey(query);
  useLive([`syncs${queryText(query)}`], ({ syncs }) => {
    if (syncs) client.setQueryData<SyncList>(key, (page) => page && mergedPage(page, syncs));
  });
  return useQuery({
    queryKey: key,
    queryFn: ({ signal }) => call<SyncList>('/syncs', { query, signal }),
    placeholderData: (before) => before,
  });
}

export function syncPageKey(query: Query) {
  return ['syncs', queryText(query)];
}

export function mergedPage(
  page: SyncList,
  { rows, order, total, facets }: NonNullable<Live['syncs']>,
): SyncList {
  const byUid = new Map([...page.items, ...rows].map((row) => [row.uid, row]));
  const uids = order ?? page.items.map(({ uid }) => uid);
  const items = uids.flatMap((uid) => byUid.get(uid) ?? []);
  return { ...page, items, total, facets };
}

export function useAgents(isOffered: boolean) {
  const client = useQueryClient();
  useLive(isOffered ? ['agents'] : [], ({ agents }) => {
    if (agents) client.setQueryData<AgentList>(['agents'], { items: agents, total: agents.length });
  });
  return useQuery({
    queryKey: ['agents'],
    queryFn: ({ signal }) => call<AgentList>('/agents', { signal }),
    enabled: isOffered,
  });
}

const mostEvents = 500;

/** What happened lately, newest first; of one object, or of all. */
export function useEvents(object?: string, limit = 200) {
  const client = useQueryClient();
  const key = ['events', object ?? '', String(limit)];
  useLive(['events'], ({ events = [] }) => {
    const wanted = events.filter((event) => object === undefined || event.object === object);
    if (wanted.length > 0) addEvents(client, key, wanted);
  });
  return useQuery({
    queryKey: key,
    queryFn: ({ signal }) => call<EventList>('/events', { query: { object, limit }, signal }),
    staleTime: 0,
  });
}

function addEvents(client: QueryClient, key: readonly string[], added: readonly Event[]): void {
  client.setQueryData<EventList>(key, (list) => {
    if (!list) return list;
    const known = new Set(list.items.map(({ id }) => id));
    const fresh = added.filter(({ id }) => !known.has(id));
    const items = [...fresh, ...list.items].sort((one, other) => other.time.localeCompare(one.time));
    return { total: list.total + fresh.length, items: items.slice(0, mostEvents) };
  });
}

export type Range = '1h' | '7d';

export function useTotalTrend(range: Range) {
  return useQuery({
    queryKey: ['trend', range],
    queryFn: ({ signal }) => call<TotalTrend>('/trend', { query: { range }, signal }),
    staleTime: 0,
    placeholderData: (before) => before,
  });
}

export function useTrend({ namespace, name }: Name, range: Range) {
  return useQuery({
    queryKey: ['trend', namespace, name, range],
    queryFn: ({ signal }) =>
      call<Trend>(`${objectPath('syncs', namespace, name)}/trend`, { query: { range }, signal }),
    staleTime: 0,
    placeholderData: (before) => before,
  });
}

/** Reads a chart again when something has changed on the server and the last point is older than a step. */
export function useTrendRefresh(
  topic: string,
  stepSeconds: number | undefined,
  refetch: () => unknown,
): void {
  const lastMs = useRef(Date.now());
  useLive([topic], () => {
    const stepMs = (stepSeconds ?? 10) * 1_000;
    if (Date.now() - lastMs.current < stepMs) return;
    lastMs.current = Date.now();
    void refetch();
  });
}
