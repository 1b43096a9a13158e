import type { Command } from 'commander';
import type { ManifestKind } from '../../core/manifest/names.ts';
import { qualifiedName } from '../../core/sync-spec.ts';
import type { Applied, Fleet, FleetManifest } from '../../fleet/contract.ts';
import { type Cli, runs } from '../cli.ts';
import { exitStatus } from '../exit-status.ts';
import { InputWrong } from '../findings.ts';
import { missingDataSources, type ReadFiles, readFiles } from '../manifests.ts';
import { formatObjects, type OutputKind, outputOption } from '../output.ts';
import { withEtcdFleet } from '../with-fleet.ts';

interface ApplyOptions {
  readonly filename: string;
  readonly namespace: string;
  readonly dryRun?: boolean;
  readonly output?: OutputKind;
}

/** Like `kubectl apply` on Kubernetes: the same validation and defaults, stored in etcd. */
export function addApply(root: Command, cli: Cli): void {
  const command = root
    .command('apply')
    .description(
      'create or change syncs and data sources of a cluster without Kubernetes (on Kubernetes: kubectl apply)',
    )
    .requiredOption('-f, --filename <path>', 'YAML or JSON, a file, a folder, or - for standard input')
    .option('-n, --namespace <name>', 'namespace of objects that do not set one', 'default')
    .option('--dry-run', 'print what would be done without doing it')
    .addOption(outputOption('name', 'json', 'yaml'))
    .addHelpText(
      'after',
      '\nSecrets are never stored in etcd: agents read them from IDRA_SECRETS_DIR/NAME/KEY.\n\nExample:\n  idra apply -f manifests/',
    );
  runs<ApplyOptions>(command, cli, async (_args, options) => {
    const { output } = options;
    const files = readFiles(options.filename, 'cluster', options.namespace);
    if (files.findings.length > 0) throw new InputWrong(files.findings);
    return await withEtcdFleet(cli, async (fleet) => {
      await requireDataSources(fleet, files);
      sayOfSecrets(cli, files);
      const applied: Applied[] = [];
      for (const manifest of inOrder(files)) {
        const done = await fleet.put(manifest, { isDryRun: options.dryRun === true });
        applied.push(done);
        if (!output) cli.out.write(`${nameOf(done)} ${done.action}${options.dryRun ? ' (dry run)' : ''}\n`);
      }
      if (output === 'name') cli.out.write(applied.map((each) => `${nameOf(each)}\n`).join(''));
      if (output === 'json' || output === 'yaml') {
        cli.out.write(
          formatObjects(output, {
            apiVersion: 'v1',
            kind: 'List',
            items: applied.map((each) => each.object),
          }),
        );
      }
      return exitStatus.ok;
    });
  });
}

async function requireDataSources(fleet: Fleet, files: ReadFiles): Promise<void> {
  const dataSources = await fleet.listDataSources(undefined);
  const findings = missingDataSources(files, dataSources.map(qualifiedName));
  if (findings.length > 0) throw new InputWrong(findings);
}

function sayOfSecrets(cli: Cli, { sources }: ReadFiles): void {
  for (const { kind, namespace, name } of sources) {
    if (kind !== 'Secret') continue;
    cli.err.write(
      `secret/${name} is not stored: etcd holds no secrets. Agents read it from IDRA_SECRETS_DIR/${name}/KEY, or as Secret ${namespace}/${name} from Kubernetes\n`,
    );
  }
}

/** Data sources first, so that no Sync lacks one. */
function inOrder({ manifests }: ReadFiles): readonly FleetManifest[] {
  const rank = ({ kind }: FleetManifest) => (kind === 'DataSource' ? 0 : 1);
  return manifests
    .map(({ source, spec }): FleetManifest => {
      const { namespace, name, isSuspendedByAnnotation } = source;
      const flag = isSuspendedByAnnotation === undefined ? {} : { isSuspendedByAnnotation };
      return { kind: source.kind as ManifestKind, namespace, name, spec, ...flag };
    })
    .sort((one, other) => rank(one) - rank(other));
}

/** `sync/orders`, as kubectl names objects. */
function nameOf({ kind, name }: Applied): string {
  return `${kind.toLowerCase()}/${name}`;
}
