import type { Agent, Assignment, Coordination } from '../coordination/contract.ts';
import { qualifiedName } from '../core/sync-spec.ts';
import type { FleetAgent, FleetLock } from './contract.ts';

/** The agents of a cluster, sorted by name. They are known only to etcd, with and without Kubernetes. */
export async function readAgents(etcd: Coordination): Promise<readonly FleetAgent[]> {
  const [agents, leader, assignments] = await Promise.all([
    etcd.cluster.agents(),
    etcd.cluster.leader(),
    etcd.cluster.assignments(),
  ]);
  return agentsIn(agents, leader?.agent, assignments);
}

export function agentsIn(
  agents: readonly Agent[],
  leader: string | undefined,
  assignments: readonly Assignment[],
): readonly FleetAgent[] {
  const byAgent = Map.groupBy(assignments, ({ agent }) => agent);
  return [...agents]
    .sort((one, other) => one.name.localeCompare(other.name, 'en', { numeric: true }))
    .map((agent) => ({
      ...agent,
      isLeader: leader === agent.name,
      syncs: (byAgent.get(agent.name) ?? []).map(({ uid }) => uid),
    }));
}

/** The locks of Syncs, and the slots of DataSources that are held or waited for. */
export async function readLocks(etcd: Coordination): Promise<readonly FleetLock[]> {
  const [locks, { syncs }] = await Promise.all([etcd.cluster.locks(), etcd.desired.read()]);
  const names = new Map(syncs.map((sync) => [sync.uid, qualifiedName(sync)]));
  return locks.map((lock) => ({ sync: names.get(lock.uid) ?? lock.uid, ...lock }));
}
