import { parseArgs } from 'node:util';
import { randomFrom } from '../kit/random.ts';
import { toMongodb, toPostgres } from './destinations.ts';
import { follow } from './follow.ts';

/** `make mongodb-proof`: the long form of e2e/mongodb-changes.test.ts. */
const { values } = parseArgs({
  options: {
    changes: { type: 'string', default: '100000' },
    kills: { type: 'string', default: '20' },
    to: { type: 'string', default: 'postgres' },
    seed: { type: 'string', default: String(Date.now() % 1_000_000) },
  },
});
const startMs = performance.now();
const seconds = () => ((performance.now() - startMs) / 1_000).toFixed(0);
console.log(`seed ${values.seed}`);
await follow(values.to === 'mongodb' ? toMongodb : toPostgres, {
  changes: Number(values.changes),
  kills: Number(values.kills),
  maxRows: 500,
  random: randomFrom(Number(values.seed)),
  say: (line) => console.log(`${seconds()} s: ${line}`),
});
console.log(`1 passed: ${values.changes} changes, each applied once, in ${seconds()} s`);
