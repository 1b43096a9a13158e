import { permanent } from '../../core/errors.ts';
import { describeEncoded } from '../../core/offset.ts';
import type { FleetSync } from '../../fleet/contract.ts';
import { syncObject as objectOf } from '../../fleet/objects.ts';
import { scopeOf } from '../access/caller.ts';
import { type Route, route } from '../http/route.ts';
import { objectParams } from '../schemas/common.ts';
import { offset, requestList, syncDetail, syncList, syncQuery } from '../schemas/syncs.ts';
import type { Services } from '../services.ts';
import { syncRowData } from '../views/sync-row.ts';
import { lockData } from './cluster.ts';

const tag = 'Syncs';

export function syncRoutes(services: Services): readonly Route[] {
  return [listRoute(services), getRoute(services), requestsRoute(services), offsetRoute(services)];
}

function listRoute({ syncList: list }: Services): Route {
  return route({
    id: 'listSyncs',
    method: 'GET',
    path: '/syncs',
    tag,
    summary: 'List Syncs: search, filter, sort and count',
    query: syncQuery,
    answer: syncList,
    async handle({ query, caller }) {
      const page = list.page(query, scopeOf(caller, 'viewer'));
      return {
        ...page,
        items: [...page.items],
        findings: [...page.findings],
        generation: String(list.generation),
      };
    },
  });
}

function getRoute(services: Services): Route {
  return route({
    id: 'getSync',
    method: 'GET',
    path: '/syncs/{namespace}/{name}',
    tag,
    summary: 'A Sync with its status, who runs it, and its lock',
    params: objectParams,
    answer: syncDetail,
    async handle({ params, reply }) {
      const sync = requireSync(services, params);
      reply.etag(sync.version);
      return syncDetailOf(services, sync);
    },
  });
}

function requestsRoute(services: Services): Route {
  const { fleet } = services;
  return route({
    id: 'listRequests',
    method: 'GET',
    path: '/syncs/{namespace}/{name}/requests',
    tag,
    summary: 'Requests that wait, and the last answers',
    params: objectParams,
    answer: requestList,
    async handle({ params }) {
      const sync = requireSync(services, params);
      const [pending, answers] = await Promise.all([fleet.pending(sync), fleet.answers(sync)]);
      return { pending: [...pending], answers: [...answers] };
    },
  });
}

function offsetRoute(services: Services): Route {
  return route({
    id: 'getOffset',
    method: 'GET',
    path: '/syncs/{namespace}/{name}/offset',
    tag,
    summary: 'The stored offset, and its manual changes',
    params: objectParams,
    answer: offset,
    async handle({ params }) {
      const sync = requireSync(services, params);
      const history = await services.offsetHistory(sync);
      return {
        offset: describeEncoded(sync.status?.offset ?? null),
        isSuspended: sync.isSuspended,
        history:
          history?.map((each) => ({
            ...each,
            from: describeEncoded(each.from),
            to: describeEncoded(each.to),
          })) ?? null,
      };
    },
  });
}

/** What the page of a Sync shows. */
export function syncDetailOf({ mode, view, syncList: list }: Services, sync: FleetSync) {
  const assignment = view.assignmentOf(sync.uid);
  const locks = view.locks().filter(({ uid }) => uid === sync.uid);
  const lock = locks.find(({ kind }) => kind === 'sync');
  return {
    object: objectOf(sync) as never,
    row: list.rowOf(sync.uid) ?? syncRowData(sync),
    version: sync.version,
    isReadOnly: mode === 'single',
    ...(assignment && {
      assignment: {
        uid: sync.uid,
        namespace: sync.namespace,
        name: sync.name,
        agent: assignment.agent,
        assignedAt: assignment.assignedAt,
        ...(assignment.recentMoves !== undefined && { recentMoves: assignment.recentMoves }),
      },
    }),
    ...(lock && { lock: lockData(view, lock) }),
    slots: locks.filter(({ kind }) => kind === 'slot').map((each) => lockData(view, each)),
  };
}

/** Throws SyncNotFound (permanent). */
export function requireSync(
  { view }: Pick<Services, 'view'>,
  { namespace, name }: { readonly namespace: string; readonly name: string },
): FleetSync {
  const found = view.findSync(namespace, name);
  if (found) return found;
  throw permanent('SyncNotFound', `there is no Sync ${namespace}/${name}`);
}
