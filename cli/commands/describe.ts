import type { Command } from 'commander';
import { stringify } from 'yaml';
import type { Coordination } from '../../coordination/contract.ts';
import { permanent } from '../../core/errors.ts';
import type { ManifestKind } from '../../core/manifest/names.ts';
import { showEncoded } from '../../core/offset.ts';
import { qualifiedName } from '../../core/sync-spec.ts';
import { agentState, readAgents } from '../../fleet/cluster.ts';
import type { Fleet } from '../../fleet/contract.ts';
import { dataSourcesIn } from '../../fleet/names.ts';
import { dataSourceObject, syncObject } from '../../fleet/objects.ts';
import { type Cli, runs } from '../cli.ts';
import { exitStatus } from '../exit-status.ts';
import { agentWords, kindWords } from '../kinds.ts';
import { notFound } from '../not-found.ts';
import { formatTable } from '../table.ts';
import { withEtcdFleet } from '../with-fleet.ts';

interface Described {
  readonly fleet: Fleet;
  readonly etcd: Coordination;
  readonly namespace: string;
  readonly name: string;
}

/** How to describe one kind. */
interface Page {
  readonly kind: ManifestKind | 'Agent';
  readonly words: readonly string[];
  /** Undefined: there is no object of this name. */
  readonly write: (described: Described) => Promise<string | undefined>;
}

const pages: readonly Page[] = [
  { kind: 'Sync', words: kindWords.Sync, write: syncPage },
  { kind: 'DataSource', words: kindWords.DataSource, write: dataSourcePage },
  { kind: 'Agent', words: agentWords, write: agentPage },
];

/** One page about a Sync, DataSource or agent: its status and what to do first, then its spec. */
export function addDescribe(root: Command, cli: Cli): void {
  const command = root
    .command('describe <kind> <name>')
    .description('show details of a sync, datasource or agent of a cluster without Kubernetes')
    .option('-n, --namespace <name>', 'namespace', 'default')
    .addHelpText('after', '\nExamples:\n  idra describe sync orders\n  idra describe agent a1');
  runs<{ namespace: string }>(command, cli, async ([word = '', name = ''], options) => {
    const page = pages.find((each) => each.words.includes(word.toLowerCase()));
    if (!page)
      throw permanent('CallInvalid', `unknown kind "${word}"`, { fix: 'use sync, datasource or agent' });
    const { namespace } = options;
    return await withEtcdFleet(cli, async (fleet, etcd) => {
      const text = await page.write({ fleet, etcd, namespace, name });
      const fullName = page.kind === 'Agent' ? name : `${namespace}/${name}`;
      if (text === undefined) throw notFound(page.kind, fullName, `see idra get ${page.words[0]} -A`);
      cli.out.write(text);
      return exitStatus.ok;
    });
  });
}

async function syncPage({ fleet, namespace, name }: Described): Promise<string | undefined> {
  const sync = await fleet.findSync(namespace, name);
  if (!sync) return undefined;
  const { spec, status = {}, metadata } = syncObject(sync);
  const { state, message, conditions, ...rest } = status;
  const history = (await fleet.history(sync)).map(({ time, by, action, from, to }) => [
    time,
    by,
    action,
    showEncoded(from),
    showEncoded(to),
  ]);
  return [
    `Sync ${qualifiedName(sync)}: ${state}: ${message}\n`,
    conditionsTable(conditions),
    section('Status', rest),
    section('Spec', spec),
    history.length === 0
      ? 'Offset: no manual changes\n'
      : `Manual changes of the offset:\n${table(['TIME', 'BY', 'ACTION', 'FROM', 'TO'], history)}`,
    section('Identity', metadata),
  ].join('\n');
}

async function dataSourcePage({ fleet, namespace, name }: Described): Promise<string | undefined> {
  const dataSource = await fleet.findDataSource(namespace, name);
  if (!dataSource) return undefined;
  const { spec, status = {}, metadata } = dataSourceObject(dataSource);
  const { conditions, ...rest } = status;
  const syncs = await fleet.listSyncs(namespace);
  const users = syncs.filter((each) => dataSourcesIn(each.spec).includes(name));
  return [
    `DataSource ${qualifiedName(dataSource)}\n`,
    conditionsTable(conditions),
    section('Status', rest),
    section('Spec', spec),
    `Used by: ${users.map((each) => each.name).join(', ') || 'no Sync'}\n`,
    section('Identity', metadata),
  ].join('\n');
}

async function agentPage({ fleet, etcd, name }: Described): Promise<string | undefined> {
  const agent = (await readAgents(etcd)).find((each) => each.name === name);
  if (!agent) return undefined;
  const syncs = (await fleet.listSyncs(undefined))
    .filter(({ uid }) => agent.syncs.includes(uid))
    .map((each) => [qualifiedName(each), each.status?.state ?? '']);
  const { version, labels, joinedAt } = agent;
  return [
    `Agent ${name}: ${agentState(agent)}${agent.isLeader ? ', leader' : ''}\n`,
    stringify({ version, labels, joinedAt }),
    syncs.length === 0 ? 'Syncs: none\n' : table(['SYNC', 'STATE'], syncs),
  ].join('\n');
}

function conditionsTable(conditions: unknown): string {
  const rows = (conditions as readonly Readonly<Record<string, string>>[] | undefined) ?? [];
  return table(
    ['CONDITION', 'STATUS', 'REASON', 'MESSAGE'],
    rows.map((each) => ['type', 'status', 'reason', 'message'].map((field) => each[field] ?? '')),
  );
}

function section(title: string, value: unknown): string {
  return `${title}:\n${stringify(value).replace(/^(?=.)/gm, '  ')}`;
}

function table(heads: readonly string[], rows: readonly (readonly string[])[]): string {
  return `${formatTable(heads, rows)}\n`;
}
