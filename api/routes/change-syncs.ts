import { asIdraError } from '../../core/errors.ts';
import type { Request, RequestType } from '../../core/status.ts';
import { ask, newRequestId } from '../../fleet/ask.ts';
import type { FleetSync } from '../../fleet/contract.ts';
import { type Call, type Route, route } from '../http/route.ts';
import {
  owners,
  requestBody,
  requested,
  setOffsetBody,
  suspendBody,
  undoOffsetBody,
  waitQuery,
} from '../schemas/changes.ts';
import { objectParams } from '../schemas/common.ts';
import type { Services } from '../services.ts';
import { requireChangeable } from './change-objects.ts';
import { requireSync } from './syncs.ts';

const tag = 'Syncs';

/** What is done with a Sync besides changing its spec. */
export function syncChangeRoutes(services: Services): readonly Route[] {
  return [
    suspendRoute(services),
    requestRoute(services),
    setOffsetRoute(services),
    undoOffsetRoute(services),
    ownersRoute(services),
  ];
}

function suspendRoute(services: Services): Route {
  return route({
    id: 'suspendSync',
    method: 'PUT',
    path: '/syncs/{namespace}/{name}/suspended',
    tag,
    summary: 'Suspend a Sync after its current batch, or resume it; beside the spec, which Git may own',
    params: objectParams,
    body: suspendBody,
    status: 204,
    async handle(call) {
      requireChangeable(services);
      const sync = requireSync(services, call.params);
      const { isSuspended } = call.body;
      const change = {
        ...changeOf('suspendSync', sync),
        before: { isSuspended: sync.isSuspended },
        after: { isSuspended },
      };
      await call.change(change, () => services.fleet.suspend(sync, isSuspended));
    },
  });
}

function requestRoute(services: Services): Route {
  return route({
    id: 'postRequest',
    method: 'POST',
    path: '/syncs/{namespace}/{name}/requests',
    tag,
    summary: 'Request a pass now, a restart from the beginning, or to keep the offset after a change',
    params: objectParams,
    query: waitQuery,
    body: requestBody,
    answer: requested,
    status: 202,
    handle: (call) => post(services, call, call.body.type, call.query.wait),
  });
}

function setOffsetRoute(services: Services): Route {
  return route({
    id: 'setOffset',
    method: 'PUT',
    path: '/syncs/{namespace}/{name}/offset',
    tag,
    summary: 'Set the offset of a suspended Sync, if the stored one is the expected one',
    params: objectParams,
    query: waitQuery,
    body: setOffsetBody,
    answer: requested,
    status: 202,
    handle: (call) => post(services, call, 'offset', call.query.wait, call.body),
  });
}

function undoOffsetRoute(services: Services): Route {
  return route({
    id: 'undoOffset',
    method: 'POST',
    path: '/syncs/{namespace}/{name}/offset/undo',
    tag,
    summary: 'Undo the last manual change of the offset',
    params: objectParams,
    query: waitQuery,
    body: undoOffsetBody,
    answer: requested,
    status: 202,
    handle(call) {
      const { change } = call.body;
      const offset = change && { value: change.from, expect: change.to };
      return post(services, call, 'undo-offset', call.query.wait, offset);
    },
  });
}

function ownersRoute(services: Services): Route {
  return route({
    id: 'listFieldOwners',
    method: 'GET',
    path: '/syncs/{namespace}/{name}/field-owners',
    tag,
    summary: 'Who has set which field (Kubernetes): those of Helm or Git cannot be changed here',
    params: objectParams,
    answer: owners,
    async handle({ params }) {
      const { namespace, name } = requireSync(services, params);
      const found = await services.fleet.fieldOwners('Sync', namespace, name);
      return { items: found.map(({ path, manager }) => ({ path, manager })) };
    },
  });
}

async function post(
  services: Services,
  call: Call<{ readonly namespace: string; readonly name: string }>,
  type: RequestType,
  waitSeconds: number,
  offset?: Request['offset'],
) {
  const sync = requireSync(services, call.params);
  const id = newRequestId();
  const change = {
    ...changeOf(type, sync),
    ...(offset && { before: { offset: offset.expect }, after: { offset: offset.value } }),
  };
  return await call.change(change, async () => {
    const options = { by: call.caller.user, id, timeoutMs: waitSeconds * 1_000, ...(offset && { offset }) };
    try {
      const answer = await ask(services.fleet, sync, type, options);
      if (answer) return { id, state: 'Done' as const, message: answer.message };
    } catch (thrown) {
      if (asIdraError(thrown).code !== 'RequestUnanswered') throw thrown;
    }
    return { id, state: 'Posted' as const, message: `${type} is requested` };
  });
}

function changeOf(action: string, { namespace, name }: FleetSync) {
  return { action, object: `Sync ${namespace}/${name}`, namespace };
}
