import type { Command } from 'commander';
import { stringify } from 'yaml';
import type { Preview } from '../../agent/engine/preview.ts';
import { bySeverity, type Finding } from '../../core/errors.ts';
import type { RecordColumn } from '../../core/records/record-column.ts';
import { objectName, qualifiedName, type Sync } from '../../core/sync-spec.ts';
import { type Cli, runs } from '../cli.ts';
import type { ExamineOptions } from '../examine/contract.ts';
import { withExamination, withExamineOptions, wordsOf } from '../examine/examination.ts';
import { type ExitStatus, exitStatus } from '../exit-status.ts';
import { formatFinding, hasErrors } from '../findings.ts';
import { formatObjects, type OutputKind, outputOption } from '../output.ts';
import { formatTable } from '../table.ts';
import { defaultStatePath } from '../with-fleet.ts';

interface PlanOptions extends ExamineOptions {
  readonly output?: OutputKind;
}

interface Planned {
  readonly sync: Sync;
  readonly preview: Preview;
}

/** Shows what the syncs of these manifests would do. Changes nothing. */
export function addPlan(root: Command, cli: Cli): void {
  const command = withExamineOptions(
    root
      .command('plan')
      .description(
        'show what the syncs of these manifests would do (tables, types, statements, guarantee, rows waiting) without changing anything',
      ),
  )
    .option('--only <name>', 'only the sync with this name')
    .option('--state <file>', 'state file of single mode, for the identity of the syncs', defaultStatePath)
    .addOption(outputOption('json', 'yaml'))
    .addHelpText('after', planHelp);
  runs<PlanOptions>(command, cli, async (_args, options) => {
    const { output } = options;
    return await withExamination(cli, { options, words: wordsOf('plan', options) }, async (examination) => {
      const planned = await Promise.all(
        examination.syncs.map(
          async (sync): Promise<Planned> => ({ sync, preview: await examination.plan(sync) }),
        ),
      );
      const result = planned.map(({ sync, preview }) => ({ sync: qualifiedName(sync), ...preview }));
      if (output === 'json' || output === 'yaml') cli.out.write(formatObjects(output, result));
      else cli.out.write(planned.map(formatPlanned).join('\n'));
      return statusOf(planned);
    });
  });
}

const planHelp = `
Exit status: 0 no changes, 1 changes to apply, 2 and 3 as for all commands.

Examples:
  idra plan -f shop.yaml
  IDRA_ETCD_ENDPOINTS=http://127.0.0.1:2379 idra plan -f shop.yaml --agents`;

function statusOf(planned: readonly Planned[]): ExitStatus {
  const isUnanswered = ({ preview }: Planned) =>
    preview.findings.some((each) => each.code === 'NoAgentAnswered');
  if (planned.length > 0 && planned.every(isUnanswered)) return exitStatus.unavailable;
  if (planned.some(({ preview }) => hasErrors(preview.findings))) return exitStatus.inputWrong;
  const hasWork = planned.some(
    ({ preview }) => preview.createsTarget === true || (preview.rowsWaiting ?? 1) > 0,
  );
  return hasWork ? exitStatus.failed : exitStatus.ok;
}

/** The table of commit rows is created everywhere, so a plan does not show it; -o json does. */
const commitRows = '_idra_commits';

function formatPlanned({ sync, preview }: Planned): string {
  const { source, destination, mode, writeMode } = sync.spec;
  const from = `${source.dataSource} ${objectName(source)}`;
  const lines = [
    `${qualifiedName(sync)}: ${from} -> ${destination.dataSource} ${objectName(destination)}, ${mode}, ${writeMode}`,
  ];
  const isUrgent = ({ severity }: Finding) => severity !== 'info';
  const findings = bySeverity(preview.findings);
  for (const finding of findings.filter(isUrgent)) lines.push(indent(formatFinding(finding)));
  if (preview.guarantee) lines.push(`  guarantee      ${preview.guarantee}`);
  if (preview.rowFormat)
    lines.push(
      `  rows sent      ${preview.rowFormat === 'values' ? 'as values' : `as they are (${preview.rowFormat})`}`,
    );
  if (preview.guarantee && !hasErrors(preview.findings))
    lines.push(`  continues from ${preview.offset ?? 'the beginning'}`);
  if (preview.rowsWaiting !== undefined) lines.push(`  rows waiting   ${preview.rowsWaiting}`);
  if (preview.columns.length > 0)
    lines.push(
      indent(
        formatTable(
          ['COLUMN', 'FROM', 'TO'],
          preview.columns.map((each) => [each.name, each.from, each.to]),
        ),
      ),
    );
  lines.push(...columnsBlock(preview.inferredColumns ?? []));
  for (const statement of preview.statements) {
    if (!statement.includes(commitRows)) lines.push(indent(`${statement};`));
  }
  for (const finding of findings) if (!isUrgent(finding)) lines.push(indent(formatFinding(finding)));
  return `${lines.join('\n')}\n`;
}

/** The inferred columns, to be pasted below `source:` of the manifest. */
function columnsBlock(columns: readonly RecordColumn[]): readonly string[] {
  if (columns.length === 0) return [];
  const lines = columns.map(({ nullable, ...column }) => {
    const text = stringify(nullable ? column : { ...column, nullable }, {
      collectionStyle: 'flow',
      lineWidth: 0,
    });
    return `      - ${text.trim()}`;
  });
  return ['  columns inferred from records, for spec.source:', '    columns:', ...lines];
}

function indent(text: string): string {
  return text.replace(/^/gm, '  ');
}
