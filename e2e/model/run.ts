import { parseArgs } from 'node:util';
import { explore } from './explore.ts';

/**
 * Explores the model of coordination.
 *
 *   --traces N   how many runs; 100,000 by default
 *   --seed N     the first seed: with --traces 1 --tell it shows one run, event by event
 */
const { values } = parseArgs({
  options: {
    traces: { type: 'string', default: '100000' },
    seed: { type: 'string', default: '1' },
    tell: { type: 'boolean', default: false },
  },
});

const [traces, seed] = [Number(values.traces), Number(values.seed)];
const found = await explore({ traces, seed, tells: values.tell, stopsEarly: true });
for (const { seed: failing, violation, story } of found.failed) {
  for (const line of story) console.log(line);
  console.log(`seed ${failing}: ${violation}`);
  console.log(`again: node e2e/model/run.ts --traces 1 --seed ${failing} --tell`);
}
const { distinct, steps, seconds, commits, claims, refusals } = found;
console.log(
  `${found.traces} runs, ${distinct} different, ${steps} steps, ${seconds.toFixed(1)} s; ` +
    `${claims} claims, ${commits} commits, ${refusals} refused; ${found.failed.length} failed`,
);
process.exitCode = found.failed.length === 0 ? 0 : 1;
