import assert from 'node:assert/strict';
import { test } from 'node:test';
import { runPausedWriters } from './paused-writers.ts';

test('100 stops of half to three lease times: no commit under a lower token, at least 20 older owners refused', async () => {
  const seed = Number(process.env.IDRA_TEST_SEED ?? Date.now() % 1_000_000);
  const result = await runPausedWriters({ stops: 100, leaseTtlMs: 2_000, seed });
  console.log(
    `seed ${seed}: ${result.rows} rows compared, ${result.commits} commits, ${result.claims} claims, ${result.beforeCommit} stops in mid-write, ${result.refused} older owners refused or ended`,
  );
  assert.ok(result.refused >= 20, `${result.refused} refusals: the test proves nothing`);
});
