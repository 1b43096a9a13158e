import type { Command } from 'commander';
import { permanent } from '../../core/errors.ts';
import { type Cli, runs } from '../cli.ts';
import { exitStatus } from '../exit-status.ts';

const shells: Readonly<Record<string, (words: CommandWords) => string>> = { bash, zsh, fish };

/** Words after `idra`, and after each of its commands. */
type CommandWords = ReadonlyMap<string, readonly string[]>;

/** The scripts are made from the command tree itself, so that they cannot be stale. */
export function addCompletion(root: Command, cli: Cli): void {
  const command = root
    .command('completion <shell>')
    .description('completion for bash, zsh or fish')
    .addHelpText('after', '\nExample:\n  source <(idra completion bash)');
  runs(command, cli, async ([shell = '']) => {
    const write = shells[shell];
    if (!write)
      throw permanent('CallInvalid', `"${shell}" is not a shell known here`, {
        mend: 'use bash, zsh or fish',
      });
    cli.out.write(write(wordsOf(root)));
    return exitStatus.ok;
  });
}

function wordsOf(root: Command): CommandWords {
  return new Map(
    root.commands.map((command) => [
      command.name(),
      [
        ...command.commands.map((each) => each.name()),
        ...[command, ...command.commands].flatMap((each) =>
          each.options.map((option) => option.long ?? option.short ?? ''),
        ),
      ].filter((word, index, all) => word !== '' && all.indexOf(word) === index),
    ]),
  );
}

function bash(words: CommandWords): string {
  const cases = [...words]
    .map(([command, rest]) => `    ${command}) words="${rest.join(' ')}" ;;`)
    .join('\n');
  return `_idra() {
  local words="${[...words.keys()].join(' ')}"
  [ "$COMP_CWORD" -gt 1 ] && case "\${COMP_WORDS[1]}" in
${cases}
    *) words="" ;;
  esac
  COMPREPLY=($(compgen -W "$words" -- "\${COMP_WORDS[COMP_CWORD]}"))
  [ -n "\${COMPREPLY[*]}" ] || COMPREPLY=($(compgen -f -- "\${COMP_WORDS[COMP_CWORD]}"))
}
complete -F _idra idra
`;
}

function zsh(words: CommandWords): string {
  return `#compdef idra\nautoload -U +X bashcompinit && bashcompinit\n${bash(words)}`;
}

function fish(words: CommandWords): string {
  const lines = [`complete -c idra -n __fish_use_subcommand -f -a "${[...words.keys()].join(' ')}"`];
  for (const [command, rest] of words) {
    lines.push(`complete -c idra -n "__fish_seen_subcommand_from ${command}" -a "${rest.join(' ')}"`);
  }
  return `${lines.join('\n')}\n`;
}
