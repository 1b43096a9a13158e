import { test } from 'node:test';
import { roundTrip } from './kafka/round-trip.ts';
import { randomFrom } from './kit/random.ts';

/** `make kafka-proof` runs it with a million messages, three brokers and more faults. */
test('topic to PostgreSQL to topic: kills of agents and brokers, and paused agents, lose and duplicate nothing', async (context) => {
  const seed = Number(process.env.IDRA_TEST_SEED ?? Date.now() % 1_000_000);
  context.diagnostic(`seed ${seed}`);
  await roundTrip({
    messages: 20_000,
    brokers: 1,
    batchRows: 200,
    kills: 4,
    brokerKills: 1,
    pauses: 1,
    timeoutMs: 120_000,
    random: randomFrom(seed),
  });
});
