import { spawnSync } from 'node:child_process';
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

/** What bash offers for the last of the words, with the completion script of Idra. The lines of `before` run first. */
export async function completeInBash(
  words: readonly string[],
  { before = '', env = process.env }: { readonly before?: string; readonly env?: NodeJS.ProcessEnv } = {},
): Promise<{ readonly offers: string; readonly stderr: string }> {
  const { out } = await idra(['completion', 'bash']);
  const quoted = words.map((each) => `'${each}'`).join(' ');
  const line = `COMP_WORDS=(${quoted}); COMP_CWORD=${words.length - 1}; _idra; echo "\${COMPREPLY[@]}"`;
  const { stdout, stderr } = spawnSync('bash', ['-c', `${out}\n${before}\n${line}`], {
    encoding: 'utf8',
    env,
  });
  return { offers: stdout.trim(), stderr };
}
