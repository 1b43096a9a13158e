import type { Agent, AgentHold, Assignment, Coordination } from '../coordination/contract.ts';
import { qualifiedName } from '../core/sync-spec.ts';
import type { FleetAgent, FleetLock } from './contract.ts';

/** The agents of a cluster, sorted by name. They are known only to etcd, with and without Kubernetes. */
export async function readAgents(etcd: Coordination): Promise<readonly FleetAgent[]> {
  const [agents, leader, assignments, holds] = await Promise.all([
    etcd.cluster.agents(),
    etcd.cluster.leader(),
    etcd.cluster.assignments(),
    etcd.scheduling.holds(),
  ]);
  return agentsIn({ agents, leader: leader?.agent, assignments, holds });
}

export interface StoredAgents {
  readonly agents: readonly Agent[];
  readonly leader: string | undefined;
  readonly assignments: readonly Assignment[];
  readonly holds: readonly AgentHold[];
}

export function agentsIn({ agents, leader, assignments, holds }: StoredAgents): readonly FleetAgent[] {
  const holdOf = new Map(holds.map((hold) => [hold.agent, hold]));
  const byAgent = Map.groupBy(assignments, ({ agent }) => agent);
  return [...agents]
    .sort((one, other) => one.name.localeCompare(other.name, 'en', { numeric: true }))
    .map((agent) => {
      const hold = holdOf.get(agent.name);
      return {
        ...agent,
        isLeader: leader === agent.name,
        ...(hold && { hold }),
        syncs: (byAgent.get(agent.name) ?? []).map(({ uid }) => uid),
      };
    });
}

export const agentStates = ['Ready', 'Cordoned', 'Draining', 'Drained', 'Stopping'] as const;
export type AgentState = (typeof agentStates)[number];

/** Stopping: it was told to end, and gives its Syncs away. The others are as users want it. */
export function agentState({ isDraining, hold, syncs }: FleetAgent): AgentState {
  if (isDraining) return 'Stopping';
  if (hold?.mode === 'Draining') return syncs.length > 0 ? 'Draining' : 'Drained';
  return hold ? 'Cordoned' : 'Ready';
}

/** The locks of Syncs, and the slots of DataSources that are held or waited for. */
export async function readLocks(etcd: Coordination): Promise<readonly FleetLock[]> {
  const [locks, { syncs }] = await Promise.all([etcd.cluster.locks(), etcd.desired.read()]);
  const names = new Map(syncs.map((sync) => [sync.uid, qualifiedName(sync)]));
  return locks.map((lock) => ({ sync: names.get(lock.uid) ?? lock.uid, ...lock }));
}
