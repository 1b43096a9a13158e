import type { Command } from 'commander';
import { stringify } from 'yaml';
import type { Coordination } from '../../coordination/contract.ts';
import { permanent } from '../../core/errors.ts';
import type { ManifestKind } from '../../core/manifest/names.ts';
import { describeEncoded } from '../../core/offset.ts';
import { conditionsOf } from '../../core/sync-conditions.ts';
import { type Cli, runs } from '../cli.ts';
import { exitStatus } from '../exit-status.ts';
import { withEtcd } from '../fleet/etcd-fleet.ts';
import { type EtcdObject, readAgents, readDataSources, readSyncs } from '../fleet/etcd-objects.ts';
import { agentWords, kindWords } from '../fleet/kinds.ts';
import { notFound } from '../not-found.ts';
import { formatTable } from '../table.ts';

/** How one kind is described. */
interface Page {
  readonly kind: ManifestKind | 'Agent';
  readonly words: readonly string[];
  readonly read: (etcd: Coordination) => Promise<readonly EtcdObject[]>;
  readonly write: (object: EtcdObject, etcd: Coordination) => Promise<string>;
}

const pages: readonly Page[] = [
  { kind: 'Sync', words: kindWords.Sync, read: readSyncs, write: syncPage },
  { kind: 'DataSource', words: kindWords.DataSource, read: readDataSources, write: dataSourcePage },
  { kind: 'Agent', words: agentWords, read: readAgents, write: agentPage },
];

/** One page about a Sync, DataSource or agent: how it stands and what to do first, then what is wanted. */
export function addDescribe(root: Command, cli: Cli): void {
  const command = root
    .command('describe <kind> <name>')
    .description('one page about a sync, datasource or agent of a cluster without Kubernetes')
    .option('-n, --namespace <name>', 'namespace', 'default')
    .addHelpText('after', '\nExamples:\n  idra describe sync orders\n  idra describe agent a1');
  runs<{ namespace: string }>(command, cli, async ([word = '', name = ''], options) => {
    const page = pages.find((each) => each.words.includes(word.toLowerCase()));
    if (!page)
      throw permanent('CallInvalid', `"${word}" is not a kind`, { mend: 'use sync, datasource or agent' });
    return await withEtcd(cli, async (etcd) => {
      const object = (await page.read(etcd)).find(
        ({ metadata }) =>
          metadata.name === name &&
          (metadata.namespace === undefined || metadata.namespace === options.namespace),
      );
      const fullName = page.kind === 'Agent' ? name : `${options.namespace}/${name}`;
      if (!object) throw notFound(page.kind, fullName, `see idra get ${page.words[0]} -A`);
      cli.out.write(await page.write(object, etcd));
      return exitStatus.ok;
    });
  });
}

interface Manifest {
  readonly metadata: { readonly uid: string };
  readonly spec: unknown;
  readonly status: Readonly<Record<string, unknown>>;
}

async function syncPage({ metadata, manifest, syncStatus }: EtcdObject, etcd: Coordination): Promise<string> {
  const { spec, status, metadata: identity } = manifest as Manifest;
  const { state, message, conditions: _conditions, ...rest } = status;
  const conditions = syncStatus ? conditionsOf(syncStatus) : [];
  const history = (await etcd.requests.history(identity.uid)).map(({ time, by, action, from, to }) => [
    time,
    by,
    action,
    describeEncoded(from),
    describeEncoded(to),
  ]);
  return [
    `Sync ${metadata.namespace}/${metadata.name}: ${state}: ${message}\n`,
    table(
      ['CONDITION', 'STATUS', 'REASON', 'MESSAGE'],
      conditions.map((each) => [each.type, each.status, each.reason, each.message]),
    ),
    section('Status', rest),
    section('Spec', spec),
    history.length === 0
      ? 'Offset: never changed by hand\n'
      : `Offset, changed by hand:\n${table(['TIME', 'BY', 'ACTION', 'FROM', 'TO'], history)}`,
    section('Identity', identity),
  ].join('\n');
}

async function dataSourcePage({ metadata, manifest }: EtcdObject, etcd: Coordination): Promise<string> {
  const { spec, status, metadata: identity } = manifest as Manifest;
  const { conditions, ...rest } = status;
  const users = (await readSyncs(etcd))
    .filter((each) => each.metadata.namespace === metadata.namespace)
    .filter(({ spec: used }) =>
      [used?.source, used?.destination].some((end) => end?.dataSource === metadata.name),
    );
  return [
    `DataSource ${metadata.namespace}/${metadata.name}\n`,
    table(
      ['CONDITION', 'STATUS', 'REASON', 'MESSAGE'],
      (conditions as readonly Readonly<Record<string, string>>[]).map((each) =>
        ['type', 'status', 'reason', 'message'].map((field) => each[field] ?? ''),
      ),
    ),
    section('Status', rest),
    section('Spec', spec),
    `Used by: ${users.map((each) => each.metadata.name).join(', ') || 'no Sync'}\n`,
    section('Identity', identity),
  ].join('\n');
}

async function agentPage({ metadata, agent, isLeader }: EtcdObject, etcd: Coordination): Promise<string> {
  const assignments = (await etcd.cluster.assignments()).filter((each) => each.agent === metadata.name);
  const uids = new Set(assignments.map((each) => each.uid));
  const syncs = (await readSyncs(etcd))
    .filter(({ manifest }) => uids.has((manifest as Manifest).metadata.uid))
    .map((each) => [`${each.metadata.namespace}/${each.metadata.name}`, each.syncStatus?.state ?? '']);
  const { version, labels, joinedAt } = agent ?? {};
  return [
    `Agent ${metadata.name}: ${agent?.isDraining ? 'Draining' : 'Ready'}${isLeader ? ', leads' : ''}\n`,
    stringify({ version, labels, joinedAt }),
    syncs.length === 0 ? 'Syncs: none\n' : table(['SYNC', 'STATE'], syncs),
  ].join('\n');
}

function section(title: string, value: unknown): string {
  return `${title}:\n${stringify(value).replace(/^(?=.)/gm, '  ')}`;
}

function table(heads: readonly string[], rows: readonly (readonly string[])[]): string {
  return `${formatTable(heads, rows)}\n`;
}
