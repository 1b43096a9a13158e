import type { Command } from 'commander';
import { systemClock } from '../../core/clock.ts';
import { permanent } from '../../core/errors.ts';
import type { ManifestKind } from '../../core/manifest/names.ts';
import type { SyncIdentity } from '../../core/sync-spec.ts';
import type { Fleet } from '../../fleet/contract.ts';
import { untilGone } from '../../fleet/until-gone.ts';
import { type Cli, runs } from '../cli.ts';
import { exitStatus } from '../exit-status.ts';
import { InputWrong } from '../findings.ts';
import { kindOf } from '../kinds.ts';
import { readFiles } from '../manifests.ts';
import { notFound } from '../not-found.ts';
import { parseTimeout } from '../timeout.ts';
import { withEtcdFleet } from '../with-fleet.ts';

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

/** An agent stops the Sync, closes its commit rows and deletes its keys; a DataSource that a Sync uses stays. */
export function addDelete(root: Command, cli: Cli): void {
  const command = root
    .command('delete [kind] [names...]')
    .description(
      'delete syncs and data sources of a cluster without Kubernetes; rows at the destination are kept',
    )
    .option(
      '-f, --filename <path>',
      'the objects of these manifests: a file, a folder, or - for standard input',
    )
    .option('-n, --namespace <name>', 'namespace', 'default')
    .option('--no-wait', 'do not wait until an agent has stopped and closed a sync')
    .option('--timeout <duration>', 'how long to wait', '60s')
    .option('--ignore-not-found', 'treat objects that do not exist as deleted')
    .addHelpText('after', '\nExamples:\n  idra delete sync orders\n  idra delete -f manifests/');
  runs<DeleteOptions>(command, cli, async ([kind, ...names], options) => {
    const timeoutMs = parseTimeout(options.timeout);
    const targets = targetsOf(kind, names, options);
    return await withEtcdFleet(cli, async (fleet) => {
      const report = (target: Target) =>
        cli.out.write(`${target.kind.toLowerCase()}/${target.name} deleted\n`);
      await deleteSyncs(fleet, ofKind(targets, 'Sync'), { ...options, timeoutMs, report });
      for (const target of ofKind(targets, 'DataSource')) {
        if (await fleet.deleteDataSource(target.namespace, target.name)) report(target);
        else if (!options.ignoreNotFound) throw targetNotFound(target);
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
    throw permanent('CallInvalid', 'nothing to delete was given', {
      fix: 'use idra delete sync NAME, idra delete datasource NAME, or idra delete -f PATH',
    });
  }
  if (filename === undefined) return names.map((name) => ({ kind: kindOf(kind ?? ''), namespace, name }));
  const { sources, findings } = readFiles(filename, 'cluster', namespace);
  // Objects to delete need not be valid, but they must have a name.
  if (sources.length === 0 && findings.length > 0) throw new InputWrong(findings);
  return sources.flatMap((each) => (each.kind === 'Secret' ? [] : [{ ...each, kind: each.kind }]));
}

interface SyncsOptions extends DeleteOptions {
  readonly timeoutMs: number;
  readonly report: (target: Target) => void;
}

async function deleteSyncs(fleet: Fleet, targets: readonly Target[], options: SyncsOptions): Promise<void> {
  const deleted: { readonly target: Target; readonly sync: SyncIdentity }[] = [];
  for (const target of targets) {
    const sync = await fleet.findSync(target.namespace, target.name);
    if (sync) {
      await fleet.deleteSync(sync);
      deleted.push({ target, sync });
    } else if (!options.ignoreNotFound) throw targetNotFound(target);
  }
  const deadlineMs = systemClock.monotonicMs() + options.timeoutMs;
  for (const { target, sync } of deleted) {
    if (options.wait) await untilGone(fleet, sync, deadlineMs);
    options.report(target);
  }
}

function targetNotFound({ kind, namespace, name }: Target): Error {
  return notFound(kind, `${namespace}/${name}`, `see idra get ${kind.toLowerCase()}s -A`);
}
