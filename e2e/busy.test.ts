import assert from 'node:assert/strict';
import { availableParallelism } from 'node:os';
import { test } from 'node:test';
import { keepAgentBusy } from './busy/busy-agent.ts';

/** The short form; `make bench ARGS=busy` runs it for ten minutes. */
test('work never starves the renewal of the lease', async () => {
  const busy = await keepAgentBusy({
    leaseTtlMs: 6_000,
    forMs: 15_000,
    rows: 60_000,
    cores: availableParallelism(),
  });
  assert.equal(busy.leasesLost, 0);
  assert.ok(busy.leastLeaseLeftMs > 0);
});
