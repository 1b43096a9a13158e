import type { PlannedMoves } from '../../coordination/contract.ts';
import { permanent } from '../../core/errors.ts';
import type { AgentControl } from '../../fleet/agent-control.ts';
import { type Route, route } from '../http/route.ts';
import { agentParams, holdBody, movesBody, plannedMoves } from '../schemas/cluster.ts';
import type { Services } from '../services.ts';

const tag = 'Cluster';

/** What users want of agents; the leader moves the Syncs. */
export function agentRoutes(services: Services): readonly Route[] {
  return [previewRoute(services), holdRoute(services), releaseRoute(services), rebalanceRoute(services)];
}

function previewRoute(services: Services): Route {
  return route({
    id: 'previewMoves',
    method: 'POST',
    path: '/agent-moves',
    tag,
    summary: 'Which Syncs a cordon, drain, uncordon or rebalance would move, as the leader sees it now',
    body: movesBody,
    answer: plannedMoves,
    isReadOnly: true,
    async handle({ body: { action, agent }, signal }) {
      const control = controlOf(services);
      if (action === 'rebalance') return listsOf(await control.preview({ action }, signal));
      if (agent !== undefined) return listsOf(await control.preview({ action, agent }, signal));
      throw permanent('RequestMalformed', `${action} needs agent`, { path: 'agent' });
    },
  });
}

function holdRoute(services: Services): Route {
  return route({
    id: 'holdAgent',
    method: 'PUT',
    path: '/agents/{agent}/hold',
    tag,
    summary: 'Cordon an agent (it keeps its Syncs and gets no other) or drain it (it gives them away)',
    params: agentParams,
    body: holdBody,
    status: 204,
    async handle(call) {
      const control = controlOf(services);
      const { agent } = call.params;
      const { mode, passWaitSeconds } = call.body;
      const before = holdOf(services, agent);
      const change = {
        action: 'holdAgent',
        object: `Agent ${agent}`,
        ...(before && { before }),
        after: call.body,
      };
      const at = new Date(services.clock.now()).toISOString();
      const hold = { agent, mode, by: call.caller.user, at, passWaitMs: passWaitSeconds * 1_000 };
      await call.change(change, () => control.hold(hold));
    },
  });
}

function releaseRoute(services: Services): Route {
  return route({
    id: 'releaseAgent',
    method: 'DELETE',
    path: '/agents/{agent}/hold',
    tag,
    summary: 'End a cordon or a drain: the agent gets Syncs again',
    params: agentParams,
    status: 204,
    async handle(call) {
      const control = controlOf(services);
      const { agent } = call.params;
      const before = holdOf(services, agent);
      const change = { action: 'releaseAgent', object: `Agent ${agent}`, ...(before && { before }) };
      await call.change(change, () => control.release(agent));
    },
  });
}

function rebalanceRoute(services: Services): Route {
  return route({
    id: 'rebalance',
    method: 'POST',
    path: '/rebalance',
    tag,
    summary: 'Even the loads of agents now, also of those that have just restarted; returns what was moved',
    answer: plannedMoves,
    async handle(call) {
      const control = controlOf(services);
      const change = { action: 'rebalance', object: 'Agents' };
      return await call.change(change, async () => listsOf(await control.rebalance(call.signal)));
    },
  });
}

function listsOf({ moves, withoutAgent, ...counts }: PlannedMoves) {
  return { ...counts, moves: [...moves], withoutAgent: [...withoutAgent] };
}

function holdOf({ view }: Services, agent: string) {
  const hold = view.agents().find(({ name }) => name === agent)?.hold;
  return hold && { mode: hold.mode, passWaitSeconds: hold.passWaitMs / 1_000 };
}

function controlOf({ agents }: Services): AgentControl {
  if (agents) return agents;
  throw permanent('NotOfferedHere', 'in single mode there are no agents: one process runs all Syncs');
}
