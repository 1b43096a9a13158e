import assert from 'node:assert/strict';
import { test } from 'node:test';
import { runChaos } from './chaos/chaos.ts';

/** The short form of `make chaos`. */
test('a minute of faults loses no row, duplicates no row, and no older owner writes', async () => {
  const seed = Number(process.env.IDRA_TEST_SEED ?? Date.now() % 1_000_000);
  const result = await runChaos({
    seconds: 60,
    agents: 4,
    flows: 10,
    leaseTtlMs: 2_000,
    etcdOutageMs: 5_000,
    seed,
  });
  assert.ok(
    result.rows > 1_000 && result.commits > 50,
    `seed ${seed}: too little was moved to prove anything`,
  );
});
