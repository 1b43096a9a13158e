import { Counter, Gauge, Histogram, type Registry } from 'prom-client';
import type { ControllerMetrics } from './controller.ts';

export interface RuntimeMetrics extends ControllerMetrics {
  /** For `TransportOptions.onAnswer`. */
  onAnswer(method: string, status: number): void;
  /** For `EventRecorderOptions.onDropped`. */
  onDropped(cause: string): void;
}

/** Every label is bounded: names of controllers, outcomes, HTTP methods, statuses and codes. */
export function runtimeMetrics(registry: Registry, prefix: string): RuntimeMetrics {
  const registers = [registry];
  const reconcile = new Histogram({
    name: `${prefix}reconcile_seconds`,
    help: 'Duration of one reconcile, by controller and outcome (success or the disposition of the error)',
    labelNames: ['controller', 'outcome'],
    buckets: [0.001, 0.005, 0.02, 0.1, 0.5, 2, 10, 60],
    registers,
  });
  const depth = new Gauge({
    name: `${prefix}queue_depth`,
    help: 'Keys that are ready to be reconciled',
    labelNames: ['controller'],
    registers,
  });
  const delayed = new Gauge({
    name: `${prefix}queue_delayed`,
    help: 'Keys with a delay: a resync, or a retry after a failure',
    labelNames: ['controller'],
    registers,
  });
  const requests = new Counter({
    name: `${prefix}kubernetes_requests_total`,
    help: 'Requests to the Kubernetes API server, by method and HTTP status (0: no answer)',
    labelNames: ['method', 'status'],
    registers,
  });
  const dropped = new Counter({
    name: `${prefix}events_dropped_total`,
    help: 'Kubernetes events that were not written, by cause',
    labelNames: ['cause'],
    registers,
  });
  return {
    onReconcile: (controller, outcome, seconds) => reconcile.observe({ controller, outcome }, seconds),
    onQueue: (controller, waiting, later) => {
      depth.set({ controller }, waiting);
      delayed.set({ controller }, later);
    },
    onAnswer: (method, status) => requests.inc({ method, status }),
    onDropped: (cause) => dropped.inc({ cause }),
  };
}
