import type { Command } from 'commander';
import type { Coordination } from '../../coordination/contract.ts';
import { systemClock } from '../../core/clock.ts';
import { permanent } from '../../core/errors.ts';
import type { ManifestKind } from '../../core/manifest/names.ts';
import { formatSeconds } from '../../core/status.ts';
import { rowCells, syncHeads, wideCells, wideHeads } from '../../core/sync-row.ts';
import { type Cli, runs } from '../cli.ts';
import { exitStatus } from '../exit-status.ts';
import { withEtcd } from '../fleet/etcd-fleet.ts';
import { type EtcdObject, readAgents, readDataSources, readSyncs, syncRowOf } from '../fleet/etcd-objects.ts';
import { agentWords, kindWords } from '../fleet/kinds.ts';
import { notFound } from '../not-found.ts';
import { formatObjects, type OutputKind, outputOption } from '../output.ts';
import { formatTable } from '../table.ts';

interface GetOptions {
  readonly namespace?: string;
  readonly allNamespaces?: boolean;
  readonly output?: OutputKind;
  readonly watch?: boolean;
}

/** How one kind is listed. */
interface Listing {
  readonly kind: ManifestKind | 'Agent';
  readonly words: readonly string[];
  readonly read: (etcd: Coordination) => Promise<readonly EtcdObject[]>;
  readonly heads: readonly string[];
  readonly cells: (object: EtcdObject, nowMs: number) => string[];
  readonly wide?: { readonly heads: readonly string[]; readonly cells: (object: EtcdObject) => string[] };
}

const listings: readonly Listing[] = [
  {
    kind: 'Sync',
    words: kindWords.Sync,
    read: readSyncs,
    heads: syncHeads,
    cells: (object, nowMs) => rowCells(syncRowOf(object, nowMs)),
    wide: { heads: wideHeads, cells: (object) => wideCells(object.syncStatus) },
  },
  {
    kind: 'DataSource',
    words: kindWords.DataSource,
    read: readDataSources,
    heads: ['NAME', 'TYPE', 'READY', 'VERSION', 'SYNCS', 'AGE'],
    cells: ({ metadata, report, type = '', users = 0 }, nowMs) => [
      metadata.name,
      type,
      report ? (report.isReachable ? 'True' : 'False') : 'Unknown',
      report?.serverVersion ?? '',
      String(users),
      age(metadata.creationTimestamp, nowMs),
    ],
    wide: { heads: ['MESSAGE'], cells: ({ report }) => [report?.message ?? ''] },
  },
  {
    kind: 'Agent',
    words: agentWords,
    read: readAgents,
    heads: ['NAME', 'LEADER', 'STATE', 'SYNCS', 'VERSION', 'AGE'],
    cells: ({ metadata, agent, isLeader, users = 0 }, nowMs) => [
      metadata.name,
      isLeader ? 'yes' : '',
      agent?.isDraining ? 'Draining' : 'Ready',
      String(users),
      agent?.version ?? '',
      age(metadata.creationTimestamp, nowMs),
    ],
  },
];

/** `idra get syncs|datasources|agents [NAME]`, in a cluster without Kubernetes. */
export function addGet(root: Command, cli: Cli): void {
  const command = root
    .command('get <kind> [name]')
    .description('syncs, datasources or agents of a cluster without Kubernetes (there: kubectl get)')
    .option('-n, --namespace <name>', 'namespace', 'default')
    .option('-A, --all-namespaces', 'every namespace')
    .addOption(outputOption('wide', 'json', 'yaml', 'name'))
    .option('-w, --watch', 'print the table again when it changes, until interrupted')
    .addHelpText(
      'after',
      '\nExamples:\n  idra get syncs -o wide\n  idra get syncs --watch\n  idra get agents',
    );
  runs<GetOptions>(command, cli, async ([kind = '', name], options) => {
    const listing = listings.find((each) => each.words.includes(kind.toLowerCase()));
    if (!listing)
      throw permanent('CallInvalid', `"${kind}" is not a kind`, { mend: 'use syncs, datasources or agents' });
    const { output } = options;
    return await withEtcd(cli, async (etcd) => {
      const startMs = systemClock.now();
      const show = (objects: readonly EtcdObject[], nowMs: number) =>
        formatListing(listing, objects, { output, hasNamespace: options.allNamespaces === true, nowMs });
      for (let last = ''; ; ) {
        const objects = chosen(await listing.read(etcd), listing.kind, name, options);
        // That everything is older by a second is no change.
        const text = show(objects, startMs);
        if (text !== last) cli.out.write(show(objects, systemClock.now()));
        last = text;
        if (!options.watch || cli.unread.aborted) return exitStatus.ok;
        await systemClock.sleep(1_000);
      }
    });
  });
}

function chosen(
  objects: readonly EtcdObject[],
  kind: Listing['kind'],
  name: string | undefined,
  options: GetOptions,
): readonly EtcdObject[] {
  const isHere = ({ metadata }: EtcdObject) =>
    options.allNamespaces || metadata.namespace === undefined || metadata.namespace === options.namespace;
  const here = objects.filter(isHere);
  if (name === undefined) return here;
  const named = here.filter((each) => each.metadata.name === name);
  if (named.length > 0) return named;
  const names = here.map((each) => each.metadata.name).join(', ');
  throw notFound(kind, name, here.length === 0 ? `there is no ${kind} at all` : `there are ${names}`);
}

interface ListingOptions {
  readonly output: OutputKind | undefined;
  readonly hasNamespace: boolean;
  /** Ages are counted up to it. */
  readonly nowMs: number;
}

function formatListing(
  listing: Listing,
  objects: readonly EtcdObject[],
  { output, hasNamespace, nowMs }: ListingOptions,
): string {
  if (output === 'json' || output === 'yaml') {
    return formatObjects(output, {
      apiVersion: 'v1',
      kind: 'List',
      items: objects.map((each) => each.manifest),
    });
  }
  if (output === 'name') return objects.map((each) => `${listing.words[1]}/${each.metadata.name}\n`).join('');
  if (objects.length === 0) return 'No resources found.\n';
  const wide = output === 'wide' ? listing.wide : undefined;
  const heads = [...(hasNamespace ? ['NAMESPACE'] : []), ...listing.heads, ...(wide?.heads ?? [])];
  const rows = objects.map((each) => [
    ...(hasNamespace ? [each.metadata.namespace ?? ''] : []),
    ...listing.cells(each, nowMs),
    ...(wide?.cells(each) ?? []),
  ]);
  return `${formatTable(heads, rows)}\n`;
}

function age(time: string, nowMs: number): string {
  return formatSeconds((nowMs - Date.parse(time)) / 1_000);
}
