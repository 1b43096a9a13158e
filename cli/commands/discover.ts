import type { Command } from 'commander';
import { permanent } from '../../core/errors.ts';
import { type DataSource, qualifiedName } from '../../core/sync-spec.ts';
import type { Relation } from '../../core/values.ts';
import { type Cli, runs } from '../cli.ts';
import type { Examination, ExamineOptions } from '../examine/contract.ts';
import { withExamination, withExamineOptions, wordsOf } from '../examine/examination.ts';
import { exitStatus } from '../exit-status.ts';
import { formatObjects, type OutputKind, outputOption } from '../output.ts';
import { formatTable } from '../table.ts';

interface DiscoverOptions extends ExamineOptions {
  readonly output?: OutputKind;
}

/** Lists what can be synced in a system. */
export function addDiscover(root: Command, cli: Cli): void {
  const command = withExamineOptions(
    root
      .command('discover <datasource>')
      .description('list the tables and views of a data source, with their columns and keys'),
  )
    .addOption(outputOption('wide', 'json', 'yaml'))
    .addHelpText('after', '\nExample:\n  idra discover shop -f shop.yaml -o wide');
  runs<DiscoverOptions>(command, cli, async ([name = ''], options) => {
    const { output } = options;
    return await withExamination(
      cli,
      { options, words: [...wordsOf('discover', options), name] },
      async (examination) => {
        const relations = await examination.discover(requireDataSource(examination, name));
        if (output === 'json' || output === 'yaml') cli.out.write(formatObjects(output, relations));
        else if (output === 'wide') cli.out.write(formatColumns(relations));
        else cli.out.write(formatRelations(relations));
        return exitStatus.ok;
      },
    );
  });
}

function requireDataSource({ dataSources }: Examination, name: string): DataSource {
  const found = dataSources.find((each) => each.name === name || qualifiedName(each) === name);
  if (found) return found;
  throw permanent('DataSourceNotFound', `there is no DataSource ${name}`, {
    fix:
      dataSources.length === 0 ? 'there are none' : `there are ${dataSources.map(qualifiedName).join(', ')}`,
  });
}

function formatRelations(relations: readonly Relation[]): string {
  const rows = relations.map(({ name, columns, keys, estimatedRows }) => [
    name,
    String(columns.length),
    (keys[0]?.columns ?? []).join(', '),
    estimatedRows === undefined ? '' : `${estimatedRows}`,
  ]);
  return `${formatTable(['NAME', 'COLUMNS', 'KEY', 'ROWS (ABOUT)'], rows)}\n`;
}

function formatColumns(relations: readonly Relation[]): string {
  const rows = relations.flatMap(({ name, columns }) =>
    columns.map((each) => [name, each.name, each.nativeType, each.isNullable ? 'NULL' : 'NOT NULL']),
  );
  return `${formatTable(['NAME', 'COLUMN', 'TYPE', ''], rows)}\n`;
}
