import type { Command } from 'commander';
import { findingOf } from '../../agent/engine/preview.ts';
import { asIdraError, bySeverity, type Finding } from '../../core/errors.ts';
import { type DataSource, qualifiedName, type Sync } from '../../core/sync-spec.ts';
import { type Cli, runs, statusOf } from '../cli.ts';
import type { Examination, ExamineOptions } from '../examine/contract.ts';
import { withExamination, withExamineOptions, wordsOf } from '../examine/examination.ts';
import { exitStatus } from '../exit-status.ts';
import { formatFinding, hasErrors } from '../findings.ts';
import { formatObjects, type OutputKind, outputOption } from '../output.ts';
import { defaultStatePath } from '../with-fleet.ts';

interface CheckOptions extends ExamineOptions {
  readonly output?: OutputKind;
}

interface Checked {
  readonly kind: 'DataSource' | 'Sync';
  readonly name: string;
  readonly version?: string;
  readonly findings: readonly Finding[];
  /** No agent could be asked. */
  readonly isUnanswered?: true;
}

/** Reaches every system and says what is missing, with the statement that mends it. Touches nothing. */
export function addCheck(root: Command, cli: Cli): void {
  const command = withExamineOptions(
    root
      .command('check')
      .description('reach every system of these manifests and say what is missing, with what mends it'),
  )
    .option('--only <name>', 'only the sync of this name, and its data sources')
    .option('--state <file>', 'state file of single mode, for the identity of the syncs', defaultStatePath)
    .addOption(outputOption('json', 'yaml'))
    .addHelpText(
      'after',
      '\nExamples:\n  idra check -f manifests/\n  IDRA_ETCD_ENDPOINTS=http://127.0.0.1:2379 idra check',
    );
  runs<CheckOptions>(command, cli, async (_args, options) => {
    const { output } = options;
    return await withExamination(cli, { options, words: wordsOf('check', options) }, async (examination) => {
      const checked = await checkAll(examination);
      if (output === 'json' || output === 'yaml') cli.out.write(formatObjects(output, checked));
      else for (const each of checked) cli.out.write(formatChecked(each));
      // Nobody to ask at all is another thing than one system that nobody can reach.
      if (checked.length > 0 && checked.every((each) => each.isUnanswered)) return exitStatus.surroundings;
      return checked.some((each) => hasErrors(each.findings)) ? exitStatus.failed : exitStatus.ok;
    });
  });
}

async function checkAll(examination: Examination): Promise<readonly Checked[]> {
  const { dataSources, syncs } = examination;
  const systems = await Promise.all(dataSources.map((each) => checkDataSource(examination, each)));
  const unreachable = new Set(systems.filter((each) => each.version === undefined).map((each) => each.name));
  const checkable = syncs.filter(({ namespace, spec }) =>
    [spec.source, spec.destination].every((end) => !unreachable.has(`${namespace}/${end.dataSource}`)),
  );
  return [...systems, ...(await Promise.all(checkable.map((sync) => checkSync(examination, sync))))];
}

async function checkDataSource(examination: Examination, dataSource: DataSource): Promise<Checked> {
  const about = { kind: 'DataSource' as const, name: qualifiedName(dataSource) };
  try {
    const report = await examination.check(dataSource);
    return { ...about, version: report.version, findings: report.findings };
  } catch (thrown) {
    const error = asIdraError(thrown);
    if (error.code === 'NoAgentAnswered')
      return { ...about, findings: [findingOf(error)], isUnanswered: true };
    if (statusOf(error) === exitStatus.surroundings) throw error;
    return { ...about, findings: [findingOf(error)] };
  }
}

async function checkSync(examination: Examination, sync: Sync): Promise<Checked> {
  const { findings } = await examination.plan(sync);
  return { kind: 'Sync', name: qualifiedName(sync), findings };
}

function formatChecked({ kind, name, version, findings }: Checked): string {
  const state = hasErrors(findings) ? 'failed' : 'ok';
  const lines = bySeverity(findings)
    // What there is nothing to be done about is for `plan`.
    .filter((each) => each.severity !== 'info' || (kind === 'Sync' && each.mend !== undefined))
    .map((each) => `  ${formatFinding(each).replaceAll('\n', '\n  ')}\n`);
  return `${`${kind} ${name}`.padEnd(36)} ${state}${version ? `  ${version}` : ''}\n${lines.join('')}`;
}
