import { type Clock, systemClock } from '../core/clock.ts';
import type { EtcdConfig } from './config.ts';
import type { Coordination } from './contract.ts';
import { EtcdClient } from './etcd/client.ts';
import { EtcdKv } from './etcd/kv.ts';
import type { EtcdTransport } from './etcd/transport.ts';
import { Keys } from './keys.ts';
import { makeProbes } from './session/probes.ts';
import { joinAsAgent } from './session/session.ts';
import { makeTrials } from './session/trials.ts';
import { makeClusterReader } from './state/cluster-reader.ts';
import { makeDesiredState } from './state/desired.ts';
import { makeDocuments } from './state/documents-in-etcd.ts';
import { makeEpoch } from './state/epoch.ts';
import { observe } from './state/observer.ts';
import { makeReports } from './state/reports.ts';
import { makeRequests } from './state/requests.ts';
import { makeScheduling } from './state/scheduling.ts';
import { makeTrends } from './state/trends.ts';

export { type EtcdConfig, readEtcdConfig } from './config.ts';
export type * from './contract.ts';

export interface CoordinationDeps {
  readonly clock?: Clock;
}

/** Connects on first use. Throws EtcdNotConfigured (permanent) if a file of the configuration cannot be read. */
export function connectCoordination(config: EtcdConfig, deps: CoordinationDeps = {}): Coordination {
  return coordinateOver(new EtcdClient(config), config.prefix, deps.clock ?? systemClock);
}

/** Over any transport: the real one, or the model's. */
export function coordinateOver(transport: EtcdTransport, prefix: string, clock: Clock): Coordination {
  const kv = new EtcdKv(transport, clock);
  const keys = new Keys(prefix);
  return {
    desired: makeDesiredState(kv, keys),
    reports: makeReports(kv, keys),
    requests: makeRequests(kv, keys),
    probes: makeProbes(kv, keys),
    epoch: makeEpoch(kv, keys),
    cluster: makeClusterReader(kv, keys),
    scheduling: makeScheduling(kv, keys),
    trials: makeTrials(kv, keys),
    documents: makeDocuments(kv, keys),
    trends: makeTrends(kv, keys),
    observe: (sink, onError) => observe(kv, keys, sink, onError),
    join: (agent, options) => joinAsAgent({ kv, clock, keys }, agent, options),
    async ping(signal) {
      await kv.get(keys.epoch, signal);
    },
    async checkWrites(signal) {
      const key = `${keys.removals}check`;
      // No key is created at revision 1, so nothing is written; a full etcd refuses every transaction that could write.
      const success = [{ kind: 'put', key, value: '' }] as const;
      await kv.repeatableTxn({ compare: [{ key, create: 1n }], success }, signal);
    },
    async close() {
      transport.close();
    },
  };
}
