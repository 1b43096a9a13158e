import type { Argument, Command, Option } from 'commander';
import { permanent } from '../../core/errors.ts';
import { type Cli, runs } from '../cli.ts';
import { exitStatus } from '../exit-status.ts';
import { type LiveArgument, liveArguments, liveNames } from '../live-names.ts';

const shells: Readonly<Record<string, (words: CommandWords) => string>> = { bash, zsh, fish };

/** What can follow a command (`''`, `get`, `offset set`): words, live names, and the values of an option; `true` is a file. */
interface Follows {
  readonly words: readonly string[];
  readonly live: LiveArgument | undefined;
  readonly values: ReadonlyMap<string, readonly string[] | true>;
}
type CommandWords = ReadonlyMap<string, Follows>;

/** Words for an argument, by its name in the usage of a command. */
const argumentWords: Readonly<Record<string, readonly string[]>> = {
  kind: ['syncs', 'datasources', 'agents'],
  shell: Object.keys(shells),
};

/** The command that the scripts call for live names, and its time limit: a completion must not wait longer. */
const liveCommand = 'complete-names';
const patienceMs = 2_000;

/** The scripts are generated from the command tree itself, so that they cannot be outdated. */
export function addCompletion(root: Command, cli: Cli): void {
  const command = root
    .command('completion <shell>')
    .description('print a completion script for bash, zsh or fish')
    .addHelpText('after', '\nExample:\n  source <(idra completion bash)');
  runs(command, cli, async ([shell = '']) => {
    const write = shells[shell];
    if (!write)
      throw permanent('CallInvalid', `"${shell}" is not a supported shell`, {
        fix: 'use bash, zsh or fish',
      });
    cli.out.write(write(wordsOf(root, '')));
    return exitStatus.ok;
  });
  addLiveNames(root, cli);
}

/** Errors are not printed: a message in the middle of the typed line would not help. */
function addLiveNames(root: Command, cli: Cli): void {
  const command = root
    .command(`${liveCommand} <argument> [words...]`, { hidden: true })
    .description('names that completion offers for the words typed so far')
    .addHelpText('after', `\nExample:\n  idra ${liveCommand} sync -- offset get -n team-a`);
  runs(command, cli, async ([argument, ...words]) => {
    const known = liveArguments.find((each) => each === argument);
    const isLate = setTimeout(() => process.exit(exitStatus.ok), patienceMs);
    const silent = { ...cli, err: { ...cli.err, write() {} } };
    try {
      const names = known ? await liveNames(silent, known, words) : [];
      cli.out.write(names.map((each) => `${each}\n`).join(''));
    } catch {
      // No completion then.
    } finally {
      clearTimeout(isLate);
    }
    return exitStatus.ok;
  });
}

function wordsOf(command: Command, path: string): CommandWords {
  const commands = command.commands.filter((each) => each.name() !== liveCommand);
  const below = commands.flatMap((each) => [...wordsOf(each, `${path} ${each.name()}`.trim())]);
  const live = command.registeredArguments.flatMap(liveArgumentOf)[0];
  const words = [
    ...commands.map((each) => each.name()),
    ...command.registeredArguments.flatMap((each: Argument) => argumentWords[each.name()] ?? []),
    ...command.options.map(nameOf),
  ];
  const values = command.options.flatMap((option) =>
    [option.long, option.short].flatMap((name) =>
      name && option.required ? [[name, valuesOf(option)] as const] : [],
    ),
  );
  return new Map([[path, { words, live, values: new Map(values) }], ...below]);
}

function liveArgumentOf(argument: Argument): LiveArgument[] {
  const name = argument.name().replace(/s$/, '');
  return liveArguments.filter((each) => each === name);
}

function nameOf(option: Option): string {
  return option.long ?? option.short ?? '';
}

/** Offers nothing for options that accept any text: file names would be wrong there. */
function valuesOf(option: Option): readonly string[] | true {
  return /<(path|file)>/.test(option.flags) ? true : (option.argChoices ?? []);
}

function bash(words: CommandWords): string {
  const cases = [...words].flatMap(([path, follows]) => {
    const values = [...follows.values].map(
      ([option, known]) =>
        `    "${path}:${option}") ${known === true ? 'isFile=1' : `words="${known.join(' ')}"`} ;;`,
    );
    const live = follows.live === undefined ? '' : `; live=${follows.live}`;
    return [...values, `    "${path}:"*) words="${follows.words.join(' ')}"${live} ;;`];
  });
  const paths = [...words.keys()].filter((path) => path !== '').map((path) => `"${path}"`);
  return `_idra() {
  local path="" word words="" live="" isFile="" index last=""
  for ((index = 1; index < COMP_CWORD; index++)); do
    word="\${COMP_WORDS[index]}"
    case "\${path:+$path }$word" in
    ${paths.join(' | ')}) path="\${path:+$path }$word" ;;
    esac
    last="$word"
  done
  case "$path:$last" in
${cases.join('\n')}
  esac
  if [ -n "$live" ] && [[ "\${COMP_WORDS[COMP_CWORD]}" != -* ]]; then
    words="$words $(idra ${liveCommand} "$live" -- "\${COMP_WORDS[@]:1:COMP_CWORD-1}" 2>/dev/null)"
  fi
  if [ -n "$isFile" ]; then
    COMPREPLY=($(compgen -f -- "\${COMP_WORDS[COMP_CWORD]}"))
  else
    COMPREPLY=($(compgen -W "$words" -- "\${COMP_WORDS[COMP_CWORD]}"))
  fi
}
complete -F _idra idra
`;
}

function zsh(words: CommandWords): string {
  return `#compdef idra\nautoload -U +X bashcompinit && bashcompinit\n${bash(words)}`;
}

function fish(words: CommandWords): string {
  const lines = ['complete -c idra -f'];
  for (const [path, follows] of words) {
    const seen = path.split(' ').map((word) => `__fish_seen_subcommand_from ${word}`);
    const when = path === '' ? '__fish_use_subcommand' : seen.join('; and ');
    lines.push(`complete -c idra -n "${when}" -a "${follows.words.join(' ')}"`);
    if (follows.live !== undefined) {
      const names = `(idra ${liveCommand} ${follows.live} -- (commandline -opc)[2..] 2>/dev/null)`;
      lines.push(`complete -c idra -n "${when}" -a "${names}"`);
    }
    for (const [option, known] of follows.values) {
      if (!option.startsWith('--')) continue;
      const offer = known === true ? '-r -F' : `-x -a "${known.join(' ')}"`;
      lines.push(`complete -c idra -n "${when}" -l ${option.slice(2)} ${offer}`);
    }
  }
  return `${lines.join('\n')}\n`;
}
