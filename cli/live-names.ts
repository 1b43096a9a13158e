import { permanent } from '../core/errors.ts';
import { readAgents } from '../fleet/cluster.ts';
import type { Fleet } from '../fleet/contract.ts';
import type { Cli } from './cli.ts';
import { agentWords, kindWords } from './kinds.ts';
import { type FleetOptions, withEtcd, withEtcdFleet, withFleet } from './with-fleet.ts';

/** What an argument names: a Sync, a DataSource, or an object of the kind given by an earlier argument. */
export const liveArguments = ['sync', 'datasource', 'agent', 'name'] as const;
export type LiveArgument = (typeof liveArguments)[number];

/** The shell expands completions, and anyone with write access to etcd can store any name: one like `$(...)` would run a command. */
const safeName = /^[a-z0-9][a-z0-9./-]*$/;

/** The current names that an argument may have, from the installation given by the words before it. */
export async function liveNames(
  cli: Cli,
  argument: LiveArgument,
  words: readonly string[],
): Promise<readonly string[]> {
  return (await allNames(cli, argument, words)).filter((each) => safeName.test(each));
}

async function allNames(
  cli: Cli,
  argument: LiveArgument,
  words: readonly string[],
): Promise<readonly string[]> {
  const options = optionsIn(words);
  if (argument === 'agent') return await withEtcd(cli, async (etcd) => namesIn(await readAgents(etcd)));
  if (argument === 'name') return await namesOfKind(cli, words, options.namespace ?? 'default');
  return await withFleet(cli, options, async (fleet) => {
    const all =
      argument === 'sync' ? await fleet.listSyncs(undefined) : await fleet.listDataSources(undefined);
    const here = options.namespace ?? fleet.namespace ?? 'default';
    // An object of another namespace is written with it, if no namespace is given.
    return all.flatMap(({ namespace, name }) =>
      namespace === here ? [name] : options.namespace === undefined ? [`${namespace}/${name}`] : [],
    );
  });
}

/** `get`, `describe` and `delete` read from etcd, in one namespace. */
async function namesOfKind(
  cli: Cli,
  words: readonly string[],
  namespace: string,
): Promise<readonly string[]> {
  return await withEtcdFleet(cli, async (fleet, etcd) => {
    if (words.some((each) => agentWords.includes(each))) return namesIn(await readAgents(etcd));
    return namesIn(await listOf(fleet, words, namespace));
  });
}

async function listOf(fleet: Fleet, words: readonly string[], namespace: string) {
  if (words.some((each) => kindWords.Sync.includes(each))) return await fleet.listSyncs(namespace);
  if (words.some((each) => kindWords.DataSource.includes(each)))
    return await fleet.listDataSources(namespace);
  throw permanent('CallInvalid', 'no kind was given', { fix: 'use syncs, datasources or agents' });
}

function namesIn(all: readonly { readonly name: string }[]): readonly string[] {
  return all.map(({ name }) => name);
}

/** The options that select the installation. */
function optionsIn(words: readonly string[]): FleetOptions {
  const optionOf = (...names: readonly string[]) => {
    const at = words.findLastIndex((each) => names.includes(each));
    return at < 0 ? undefined : words[at + 1];
  };
  const given = {
    namespace: optionOf('-n', '--namespace'),
    state: optionOf('--state'),
    context: optionOf('--context'),
    kubeconfig: optionOf('--kubeconfig'),
  };
  return Object.fromEntries(Object.entries(given).filter(([, value]) => value !== undefined));
}
