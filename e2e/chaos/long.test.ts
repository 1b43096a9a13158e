import assert from 'node:assert/strict';
import { test } from 'node:test';
import { runChaos } from './chaos.ts';

/** `make chaos`: ten minutes, or IDRA_CHAOS_SECONDS; prints the figures. */
test('faults at random moments lose no row, duplicate no row, and no older owner writes', async () => {
  const seconds = Number(process.env.IDRA_CHAOS_SECONDS ?? 600);
  const seed = Number(process.env.IDRA_TEST_SEED ?? Date.now() % 1_000_000);
  const result = await runChaos({
    seconds,
    agents: 5,
    flows: 20,
    leaseTtlMs: 3_000,
    etcdOutageMs: 30_000,
    seed,
  });
  console.log(
    `seed ${seed}, ${seconds} s: ${result.rows} rows compared, ${result.commits} commits, ${result.claims} claims`,
  );
  console.log(`sessions and writes of older owners that PostgreSQL ended or refused: ${result.refused}`);
  for (const [fault, count] of result.inflicted) console.log(`${String(count).padStart(5)}  ${fault}`);
  assert.deepEqual(result.unreached, [], 'crash points that were not reached');
  assert.ok(result.refused > 0, 'no older owner was refused: the test proves nothing');
});
