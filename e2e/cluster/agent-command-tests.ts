import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type CommandResult, runCommand } from '../kit/processes.ts';
import { until } from '../kit/wait.ts';
import { digest, insertSlowly, kubectl, namespace } from './release.ts';

/** The commands for the maintenance of agents as docs/cluster.md gives them: in the pod of the API server. */
export function agentCommandTests(): void {
  test(
    'an agent is drained under running Syncs, cordoned and filled again by commands in the pod of the API server',
    drains,
  );
  test('the user of an agent may not drain others', refusesAgents);
}

const drained = 'idra-agent-1';

async function drains(): Promise<void> {
  const planned = JSON.parse(await inApi('drain', drained, '--dry-run', '-o', 'json')) as {
    readonly moves: readonly { readonly from?: string; readonly to: string }[];
    readonly withoutAgentCount: number;
  };
  assert.equal(planned.withoutAgentCount, 0);
  assert.ok(planned.moves.every(({ from, to }) => from === drained && to === 'idra-agent-0'));
  assert.doesNotMatch(await inApi('get', 'agents'), /Drain/, 'nothing was changed');

  const writing = insertSlowly();
  assert.match(await inApi('drain', drained), /idra-agent-1: drained\n$/);
  await writing;
  assert.match(await inApi('get', 'agents'), /idra-agent-1 +(yes +)?Drained +0/);
  const agents = await until(
    async () => {
      const text = await kubectl([
        'get',
        'syncs',
        '-n',
        namespace,
        '-o',
        'jsonpath={.items[*].status.agent}',
      ]);
      return !text.includes(drained) && text;
    },
    { what: 'the Syncs to be on the other agent' },
  );
  assert.match(agents, /^(idra-agent-0 ?)+$/);
  await until(async () => (await digest('source', 'events')) === (await digest('destination', 'events')), {
    what: 'equal events',
  });

  assert.match(await inApi('uncordon', drained), /idra-agent-1: released\n$/);
  await inApi('cordon', drained);
  assert.match(await inApi('get', 'agents'), /idra-agent-1 +(yes +)?Cordoned/);
  await inApi('uncordon', drained);
  await inApi('rebalance');
  await until(async () => /idra-agent-1 +(yes +)?Ready +[1-9]/.test(await inApi('get', 'agents')), {
    what: 'a Sync on the agent',
  });
}

async function refusesAgents(): Promise<void> {
  const { code, stderr } = await exec('statefulset/idra-agent', ['drain', drained, '--no-wait']);
  assert.notEqual(code, 0);
  assert.match(stderr, /does not permit user idra-agent to write holds/);
  assert.doesNotMatch(await inApi('get', 'agents'), /Drain/);
}

async function inApi(...args: readonly string[]): Promise<string> {
  const { code, stdout, stderr } = await exec('deploy/idra-api', args);
  assert.equal(code, 0, `idra ${args.join(' ')}: ${stderr}`);
  return stdout;
}

function exec(pod: string, args: readonly string[]): Promise<CommandResult> {
  return runCommand('kubectl', ['exec', '-n', namespace, pod, '--', 'idra', ...args], { timeoutMs: 120_000 });
}
