import type { Command } from 'commander';
import type { Coordination, DesiredSync } from '../../coordination/contract.ts';
import { systemClock } from '../../core/clock.ts';
import { permanent, transient } from '../../core/errors.ts';
import type { ManifestKind } from '../../core/manifest/names.ts';
import { type Cli, runs } from '../cli.ts';
import { exitStatus } from '../exit-status.ts';
import { InputWrong } from '../findings.ts';
import { withEtcd } from '../fleet/etcd-fleet.ts';
import { kindOf } from '../fleet/kinds.ts';
import { readFiles } from '../manifests.ts';
import { notFound } from '../not-found.ts';
import { parseTimeout } from '../timeout.ts';

interface DeleteOptions {
  readonly filename?: string;
  readonly namespace: string;
  readonly wait: boolean;
  readonly timeout: string;
  readonly ignoreNotFound?: boolean;
}

interface Target {
  readonly kind: ManifestKind;
  readonly namespace: string;
  readonly name: string;
}

const pollMs = 100;

/** A Sync is stopped, its commit rows closed and its keys removed by an agent; a DataSource that a Sync uses stays. */
export function addDelete(root: Command, cli: Cli): void {
  const command = root
    .command('delete [kind] [names...]')
    .description(
      'delete syncs and data sources of a cluster without Kubernetes; rows at the destination stay',
    )
    .option('-f, --filename <path>', 'what these manifests name: a file, a folder, or - for standard input')
    .option('-n, --namespace <name>', 'namespace', 'default')
    .option('--no-wait', 'do not wait until an agent has stopped and closed a sync')
    .option('--timeout <duration>', 'how long to wait for it', '60s')
    .option('--ignore-not-found', 'what is not there counts as deleted')
    .addHelpText('after', '\nExamples:\n  idra delete sync orders\n  idra delete -f manifests/');
  runs<DeleteOptions>(command, cli, async ([kind, ...names], options) => {
    const timeoutMs = parseTimeout(options.timeout);
    const targets = targetsOf(kind, names, options);
    return await withEtcd(cli, async (etcd) => {
      // What was deleted without waiting.
      await etcd.desired.purgeFinished();
      const say = (target: Target) => cli.out.write(`${target.kind.toLowerCase()}/${target.name} deleted\n`);
      await deleteSyncs(etcd, ofKind(targets, 'Sync'), { ...options, timeoutMs, say });
      for (const target of ofKind(targets, 'DataSource')) {
        if (await deleteDataSource(etcd, target, options)) say(target);
      }
      return exitStatus.ok;
    });
  });
}

function ofKind(targets: readonly Target[], kind: ManifestKind): readonly Target[] {
  return targets.filter((each) => each.kind === kind);
}

function targetsOf(
  kind: string | undefined,
  names: readonly string[],
  options: DeleteOptions,
): readonly Target[] {
  const { filename, namespace } = options;
  if ((filename === undefined) === (kind === undefined) || (kind !== undefined && names.length === 0)) {
    throw permanent('CallInvalid', 'it is not said what to delete', {
      mend: 'write idra delete sync NAME, idra delete datasource NAME, or idra delete -f PATH',
    });
  }
  if (filename === undefined) return names.map((name) => ({ kind: kindOf(kind ?? ''), namespace, name }));
  const { sources, findings } = readFiles(filename, 'cluster', namespace);
  // What is to go need not be valid, but it must have a name.
  if (sources.length === 0 && findings.length > 0) throw new InputWrong(findings);
  return sources.flatMap((each) => (each.kind === 'Secret' ? [] : [{ ...each, kind: each.kind }]));
}

interface SyncsOptions extends DeleteOptions {
  readonly timeoutMs: number;
  readonly say: (target: Target) => void;
}

async function deleteSyncs(
  etcd: Coordination,
  targets: readonly Target[],
  options: SyncsOptions,
): Promise<void> {
  const marked: { readonly target: Target; readonly uid: string }[] = [];
  for (const target of targets) {
    const stored = await etcd.desired.findSync(target.namespace, target.name);
    if (stored) {
      await mark(etcd, stored);
      marked.push({ target, uid: stored.uid });
    } else if (!options.ignoreNotFound) throw targetNotFound(target);
  }
  const deadlineMs = systemClock.monotonicMs() + options.timeoutMs;
  for (const { target, uid } of marked) {
    while (options.wait && (await etcd.desired.getSync(uid))) {
      if (systemClock.monotonicMs() >= deadlineMs) throw stillThere(target);
      await systemClock.sleep(pollMs);
    }
    // The agents are done with it; what is desired is removed by who wrote it.
    if (options.wait) await etcd.desired.purgeSync(uid, 'operator');
    options.say(target);
  }
}

async function mark(etcd: Coordination, { version, ...stored }: DesiredSync): Promise<void> {
  if (stored.deletedAt !== undefined) return;
  await etcd.desired.putSync({ ...stored, deletedAt: new Date().toISOString() }, version);
}

/** False: it was not there. */
async function deleteDataSource(
  etcd: Coordination,
  target: Target,
  options: DeleteOptions,
): Promise<boolean> {
  const { namespace, name } = target;
  if (!(await etcd.desired.getDataSource(namespace, name))) {
    if (options.ignoreNotFound) return false;
    throw targetNotFound(target);
  }
  const { syncs } = await etcd.desired.read();
  const users = syncs.filter((sync) => sync.namespace === namespace && endsOf(sync).includes(name));
  if (users.length > 0) {
    throw permanent(
      'DataSourceInUse',
      `DataSource ${namespace}/${name} is used by ${users.map((each) => each.name).join(', ')}`,
      {
        mend: 'delete these syncs first',
      },
    );
  }
  await etcd.desired.deleteDataSource(namespace, name);
  return true;
}

function endsOf({ spec }: DesiredSync): readonly unknown[] {
  const ends = spec as {
    readonly source?: { dataSource?: string };
    readonly destination?: { dataSource?: string };
  };
  return [ends.source?.dataSource, ends.destination?.dataSource];
}

function targetNotFound({ kind, namespace, name }: Target): Error {
  return notFound(kind, `${namespace}/${name}`, `see idra get ${kind.toLowerCase()}s -A`);
}

function stillThere({ namespace, name }: Target): Error {
  return transient('StillThere', `Sync ${namespace}/${name} is to go, and no agent has closed it in time`, {
    mend: 'it goes as soon as an agent runs (idra get agents); wait for it with the same call',
  });
}
