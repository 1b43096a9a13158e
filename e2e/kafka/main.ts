import { parseArgs } from 'node:util';
import { randomFrom } from '../kit/random.ts';
import { roundTrip } from './round-trip.ts';

/**
 * `make kafka-proof`: the long form of e2e/kafka.test.ts. On a busy machine a broker that was killed may take minutes to come back:
 * IDRA_TEST_PATIENCE_MS=300000.
 */
const { values } = parseArgs({
  options: {
    messages: { type: 'string', default: '1000000' },
    kills: { type: 'string', default: '20' },
    'broker-kills': { type: 'string', default: '5' },
    pauses: { type: 'string', default: '5' },
    seed: { type: 'string', default: String(Date.now() % 1_000_000) },
  },
});
const startMs = performance.now();
console.log(`seed ${values.seed}`);
await roundTrip({
  messages: Number(values.messages),
  brokers: 3,
  batchRows: 5_000,
  kills: Number(values.kills),
  brokerKills: Number(values['broker-kills']),
  pauses: Number(values.pauses),
  needsZombie: true,
  timeoutMs: 30 * 60_000,
  random: randomFrom(Number(values.seed)),
  say: (line) => console.log(`${((performance.now() - startMs) / 1_000).toFixed(0)} s: ${line}`),
});
console.log(
  `1 passed: ${values.messages} messages, each once and in order per key, in ${((performance.now() - startMs) / 1_000).toFixed(0)} s`,
);
