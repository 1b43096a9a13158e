import { Counter, Gauge, type Registry } from 'prom-client';
import { type RuntimeMetrics, runtimeMetrics } from './runtime/metrics.ts';

/** Values that are computed at each scrape. */
export interface Counted {
  /** By STATE. */
  syncs(): ReadonlyMap<string, number>;
  /** By their Ready condition: True, False, Unknown. */
  dataSources(): ReadonlyMap<string, number>;
  isLeader(): boolean;
  isEtcdUp(): boolean;
  isKubernetesUp(): boolean;
}

export interface OperatorMetrics extends RuntimeMetrics {
  readonly statusWrites: { inc(labels: { readonly kind: string }): void };
}

const prefix = 'idra_operator_';

/** The operator's metrics; every label is bounded. */
export function operatorMetrics(registry: Registry, counted: Counted): OperatorMetrics {
  const registers = [registry];
  const isOne = (name: string, help: string, holds: () => boolean) =>
    new Gauge({
      name: `${prefix}${name}`,
      help,
      registers,
      collect() {
        this.set(holds() ? 1 : 0);
      },
    });
  isOne('leader', '1 if this operator is the leader', counted.isLeader);
  isOne('etcd_up', '1 if etcd answers and accepts writes', counted.isEtcdUp);
  isOne('kubernetes_up', '1 if the Kubernetes API server answers', counted.isKubernetesUp);
  countBy(registers, 'syncs', 'Syncs by state', 'state', counted.syncs);
  countBy(registers, 'data_sources', 'DataSources by readiness', 'ready', counted.dataSources);
  const statusWrites = new Counter({
    name: `${prefix}status_writes_total`,
    help: 'Statuses written to Kubernetes, by kind',
    labelNames: ['kind'],
    registers,
  });
  return { ...runtimeMetrics(registry, prefix), statusWrites };
}

function countBy(
  registers: Registry[],
  name: string,
  help: string,
  label: string,
  count: () => ReadonlyMap<string, number>,
): void {
  new Gauge({
    name: `${prefix}${name}`,
    help,
    labelNames: [label],
    registers,
    collect() {
      this.reset();
      for (const [value, number] of count()) this.set({ [label]: value }, number);
    },
  });
}
