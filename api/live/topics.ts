import type { z } from 'zod';
import { permanent } from '../../core/errors.ts';
import { type Caller, mayIn, requireRole, scopeOf } from '../access/caller.ts';
import { parsePart } from '../http/problem.ts';
import { agentData } from '../routes/cluster.ts';
import { dataSourceDetailOf } from '../routes/data-sources.ts';
import { syncDetailOf } from '../routes/syncs.ts';
import type { live } from '../schemas/live.ts';
import { syncQuery } from '../schemas/syncs.ts';
import type { Services } from '../services.ts';
import type { EventData } from '../views/events.ts';

export type LiveData = z.input<typeof live>;

/** What one stream has been sent of a topic, as far as the next message depends on it. */
export interface Sent {
  /** Generation of the Syncs at the last message. */
  generation: number;
  /** Of the last message; the same text is not sent again. */
  text: string;
  /** Uids in the order of the last page. */
  order: readonly string[];
  /** Id of the last event. */
  event: number;
}

/** One thing that a page watches. */
export interface Topic {
  readonly name: string;
  /** What is new since `sent`, which it updates; undefined: nothing. Called at most some times a second. */
  next(sent: Sent): LiveData | undefined;
}

/** Parses `syncs?state=Failed`, `sync/team-a/orders`, `datasource/team-a/shop`, `datasources`, `agents`, `events`, `outage`. */
export function topicOf(services: Services, text: string, caller: Caller): Topic {
  const [path = '', search] = text.split('?', 2);
  const [kind, namespace, name, more] = path.split('/');
  if (kind === 'syncs' && namespace === undefined) return syncsTopic(services, text, search ?? '', caller);
  if (search === undefined && more === undefined && namespace !== undefined && name) {
    requireRole(caller, 'viewer', namespace);
    if (kind === 'sync') return syncTopic(services, text, namespace, name);
    if (kind === 'datasource') return dataSourceTopic(services, text, namespace, name);
  }
  if (path === 'datasources') return dataSourcesTopic(services, text);
  if (path === 'agents') return wholeTopic(text, () => ({ agents: services.view.agents().map(agentData) }));
  if (path === 'outage') return wholeTopic(text, () => ({ outage: services.view.outage ?? null }));
  if (path === 'events') return eventsTopic(services, text, caller);
  throw permanent('RequestMalformed', `there is no topic ${JSON.stringify(text.slice(0, 200))}`, {
    path: 'topic',
    fix: 'use syncs?QUERY, sync/NAMESPACE/NAME, datasource/NAMESPACE/NAME, datasources, agents, events or outage',
  });
}

/** A page of the list: rows that changed, and the order of all of them where it changed. */
function syncsTopic({ syncList }: Services, name: string, search: string, caller: Caller): Topic {
  const query = parsePart(syncQuery, parametersOf(search), 'topic');
  const scope = scopeOf(caller, 'viewer');
  return {
    name,
    next(sent) {
      const { items, total, facets } = syncList.page(query, scope, true);
      const known = new Set(sent.order);
      const rows = items.filter(
        ({ uid }) => !known.has(uid) || syncList.hasChangedSince(uid, sent.generation),
      );
      const order = items.map(({ uid }) => uid);
      const text = JSON.stringify([order, total, facets]);
      sent.generation = syncList.generation;
      if (rows.length === 0 && text === sent.text) return undefined;
      const isSameOrder = order.join() === sent.order.join();
      sent.text = text;
      sent.order = order;
      return { topic: name, syncs: { rows, total, facets, ...(!isSameOrder && { order }) } };
    },
  };
}

function syncTopic(services: Services, topic: string, namespace: string, name: string): Topic {
  return wholeTopic(topic, () => {
    const sync = services.view.findSync(namespace, name);
    return { sync: sync ? syncDetailOf(services, sync) : null };
  });
}

function dataSourceTopic(services: Services, topic: string, namespace: string, name: string): Topic {
  return wholeTopic(topic, () => {
    const found = services.view.findDataSource(namespace, name);
    return { dataSource: found ? dataSourceDetailOf(services, found) : null };
  });
}

/** Only that something has changed: lists of DataSources have filters and are read seldom. */
function dataSourcesTopic({ hub, dataSourceChanges }: Services, topic: string): Topic {
  return wholeTopic(topic, () => ({ dataSources: `${hub.instance}.${dataSourceChanges.count}` }));
}

/** Sent whole when it differs. */
function wholeTopic(name: string, read: () => Omit<LiveData, 'topic'>): Topic {
  return {
    name,
    next(sent) {
      const data = { topic: name, ...read() };
      const text = JSON.stringify(data);
      if (text === sent.text) return undefined;
      sent.text = text;
      return data;
    },
  };
}

const mostEvents = 100;

function eventsTopic({ events }: Services, name: string, caller: Caller): Topic {
  const may = mayIn(caller, 'viewer');
  const isSeen = ({ namespace }: EventData) => namespace === undefined || may({ namespace });
  return {
    name,
    next(sent) {
      const found = events
        .list((event) => Number(event.id) > sent.event && isSeen(event))
        .slice(0, mostEvents);
      const [newest] = found;
      if (!newest) return undefined;
      sent.event = Number(newest.id);
      return { topic: name, events: [...found] };
    },
  };
}

function parametersOf(search: string): Record<string, string | string[]> {
  const given = new URLSearchParams(search);
  return Object.fromEntries(
    [...new Set(given.keys())].map((key) => {
      const all = given.getAll(key);
      return [key, all.length === 1 ? (all[0] ?? '') : all];
    }),
  );
}
