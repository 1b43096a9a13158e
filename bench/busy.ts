import { availableParallelism } from 'node:os';
import { parseArgs } from 'node:util';
import { keepAgentBusy } from '../e2e/busy/busy-agent.ts';

/** Whether work delays the renewal of an agent's lease: all cores are kept busy by other processes of equal priority. */
const { values } = parseArgs({
  options: {
    minutes: { type: 'string', default: '10' },
    'ttl-seconds': { type: 'string', default: '10' },
    rows: { type: 'string', default: '500000' },
  },
});

const busy = await keepAgentBusy({
  leaseTtlMs: Number(values['ttl-seconds']) * 1_000,
  forMs: Number(values.minutes) * 60_000,
  rows: Number(values.rows),
  cores: availableParallelism(),
});
const isMet = busy.leasesLost === 0;
console.log(
  `${isMet ? 'ok    ' : 'MISSED'} ${values.minutes} min with all cores busy, TTL ${values['ttl-seconds']} s: ${busy.leasesLost} leases lost (at most 0)`,
);
console.log(
  `       ${busy.rowsMoved} rows moved; least time left of the lease ${Math.round(busy.leastLeaseLeftMs)} ms; longest delay of the event loop ${Math.round(busy.longestLoopDelayMs)} ms`,
);
if (!isMet) process.exitCode = 1;
