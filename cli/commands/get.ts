import type { Command } from 'commander';
import type { Coordination } from '../../coordination/contract.ts';
import { systemClock } from '../../core/clock.ts';
import { permanent } from '../../core/errors.ts';
import type { ManifestKind } from '../../core/manifest/names.ts';
import { formatSeconds } from '../../core/status.ts';
import { rowCells, syncHeads, wideCells, wideHeads } from '../../core/sync-row.ts';
import { agentState, readAgents } from '../../fleet/cluster.ts';
import type { Fleet, FleetAgent, FleetDataSource, FleetSync } from '../../fleet/contract.ts';
import { dataSourceObject, syncObject, syncRowOf } from '../../fleet/objects.ts';
import { type Cli, runs } from '../cli.ts';
import { exitStatus } from '../exit-status.ts';
import { agentWords, kindWords } from '../kinds.ts';
import { notFound } from '../not-found.ts';
import { formatObjects, type OutputKind, outputOption } from '../output.ts';
import { formatTable } from '../table.ts';
import { withEtcdFleet } from '../with-fleet.ts';

interface GetOptions {
  readonly namespace?: string;
  readonly allNamespaces?: boolean;
  readonly output?: OutputKind;
  readonly watch?: boolean;
}

/** One line of a list. */
interface Listed {
  readonly name: string;
  readonly namespace?: string;
  /** Printed by -o json and yaml. */
  readonly object: unknown;
  readonly cells: (nowMs: number) => string[];
  /** Added by -o wide. */
  readonly wideCells?: readonly string[];
}

/** How to list one kind. */
interface Listing {
  readonly kind: ManifestKind | 'Agent';
  readonly words: readonly string[];
  readonly read: (fleet: Fleet, etcd: Coordination) => Promise<readonly Listed[]>;
  readonly heads: readonly string[];
  readonly wideHeads?: readonly string[];
}

const listings: readonly Listing[] = [
  {
    kind: 'Sync',
    words: kindWords.Sync,
    read: async (fleet) => (await fleet.listSyncs(undefined)).map(listedSync),
    heads: syncHeads,
    wideHeads,
  },
  {
    kind: 'DataSource',
    words: kindWords.DataSource,
    read: async (fleet) => (await fleet.listDataSources(undefined)).map(listedDataSource),
    heads: ['NAME', 'TYPE', 'READY', 'VERSION', 'SYNCS', 'AGE'],
    wideHeads: ['MESSAGE'],
  },
  {
    kind: 'Agent',
    words: agentWords,
    read: async (_fleet, etcd) => (await readAgents(etcd)).map(listedAgent),
    heads: ['NAME', 'LEADER', 'STATE', 'SYNCS', 'VERSION', 'AGE'],
  },
];

function listedSync(sync: FleetSync): Listed {
  const { name, namespace, status } = sync;
  return {
    name,
    namespace,
    object: syncObject(sync),
    cells: (nowMs) => rowCells(syncRowOf(sync, nowMs)),
    wideCells: wideCells(status),
  };
}

function listedDataSource(dataSource: FleetDataSource): Listed {
  const { name, namespace, report, outdated, type, syncs, createdAt } = dataSource;
  return {
    name,
    namespace,
    object: dataSourceObject(dataSource),
    cells: (nowMs) => [
      name,
      type,
      report && !outdated ? (report.isReachable ? 'True' : 'False') : 'Unknown',
      report?.serverVersion ?? '',
      String(syncs),
      age(createdAt, nowMs),
    ],
    wideCells: [outdated?.message ?? report?.message ?? ''],
  };
}

function listedAgent(agent: FleetAgent): Listed {
  const { name, isLeader, syncs, version, joinedAt } = agent;
  return {
    name,
    object: agent,
    cells: (nowMs) => [
      name,
      isLeader ? 'yes' : '',
      agentState(agent),
      String(syncs.length),
      version,
      age(joinedAt, nowMs),
    ],
  };
}

/** `idra get syncs|datasources|agents [NAME]`, in a cluster without Kubernetes. */
export function addGet(root: Command, cli: Cli): void {
  const command = root
    .command('get <kind> [name]')
    .description(
      'list syncs, datasources or agents of a cluster without Kubernetes (on Kubernetes: kubectl get)',
    )
    .option('-n, --namespace <name>', 'namespace', 'default')
    .option('-A, --all-namespaces', 'all namespaces')
    .addOption(outputOption('wide', 'json', 'yaml', 'name'))
    .option('-w, --watch', 'print the table again when it changes, until interrupted')
    .addHelpText(
      'after',
      '\nExamples:\n  idra get syncs -o wide\n  idra get syncs --watch\n  idra get agents',
    );
  runs<GetOptions>(command, cli, async ([kind = '', name], options) => {
    const listing = listings.find((each) => each.words.includes(kind.toLowerCase()));
    if (!listing)
      throw permanent('CallInvalid', `unknown kind "${kind}"`, { fix: 'use syncs, datasources or agents' });
    const { output } = options;
    return await withEtcdFleet(cli, async (fleet, etcd) => {
      const startMs = systemClock.now();
      const show = (objects: readonly Listed[], nowMs: number) =>
        formatListing(listing, objects, { output, hasNamespace: options.allNamespaces === true, nowMs });
      for (let last = ''; ; ) {
        const objects = chosen(await listing.read(fleet, etcd), listing.kind, name, options);
        // Growing ages alone are not a change.
        const text = show(objects, startMs);
        if (text !== last) cli.out.write(show(objects, systemClock.now()));
        last = text;
        if (!options.watch || cli.outputClosed.aborted) return exitStatus.ok;
        await systemClock.sleep(1_000);
      }
    });
  });
}

function chosen(
  objects: readonly Listed[],
  kind: Listing['kind'],
  name: string | undefined,
  options: GetOptions,
): readonly Listed[] {
  const isHere = ({ namespace }: Listed) =>
    options.allNamespaces || namespace === undefined || namespace === options.namespace;
  const here = objects.filter(isHere);
  if (name === undefined) return here;
  const named = here.filter((each) => each.name === name);
  if (named.length > 0) return named;
  const names = here.map((each) => each.name).join(', ');
  throw notFound(kind, name, here.length === 0 ? `there are none` : `there are ${names}`);
}

interface ListingOptions {
  readonly output: OutputKind | undefined;
  readonly hasNamespace: boolean;
  /** Ages are computed relative to it. */
  readonly nowMs: number;
}

function formatListing(
  listing: Listing,
  objects: readonly Listed[],
  { output, hasNamespace, nowMs }: ListingOptions,
): string {
  if (output === 'json' || output === 'yaml') {
    return formatObjects(output, {
      apiVersion: 'v1',
      kind: 'List',
      items: objects.map((each) => each.object),
    });
  }
  if (output === 'name') return objects.map((each) => `${listing.words[1]}/${each.name}\n`).join('');
  if (objects.length === 0) return 'No resources found.\n';
  const isWide = output === 'wide';
  const heads = [
    ...(hasNamespace ? ['NAMESPACE'] : []),
    ...listing.heads,
    ...((isWide && listing.wideHeads) || []),
  ];
  const rows = objects.map((each) => [
    ...(hasNamespace ? [each.namespace ?? ''] : []),
    ...each.cells(nowMs),
    ...((isWide && each.wideCells) || []),
  ]);
  return `${formatTable(heads, rows)}\n`;
}

function age(time: string, nowMs: number): string {
  return formatSeconds((nowMs - Date.parse(time)) / 1_000);
}
