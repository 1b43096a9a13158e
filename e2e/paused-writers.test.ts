import assert from 'node:assert/strict';
import { test } from 'node:test';
import { runPausedWriters } from './chaos/paused-writers.ts';

/** The short form of e2e/chaos/paused-writers.test.ts. */
test('agents that are stopped during a write and continue after their lease commit nothing', async () => {
  const seed = Number(process.env.IDRA_TEST_SEED ?? Date.now() % 1_000_000);
  const result = await runPausedWriters({ stops: 24, leaseTtlMs: 2_000, seed });
  assert.ok(result.beforeCommit > 0, `seed ${seed}: no agent was stopped in mid-write`);
  assert.ok(result.refused > 0, `seed ${seed}: no older owner was refused: the test proves nothing`);
});
