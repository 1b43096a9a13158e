import assert from 'node:assert/strict';
import { test } from 'node:test';
import { AgentMetrics } from './metrics.ts';

const orders = { uid: 'u', namespace: 'team-a', name: 'orders' };

test('the series of a Sync end with it; the lag grows while nothing is reported', async () => {
  const metrics = new AgentMetrics({ leaseLeftMs: () => 5_000, isLeader: () => true });
  metrics.batchWritten(orders, { rows: 5, bytes: 100, writeMs: 20 });
  metrics.attemptFailed(orders, { code: 'ConnectionLost', isTransient: true });
  metrics.passEnded(orders);
  metrics.reported(orders, {
    uid: 'u',
    observedGeneration: 1,
    state: 'Running',
    reason: 'MovingRows',
    message: '',
    hasCaughtUp: false,
    rows: { read: 5, written: 5, deleted: 0, rejected: 0 },
    lagSeconds: 3,
    observedAt: new Date(Date.now() - 10_000).toISOString(),
  });
  const text = await metrics.registry.metrics();
  assert.match(text, /^idra_rows_written_total\{sync="team-a\/orders"\} 5$/m);
  assert.match(text, /^idra_errors_total\{sync="team-a\/orders",code="ConnectionLost"\} 1$/m);
  assert.match(text, /^idra_lease_left_seconds 5$/m);
  const lag = Number(/^idra_lag_seconds\{sync="team-a\/orders"\} (\S+)$/m.exec(text)?.[1]);
  assert.ok(lag >= 13, `the lag is ${lag}`);
  metrics.forget(orders);
  const after = await metrics.registry.metrics();
  assert.ok(!after.includes('orders'), after);
  assert.match(after, /^idra_syncs_running 0$/m);
});
