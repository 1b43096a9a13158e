import { test } from 'node:test';
import { randomFrom } from './kit/random.ts';
import { roundTrip } from './s3/round-trip.ts';

/** `make s3-proof` runs it with more rows and faults. */
test('objects to PostgreSQL to objects: kills of agents and of the server, and paused agents, lose and double nothing', async (context) => {
  const seed = Number(process.env.IDRA_TEST_SEED ?? Date.now() % 1_000_000);
  context.diagnostic(`seed ${seed}`);
  await roundTrip({
    objects: 200,
    rowsPerObject: 50,
    batchRows: 200,
    kills: 3,
    serverKills: 1,
    pauses: 1,
    timeoutMs: 120_000,
    random: randomFrom(seed),
  });
});
