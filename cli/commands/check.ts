import type { Command } from 'commander';
import { bySeverity } from '../../core/errors.ts';
import { type Cli, runs } from '../cli.ts';
import { type Checked, checkAll } from '../examine/check-all.ts';
import type { ExamineOptions } from '../examine/contract.ts';
import { withExamination, withExamineOptions, wordsOf } from '../examine/examination.ts';
import { exitStatus } from '../exit-status.ts';
import { formatFinding, hasErrors } from '../findings.ts';
import { formatObjects, type OutputKind, outputOption } from '../output.ts';
import { defaultStatePath } from '../with-fleet.ts';

interface CheckOptions extends ExamineOptions {
  readonly output?: OutputKind;
}

/** Connects to every system and prints what is missing, with the statement that fixes it. Changes nothing. */
export function addCheck(root: Command, cli: Cli): void {
  const command = withExamineOptions(
    root
      .command('check')
      .description('connect to every system of these manifests and report what is missing and how to fix it'),
  )
    .option('--only <name>', 'only the sync with this name, and its data sources')
    .option('--state <file>', 'state file of single mode, for the identity of the syncs', defaultStatePath)
    .addOption(outputOption('json', 'yaml'))
    .addHelpText(
      'after',
      '\nExamples:\n  idra check -f manifests/\n  IDRA_ETCD_ENDPOINTS=http://127.0.0.1:2379 idra check',
    );
  runs<CheckOptions>(command, cli, async (_args, options) => {
    const { output } = options;
    return await withExamination(cli, { options, words: wordsOf('check', options) }, async (examination) => {
      const isText = output !== 'json' && output !== 'yaml';
      const checked = await checkAll(examination, (each) => {
        if (isText) cli.out.write(formatChecked(each, examination.syncs.length === 0));
      });
      if (!isText) cli.out.write(formatObjects(output, checked));
      // No agent to ask is a different failure than one system that cannot be reached.
      const examined = checked.filter((each) => each.notCheckedFor === undefined);
      if (examined.length > 0 && examined.every((each) => each.isUnanswered)) return exitStatus.unavailable;
      return checked.some((each) => hasErrors(each.findings)) ? exitStatus.failed : exitStatus.ok;
    });
  });
}

function formatChecked(
  { kind, name, version, findings, notCheckedFor }: Checked,
  hasNoSyncs: boolean,
): string {
  if (notCheckedFor)
    return `${`${kind} ${name}`.padEnd(36)} not checked, DataSource ${notCheckedFor.join(' and ')} failed\n`;
  const state = hasErrors(findings) ? 'failed' : 'ok';
  const lines = bySeverity(findings)
    // Findings that need no action are shown by `plan`; those about a system matter to the Syncs that use it.
    .filter(
      ({ severity, fix }) => severity !== 'info' || ((kind === 'Sync' || hasNoSyncs) && fix !== undefined),
    )
    .map((each) => `  ${formatFinding(each).replaceAll('\n', '\n  ')}\n`);
  return `${`${kind} ${name}`.padEnd(36)} ${state}${version ? `  ${version}` : ''}\n${lines.join('')}`;
}
