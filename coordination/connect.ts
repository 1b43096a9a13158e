import { type Clock, systemClock } from '../core/clock.ts';
import { EtcdClient } from './client.ts';
import { makeClusterReader } from './cluster-reader.ts';
import type { EtcdConfig } from './config.ts';
import type { Coordination } from './contract.ts';
import { makeDesiredState } from './desired.ts';
import { makeEpoch } from './epoch.ts';
import { Keys } from './keys.ts';
import { makeProbes } from './probes.ts';
import { EtcdReader } from './reader.ts';
import { makeReports } from './reports.ts';
import { makeRequests } from './requests.ts';
import { joinAsAgent } from './session.ts';
import type { EtcdTransport } from './transport.ts';
import { makeTrials } from './trials.ts';

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
