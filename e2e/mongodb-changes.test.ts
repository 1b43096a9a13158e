import { test } from 'node:test';
import { randomFrom } from './kit/random.ts';
import { toMongodb, toPostgres } from './mongodb-changes/destinations.ts';
import { follow } from './mongodb-changes/follow.ts';

/** `make mongodb-proof` runs it with 100,000 changes and 20 kills. */
for (const [name, open] of [
  ['PostgreSQL', toPostgres],
  ['a MongoDB with transactions', toMongodb],
] as const)
  test(`change streams to ${name}: under kills each change is applied once`, async (context) => {
    const seed = Number(process.env.IDRA_TEST_SEED ?? Date.now() % 1_000_000);
    context.diagnostic(`seed ${seed}`);
    await follow(open, { changes: 3_000, kills: 3, maxRows: 100, random: randomFrom(seed) });
  });
