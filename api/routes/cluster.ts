import type { LockInfo } from '../../coordination/contract.ts';
import { qualifiedName } from '../../core/sync-spec.ts';
import { agentState } from '../../fleet/cluster.ts';
import type { FleetAgent } from '../../fleet/contract.ts';
import type { FleetView } from '../../fleet/view/contract.ts';
import { mayIn } from '../access/caller.ts';
import { type Route, route } from '../http/route.ts';
import {
  agentList,
  assignmentList,
  assignmentQuery,
  eventList,
  eventQuery,
  lockList,
  lockQuery,
} from '../schemas/cluster.ts';
import type { Services } from '../services.ts';

const tag = 'Cluster';

export function clusterRoutes(services: Services): readonly Route[] {
  return [
    agentsRoute(services),
    assignmentsRoute(services),
    lockRoute(services, 'listLocks', '/locks', 'sync', 'Locks of Syncs with their fencing tokens'),
    lockRoute(services, 'listSlots', '/slots', 'slot', 'Slots of DataSources that are held or awaited'),
    eventsRoute(services),
  ];
}

function agentsRoute({ view }: Services): Route {
  return route({
    id: 'listAgents',
    method: 'GET',
    path: '/agents',
    tag,
    summary: 'Agents with their load, and which of them is leader',
    answer: agentList,
    async handle() {
      const items = view.agents().map(agentData);
      return { items, total: items.length };
    },
  });
}

function assignmentsRoute({ view }: Services): Route {
  return route({
    id: 'listAssignments',
    method: 'GET',
    path: '/assignments',
    tag,
    summary: 'Which agent runs which Sync',
    query: assignmentQuery,
    answer: assignmentList,
    async handle({ query, caller }) {
      const may = mayIn(caller, 'viewer');
      const found = [...view.syncs()]
        .filter(may)
        .sort((a, b) => (qualifiedName(a) < qualifiedName(b) ? -1 : 1))
        .flatMap(({ uid, namespace, name }) => {
          const assignment = view.assignmentOf(uid);
          if (!assignment || (query.agent !== undefined && assignment.agent !== query.agent)) return [];
          const { agent, assignedAt, recentMoves } = assignment;
          return [
            { uid, namespace, name, agent, assignedAt, ...(recentMoves !== undefined && { recentMoves }) },
          ];
        });
      return pageOf(found, query);
    },
  });
}

function eventsRoute({ events }: Services): Route {
  return route({
    id: 'listEvents',
    method: 'GET',
    path: '/events',
    tag,
    summary: 'What happened lately: states, moves between agents with their cause, agents',
    query: eventQuery,
    answer: eventList,
    async handle({ query, caller }) {
      const may = mayIn(caller, 'viewer');
      const { namespace, object } = query;
      const found = events.list(
        (event) =>
          (event.namespace === undefined || may({ namespace: event.namespace })) &&
          (namespace === undefined || event.namespace === namespace) &&
          (object === undefined || event.object === object),
      );
      return pageOf(found, query);
    },
  });
}

function lockRoute(
  { view }: Services,
  id: 'listLocks' | 'listSlots',
  path: string,
  kind: LockInfo['kind'],
  summary: string,
): Route {
  return route({
    id,
    method: 'GET',
    path,
    tag,
    summary,
    query: lockQuery,
    answer: lockList,
    async handle({ query, caller }) {
      const may = mayIn(caller, 'viewer');
      const found = view
        .locks()
        .filter(
          (each) =>
            each.kind === kind &&
            (query.agent === undefined || each.agent === query.agent) &&
            (query.dataSource === undefined || each.dataSource === query.dataSource),
        )
        // A lock of a Sync that no longer exists has no namespace: only for those who see all.
        .filter(({ uid }) => may({ namespace: view.getSync(uid)?.namespace ?? '' }))
        .map((each) => lockData(view, each));
      return pageOf(found, query);
    },
  });
}

export function agentData(agent: FleetAgent) {
  const { name, version, labels, joinedAt, isLeader, hold, syncs, loads, midPass = [] } = agent;
  const load = Object.values(loads).reduce((sum, each) => sum + each, 0);
  return {
    ...{ name, version, labels, joinedAt, isLeader, state: agentState(agent) },
    ...(hold && {
      hold: { mode: hold.mode, by: hold.by, at: hold.at, passWaitSeconds: hold.passWaitMs / 1_000 },
    }),
    syncs: syncs.length,
    midPass: midPass.length,
    load,
  };
}

export function lockData(view: FleetView, { kind, uid, dataSource, agent, token, isWaiting }: LockInfo) {
  const sync = view.getSync(uid);
  return {
    kind,
    uid,
    sync: sync ? qualifiedName(sync) : uid,
    ...(dataSource !== undefined && { dataSource }),
    agent,
    ...(token !== undefined && { token }),
    isWaiting,
  };
}

export function pageOf<T>(
  all: readonly T[],
  { offset, limit }: { readonly offset: number; readonly limit: number },
): { items: T[]; total: number } {
  return { items: all.slice(offset, offset + limit), total: all.length };
}
