import { SimulatedAgent } from './agent.ts';
import type { FromAgents, SimulatorInput, ToAgents } from './messages.ts';

/** A process with many simulated agents, controlled by messages. */
const input: SimulatorInput = JSON.parse(process.argv[2] ?? '');
const agents = new Map<string, SimulatedAgent>();

function send(kind: FromAgents['kind']): void {
  const locks = [...agents.values()].reduce((sum, agent) => sum + agent.lockCount, 0);
  process.send?.({ kind, locks } satisfies FromAgents);
}

process.on('message', (message: ToAgents) => {
  switch (message.kind) {
    case 'join': {
      const joining = message.names.map(async (name) => {
        agents.set(name, await SimulatedAgent.join(name, input));
      });
      void Promise.all(joining).then(() => send('joined'));
      break;
    }
    case 'leave': {
      const agent = agents.get(message.name);
      agents.delete(message.name);
      void agent?.leave().then(() => send('left'));
      break;
    }
    case 'count':
      send('count');
      break;
  }
});
process.on('disconnect', () => process.exit());
