import { shortManifests } from '../../agent/balance/test-manifests.ts';
import { keepAssignments } from '../../agent/lead/keep-assignments.ts';
import { systemClock } from '../../core/clock.ts';
import { silentLog } from '../../core/log.ts';
import { SimulatedAgent } from './agent.ts';
import type { FromLeader, SimulatorInput } from './messages.ts';

/** A process with only the leading agent: its memory is the cost of leading. */
const input: SimulatorInput = JSON.parse(process.argv[2] ?? '');

function send(message: Omit<FromLeader, 'rssBytes'>): void {
  process.send?.({ ...message, rssBytes: process.resourceUsage().maxRSS * 1024 } satisfies FromLeader);
}

process.on('disconnect', () => process.exit());
const agent = await SimulatedAgent.join('leader', input);
const leadership = await agent.session.campaign(agent.session.signal);
const none = { moves: 0, decideMs: 0, writeMs: 0 };
send({ kind: 'leading', ...none });
setInterval(() => send({ kind: 'alive', ...none }), 1_000);
const deps = {
  clock: systemClock,
  log: silentLog,
  manifests: shortManifests,
  // Each join and leave is measured separately: no change is delayed.
  graces: { returnMs: 0, unsteadyMs: 0, memoryMs: 600_000 },
  onDecision: ({ moves, decideMs, writeMs }: Omit<FromLeader, 'kind' | 'rssBytes'>) =>
    send({ kind: 'decision', moves, decideMs, writeMs }),
};
await keepAssignments(leadership, deps, agent.session.signal);
