import { fileURLToPath } from 'node:url';
import { Command, CommanderError } from 'commander';
import { version } from '../core/version.ts';
import { type Cli, processCli } from './cli.ts';
import { commands } from './commands.ts';
import { exitStatus } from './exit-status.ts';

/** The `idra` command. Linked as `kubectl-idra` it is a plugin of kubectl. */
export function program(cli: Cli): Command {
  const root = new Command('idra')
    .description('Keeps data in sync between systems, declaratively.')
    .version(version)
    .configureOutput({ writeOut: (text) => cli.out.write(text), writeErr: (text) => cli.err.write(text) })
    .configureHelp({ showGlobalOptions: true })
    .showSuggestionAfterError()
    .exitOverride();
  for (const add of commands) add(root, cli);
  root.addHelpText('after', exitHelp);
  return root;
}

const exitHelp = `
Exit status: 0 success; 1 a sync failed, or a system cannot be reached (plan: there are changes to apply);
2 the input is not valid; 3 no etcd, cluster or agent is reachable; 130 and 143 on a second signal,
or on the first if it stopped a pass of run --once.`;

/** Runs a command line. Also with --help an unknown command is an error: printing another command's help would hide the mistake. */
export async function parseCall(root: Command, args: readonly string[]): Promise<void> {
  const words = args.filter((each) => !each.startsWith('-'));
  let command = root;
  for (const word of words) {
    if (command.commands.length === 0 || word === 'help') break;
    const next = command.commands.find((each) => each.name() === word || each.aliases().includes(word));
    if (!next) break;
    command = next;
  }
  const isUnknown = command.commands.length > 0 && words.length > depthOf(command) && !words.includes('help');
  const given = isUnknown ? args.filter((each) => each !== '--help' && each !== '-h') : args;
  await root.parseAsync(given, { from: 'user' });
}

function depthOf(command: Command): number {
  return command.parent === null ? 0 : depthOf(command.parent) + 1;
}

async function main(): Promise<void> {
  const cli = processCli();
  try {
    await parseCall(program(cli), process.argv.slice(2));
  } catch (error) {
    if (!(error instanceof CommanderError)) throw error;
    cli.status = error.exitCode === 0 ? exitStatus.ok : exitStatus.inputWrong;
  }
  process.exitCode = cli.status;
}

if (process.argv[1] === fileURLToPath(import.meta.url)) await main();
