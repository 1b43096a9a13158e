import type { Command } from 'commander';
import { endsOf, type Preview, previewSync } from '../../agent/engine/preview.ts';
import { definitionOf } from '../../connectors/catalog.ts';
import { bug } from '../../core/errors.ts';
import { qualifiedName, type Sync } from '../../core/sync-spec.ts';
import { type Cli, runs } from '../cli.ts';
import { type ExitStatus, exitStatus } from '../exit-status.ts';
import { formatFinding, hasErrors } from '../findings.ts';
import { defaultStatePath } from '../fleet/open-fleet.ts';
import { chooseSyncs, findDataSource, readManifests, withStateOf } from '../manifests.ts';
import { formatObjects, requireOutput } from '../output.ts';
import { stopOnSignals } from '../single/stop-signals.ts';
import { formatTable } from '../table.ts';

interface PlanOptions {
  readonly filename: string;
  readonly only?: string;
  readonly state: string;
  readonly output?: string;
}

interface Planned {
  readonly sync: Sync;
  readonly preview: Preview;
}

/** What the syncs of these manifests would do. Touches nothing. */
export function addPlan(root: Command, cli: Cli): void {
  const command = root
    .command('plan')
    .description(
      'what the syncs of these manifests would do: tables, types, statements, guarantee, rows waiting; touches nothing',
    )
    .requiredOption('-f, --filename <path>', 'YAML or JSON, a file or a folder')
    .option('--only <name>', 'only the sync of this name')
    .option('--state <file>', 'state file of single mode, for the identity of the syncs', defaultStatePath)
    .option('-o, --output <kind>', 'json or yaml')
    .addHelpText(
      'after',
      '\nExit status: 0 nothing to do, 1 something, 2 and 3 as everywhere.\n\nExample:\n  idra plan -f shop.yaml',
    );
  runs<PlanOptions>(command, cli, async (_args, options) => {
    const output = requireOutput(options.output);
    const manifests = readManifests(cli, options.filename);
    const syncs = withStateOf(options.state, chooseSyncs(manifests, options.only));
    const signals = stopOnSignals((text) => cli.talk.write(text));
    try {
      const planned = await Promise.all(
        syncs.map(async (sync): Promise<Planned> => {
          const ends = endsOf(sync, findDataSource(manifests));
          if (!ends) throw bug(`the data sources of ${sync.name} were validated, but one is missing`);
          const input = { sync, ...ends, secrets: manifests.secrets, definitionOf };
          return { sync, preview: await previewSync(input, signals.signal) };
        }),
      );
      if (output === 'json' || output === 'yaml') {
        cli.out.write(
          formatObjects(
            output,
            planned.map(({ sync, preview }) => ({ sync: qualifiedName(sync), ...preview })),
          ),
        );
      } else cli.out.write(planned.map(formatPlanned).join('\n'));
      return statusOf(planned);
    } finally {
      signals.dispose();
    }
  });
}

function statusOf(planned: readonly Planned[]): ExitStatus {
  if (planned.some(({ preview }) => hasErrors(preview.findings))) return exitStatus.inputWrong;
  const hasWork = planned.some(
    ({ preview }) => preview.statements.length > 0 || (preview.rowsWaiting ?? 1) > 0,
  );
  return hasWork ? exitStatus.failed : exitStatus.ok;
}

function formatPlanned({ sync, preview }: Planned): string {
  const { source, destination, mode, writeMode } = sync.spec;
  const from = `${source.dataSource} ${source.table ?? '(query)'}`;
  const lines = [
    `${qualifiedName(sync)}: ${from} -> ${destination.dataSource} ${destination.table}, ${mode}, ${writeMode}`,
  ];
  if (preview.guarantee) lines.push(`  guarantee     ${preview.guarantee}`);
  if (preview.wire)
    lines.push(
      `  rows travel   ${preview.wire === 'values' ? 'as values' : `as they are (${preview.wire})`}`,
    );
  if (preview.guarantee) lines.push(`  goes on from  ${preview.offset ?? 'the beginning'}`);
  if (preview.rowsWaiting !== undefined) lines.push(`  rows waiting  ${preview.rowsWaiting}`);
  if (preview.columns.length > 0)
    lines.push(
      indent(
        formatTable(
          ['COLUMN', 'FROM', 'TO'],
          preview.columns.map((each) => [each.name, each.from, each.to]),
        ),
      ),
    );
  for (const statement of preview.statements) lines.push(indent(`${statement};`));
  for (const finding of preview.findings) lines.push(indent(formatFinding(finding)));
  return `${lines.join('\n')}\n`;
}

function indent(text: string): string {
  return text.replace(/^/gm, '  ');
}
