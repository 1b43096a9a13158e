import { type Clock, systemClock } from '../core/clock.ts';
import type { EtcdConfig } from './config.ts';
import type { Coordination } from './contract.ts';
import { EtcdClient } from './etcd/client.ts';
import { EtcdReader } from './etcd/kv.ts';
import type { EtcdTransport } from './etcd/transport.ts';
import { Keys } from './keys.ts';
import { makeProbes } from './session/probes.ts';
import { joinAsAgent } from './session/session.ts';
import { makeTrials } from './session/trials.ts';
import { makeClusterReader } from './state/cluster-reader.ts';
import { makeDesiredState } from './state/desired.ts';
import { makeEpoch } from './state/epoch.ts';
import { makeReports } from './state/reports.ts';
import { makeRequests } from './state/requests.ts';

export { type EtcdConfig, readEtcdConfig } from './config.ts';
export type * from './contract.ts';

export interface CoordinationDeps {
  readonly clock?: Clock;
}

/** Connects when it is first used. Throws EtcdNotConfigured (permanent) when a file of the configuration cannot be read. */
export function connectCoordination(config: EtcdConfig, deps: CoordinationDeps = {}): Coordination {
  return coordinateOver(new EtcdClient(config), config.prefix, deps.clock ?? systemClock);
}

/** Over any transport: the real one, or that of the model. */
export function coordinateOver(transport: EtcdTransport, prefix: string, clock: Clock): Coordination {
  const reader = new EtcdReader(transport, clock);
  const keys = new Keys(prefix);
  return {
    desired: makeDesiredState(reader, keys),
    reports: makeReports(reader, keys),
    requests: makeRequests(reader, keys),
    probes: makeProbes(reader, keys),
    epoch: makeEpoch(reader, keys),
    cluster: makeClusterReader(reader, keys),
    trials: makeTrials(reader, keys),
    join: (agent, options) => joinAsAgent({ reader, clock, keys }, agent, options),
    async ping(signal) {
      await reader.get(keys.epoch, signal);
    },
    async close() {
      transport.close();
    },
  };
}
