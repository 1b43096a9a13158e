import { CommanderError } from 'commander';
import type { Cli } from './cli.ts';
import { exitStatus } from './exit-status.ts';
import { parseCall, program } from './main.ts';

export interface CliResult {
  readonly status: number;
  readonly out: string;
  readonly err: string;
}

/** Runs `idra ARGS` in this process, without a terminal. */
export async function idra(args: readonly string[], env: Cli['env'] = {}): Promise<CliResult> {
  const printed = { out: '', err: '' };
  const screen = (name: 'out' | 'err') => ({
    isTerminal: false,
    columns: 120,
    write(text: string) {
      printed[name] += text;
    },
  });
  const cli: Cli = {
    out: screen('out'),
    err: screen('err'),
    env,
    outputClosed: new AbortController().signal,
    status: exitStatus.ok,
  };
  try {
    await parseCall(program(cli), args);
  } catch (error) {
    if (!(error instanceof CommanderError)) throw error;
    cli.status = error.exitCode === 0 ? exitStatus.ok : exitStatus.inputWrong;
  }
  return { status: cli.status, ...printed };
}
