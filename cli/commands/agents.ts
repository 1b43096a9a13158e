import type { Command } from 'commander';
import type { Coordination, MovesQuestion, PlannedMoves } from '../../coordination/contract.ts';
import { systemClock } from '../../core/clock.ts';
import { counted } from '../../core/counted.ts';
import { transient } from '../../core/errors.ts';
import { agentControl } from '../../fleet/agent-control.ts';
import { readAgents } from '../../fleet/cluster.ts';
import { caller } from '../caller.ts';
import { type Cli, runs } from '../cli.ts';
import { exitStatus } from '../exit-status.ts';
import { formatObjects, type OutputKind, outputOption } from '../output.ts';
import { requireYes } from '../require-yes.ts';
import { formatTable } from '../table.ts';
import { parseTimeout } from '../timeout.ts';
import { withEtcd } from '../with-fleet.ts';

interface AgentOptions {
  readonly dryRun?: boolean;
  readonly output?: OutputKind;
}

interface DrainOptions extends AgentOptions {
  readonly passWait: string;
  readonly wait: boolean;
  readonly timeout: string;
  readonly yes?: boolean;
}

const pollMs = 500;

/** What a user wants of agents; the leader moves the Syncs. */
export function addAgents(root: Command, cli: Cli): void {
  addCordon(root, cli);
  addDrain(root, cli);
  addUncordon(root, cli);
  addRebalance(root, cli);
}

function withPreview(command: Command, example: string): Command {
  return command
    .option('--dry-run', 'only print which syncs would move')
    .addOption(outputOption('json', 'yaml'))
    .addHelpText('after', `\nExample:\n  ${example}`);
}

function addCordon(root: Command, cli: Cli): void {
  const command = withPreview(
    root.command('cordon <agent>').description('an agent keeps its syncs and gets no other, until uncordon'),
    'idra cordon agent-1',
  );
  runs<AgentOptions>(command, cli, async ([agent = ''], options) =>
    withControl(cli, async (control, _etcd, signal) => {
      const planned = await control.preview({ action: 'cordon', agent }, signal);
      if (!options.dryRun) {
        const at = new Date().toISOString();
        await control.hold({ agent, mode: 'Cordoned', by: caller(), at, passWaitMs: 0 });
      }
      print(cli, planned, options, options.dryRun ? undefined : `${agent}: cordoned`);
      return exitStatus.ok;
    }),
  );
}

function addDrain(root: Command, cli: Cli): void {
  const command = withPreview(
    root
      .command('drain <agent>')
      .description('move the syncs of an agent to the others, and give it no other until uncordon'),
    'idra drain agent-1 --pass-wait 15m',
  )
    .option(
      '--pass-wait <duration>',
      'how long the end of a long pass is awaited before its sync moves',
      '5m',
    )
    .option('--no-wait', 'do not wait until the agent has no sync')
    .option('--timeout <duration>', 'how long to wait', '10m')
    .option('--yes', 'do not ask when no other agent can run some of its syncs');
  runs<DrainOptions>(command, cli, async ([agent = ''], options) => {
    const [passWaitMs, timeoutMs] = [parseTimeout(options.passWait), parseTimeout(options.timeout)];
    return await withControl(cli, async (control, etcd, signal) => {
      const planned = await control.preview({ action: 'drain', agent }, signal);
      if (options.dryRun) {
        print(cli, planned, options);
        return exitStatus.ok;
      }
      if (planned.withoutAgentCount > 0)
        await requireYes(
          options,
          `no other agent can run ${counted(planned.withoutAgentCount, 'sync')} of ${agent}, which would wait`,
        );
      const at = new Date().toISOString();
      await control.hold({ agent, mode: 'Draining', by: caller(), at, passWaitMs });
      print(cli, planned, options, `${agent}: draining`);
      if (options.wait) await untilEmpty(etcd, agent, timeoutMs, signal);
      if (options.wait && options.output === undefined) cli.out.write(`${agent}: drained\n`);
      return exitStatus.ok;
    });
  });
}

async function untilEmpty(
  etcd: Coordination,
  agent: string,
  timeoutMs: number,
  signal: AbortSignal,
): Promise<void> {
  const deadlineMs = systemClock.monotonicMs() + timeoutMs;
  for (;;) {
    const found = (await readAgents(etcd)).find(({ name }) => name === agent);
    if (!found || found.syncs.length === 0) return;
    if (systemClock.monotonicMs() >= deadlineMs)
      throw transient('AgentNotEmpty', `${agent} still runs ${counted(found.syncs.length, 'sync')}`, {
        fix: 'it gives them away when their passes end; look with idra get agents',
      });
    await systemClock.sleep(pollMs, signal);
  }
}

function addUncordon(root: Command, cli: Cli): void {
  const command = withPreview(
    root.command('uncordon <agent>').description('end a cordon or a drain: the agent gets syncs again'),
    'idra uncordon agent-1',
  );
  runs<AgentOptions>(command, cli, async ([agent = ''], options) =>
    withControl(cli, async (control, etcd, signal) => {
      // An agent that is gone has nothing to show, and its hold must end all the same.
      const isMember = (await etcd.cluster.agents()).some(({ name }) => name === agent);
      const planned = isMember ? await control.preview({ action: 'uncordon', agent }, signal) : undefined;
      if (!options.dryRun) await control.release(agent);
      if (planned) print(cli, planned, options, options.dryRun ? undefined : `${agent}: released`);
      else cli.out.write(`${agent}: released\n`);
      return exitStatus.ok;
    }),
  );
}

function addRebalance(root: Command, cli: Cli): void {
  const command = withPreview(
    root
      .command('rebalance')
      .description('even the loads of agents now, also of those that have just restarted'),
    'idra rebalance --dry-run',
  );
  runs<AgentOptions>(command, cli, async (_args, options) =>
    withControl(cli, async (control, _etcd, signal) => {
      const question: MovesQuestion = { action: 'rebalance' };
      const moved = options.dryRun
        ? await control.preview(question, signal)
        : await control.rebalance(signal);
      print(cli, moved, options);
      return exitStatus.ok;
    }),
  );
}

async function withControl<T>(
  cli: Cli,
  body: (control: ReturnType<typeof agentControl>, etcd: Coordination, signal: AbortSignal) => Promise<T>,
): Promise<T> {
  return await withEtcd(cli, (etcd) => body(agentControl(etcd), etcd, cli.outputClosed));
}

function print(cli: Cli, planned: PlannedMoves, { output }: AgentOptions, done?: string): void {
  if (output === 'json' || output === 'yaml') {
    cli.out.write(formatObjects(output, planned));
    return;
  }
  const { moves, moveCount, withoutAgent, withoutAgentCount } = planned;
  if (moveCount > 0) {
    const rows = moves.map(({ namespace, name, from = '', to, isMidPass }) => [
      `${namespace}/${name}`,
      from,
      to,
      isMidPass ? 'after its pass' : '',
    ]);
    cli.out.write(`${formatTable(['SYNC', 'FROM', 'TO', ''], rows)}\n`);
  }
  for (const { namespace, name, message } of withoutAgent)
    cli.out.write(`${namespace}/${name}: ${message}\n`);
  const more = moveCount - moves.length + withoutAgentCount - withoutAgent.length;
  if (more > 0) cli.out.write(`and ${counted(more, 'sync')} more\n`);
  if (moveCount + withoutAgentCount === 0) cli.out.write('no sync moves\n');
  if (done !== undefined) cli.out.write(`${done}\n`);
}
