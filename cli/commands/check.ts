import type { Command } from 'commander';
import { checkSystem, endsOf, findingOf, previewSync } from '../../agent/engine/preview.ts';
import { definitionOf } from '../../connectors/catalog.ts';
import { asIdraError, type Finding } from '../../core/errors.ts';
import { type DataSource, qualifiedName, type Sync } from '../../core/sync-spec.ts';
import { type Cli, runs } from '../cli.ts';
import { exitStatus } from '../exit-status.ts';
import { formatFinding, hasErrors } from '../findings.ts';
import { chooseSyncs, findDataSource, type Manifests, readManifests, withoutState } from '../manifests.ts';
import { formatObjects, requireOutput } from '../output.ts';
import { stopOnSignals } from '../single/stop-signals.ts';

interface CheckOptions {
  readonly filename: string;
  readonly only?: string;
  readonly output?: string;
}

interface Checked {
  readonly kind: 'DataSource' | 'Sync';
  readonly name: string;
  readonly version?: string;
  readonly findings: readonly Finding[];
}

/** Reaches every system and says what is missing, with the statement that mends it. Touches nothing. */
export function addCheck(root: Command, cli: Cli): void {
  const command = root
    .command('check')
    .description('reach every system of these manifests and say what is missing, with what mends it')
    .requiredOption('-f, --filename <path>', 'YAML or JSON, a file or a folder')
    .option('--only <name>', 'only the sync of this name, and its data sources')
    .option('-o, --output <kind>', 'json or yaml')
    .addHelpText('after', '\nExample:\n  idra check -f manifests/');
  runs<CheckOptions>(command, cli, async (_args, options) => {
    const output = requireOutput(options.output);
    const manifests = readManifests(cli, options.filename);
    const syncs = withoutState(chooseSyncs(manifests, options.only));
    const signals = stopOnSignals((text) => cli.talk.write(text));
    try {
      const checked = await checkAll(manifests, syncs, options.only !== undefined, signals.signal);
      if (output === 'json' || output === 'yaml') cli.out.write(formatObjects(output, checked));
      else for (const each of checked) cli.out.write(formatChecked(each));
      return checked.some((each) => hasErrors(each.findings)) ? exitStatus.failed : exitStatus.ok;
    } finally {
      signals.dispose();
    }
  });
}

async function checkAll(
  manifests: Manifests,
  syncs: readonly Sync[],
  isSome: boolean,
  signal: AbortSignal,
): Promise<readonly Checked[]> {
  const used = new Set(
    syncs.flatMap(({ namespace, spec }) =>
      [spec.source, spec.destination].map((end) => `${namespace}/${end.dataSource}`),
    ),
  );
  const dataSources = manifests.dataSources.filter((each) => !isSome || used.has(qualifiedName(each)));
  const systems = await Promise.all(dataSources.map((each) => checkDataSource(manifests, each, signal)));
  const unreachable = new Set(systems.filter((each) => each.version === undefined).map((each) => each.name));
  const checkable = syncs.filter(({ namespace, spec }) =>
    [spec.source, spec.destination].every((end) => !unreachable.has(`${namespace}/${end.dataSource}`)),
  );
  return [...systems, ...(await Promise.all(checkable.map((sync) => checkSync(manifests, sync, signal))))];
}

async function checkDataSource(
  manifests: Manifests,
  dataSource: DataSource,
  signal: AbortSignal,
): Promise<Checked> {
  const about = { kind: 'DataSource' as const, name: qualifiedName(dataSource) };
  try {
    const report = await checkSystem({ dataSource, secrets: manifests.secrets, definitionOf }, signal);
    return { ...about, version: report.version, findings: report.findings };
  } catch (thrown) {
    return { ...about, findings: [findingOf(asIdraError(thrown))] };
  }
}

async function checkSync(manifests: Manifests, sync: Sync, signal: AbortSignal): Promise<Checked> {
  const ends = endsOf(sync, findDataSource(manifests));
  const findings = ends
    ? (await previewSync({ sync, ...ends, secrets: manifests.secrets, definitionOf }, signal)).findings
    : [];
  return { kind: 'Sync', name: qualifiedName(sync), findings };
}

function formatChecked({ kind, name, version, findings }: Checked): string {
  const state = hasErrors(findings) ? 'failed' : 'ok';
  const lines = findings
    .filter((each) => each.severity !== 'info')
    .map((each) => `  ${formatFinding(each).replaceAll('\n', '\n  ')}\n`);
  return `${`${kind} ${name}`.padEnd(36)} ${state}${version ? `  ${version}` : ''}\n${lines.join('')}`;
}
