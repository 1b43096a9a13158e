import type { Clock } from '../../core/clock.ts';
import type { FleetView } from '../../fleet/view/contract.ts';
import type { TrendMemory } from '../views/trends.ts';
import type { ChartScope, Charts } from './contract.ts';

/** What agents have recorded, in memory. */
export function agentCharts(trends: TrendMemory, view: FleetView, clock: Clock): Charts {
  return {
    source: 'agents',
    of: async ({ uid }, kind) => trends.of(uid, kind, clock.now()),
    lags: async (syncs, untilMs) => syncs.map(({ uid }) => trends.lags(uid, untilMs)),
    async total(scope, kind) {
      const uids = [...view.syncs()].filter(within(scope)).map(({ uid }) => uid);
      const key = scope === '*' ? scope : [...scope].sort().join();
      return trends.total(key, uids, kind, clock.now());
    },
  };
}

function within(scope: ChartScope): (of: { readonly namespace: string }) => boolean {
  return ({ namespace }) => scope === '*' || scope.has(namespace);
}
