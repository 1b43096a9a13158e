import { Registry } from 'prom-client';
import { AgentMetrics } from '../agent/metrics.ts';
import { operatorMetrics } from '../operator/metrics.ts';
import { readProjectFile, reportProblems } from './project-files.ts';

const metricsPage = 'docs/metrics.md';

export interface Metric {
  readonly name: string;
  readonly type: string;
  readonly labels: readonly string[];
  readonly help: string;
}

/** The problems of the page of metrics: each registered metric must have a row with the same description, and no other rows may exist. */
export function checkMetrics(page: string, metrics: readonly Metric[]): string[] {
  const rows = new Set(page.split('\n').filter((line) => line.startsWith('| `idra_')));
  const wanted = new Set(metrics.map(rowOf));
  return [
    ...[...wanted]
      .filter((row) => !rows.has(row))
      .map((row) => `${metricsPage}: this row is missing: ${row}`),
    ...[...rows].filter((row) => !wanted.has(row)).map((row) => `${metricsPage}: no such metric: ${row}`),
  ];
}

function rowOf({ name, type, labels, help }: Metric): string {
  const names = labels.map((label) => `\`${label}\``).join(', ') || 'none';
  return `| \`${name}\` | ${type} | ${names} | ${help} |`;
}

/** All metrics that agent and operator register, from their registries. */
export function registeredMetrics(): Metric[] {
  const agent = new AgentMetrics({ leaseLeftMs: () => undefined, isLeader: () => false });
  const operator = new Registry();
  operatorMetrics(operator, {
    syncs: () => new Map(),
    dataSources: () => new Map(),
    isLeader: () => false,
    isEtcdUp: () => false,
    isKubernetesUp: () => false,
  });
  return [agent.registry, operator].flatMap((registry) =>
    registry.getMetricsAsArray().map((metric) => {
      const { name, help, type, labelNames } = metric as unknown as Registered;
      return { name, type: String(type), labels: labelNames, help };
    }),
  );
}

/** Fields that prom-client's types do not declare. */
interface Registered {
  readonly name: string;
  readonly help: string;
  readonly type: string;
  readonly labelNames: readonly string[];
}

if (import.meta.main) reportProblems(checkMetrics(readProjectFile(metricsPage), registeredMetrics()));
