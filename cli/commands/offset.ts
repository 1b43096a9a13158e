import type { Command } from 'commander';
import type { OffsetEffect } from '../../agent/engine/offset-effect.ts';
import { permanent } from '../../core/errors.ts';
import { describeEncoded, showEncoded } from '../../core/offset.ts';
import type { RowCount } from '../../core/row-count.ts';
import type { OffsetHistoryEntry } from '../../core/status.ts';
import { ask } from '../../fleet/ask.ts';
import type { FleetSync } from '../../fleet/contract.ts';
import { caller } from '../caller.ts';
import { type Cli, runs } from '../cli.ts';
import { withExamination } from '../examine/examination.ts';
import { type ExitStatus, exitStatus } from '../exit-status.ts';
import { formatObjects, type OutputKind, outputOption } from '../output.ts';
import { formatTable } from '../table.ts';
import { parseTimeout } from '../timeout.ts';
import {
  defaultStatePath,
  type FleetOptions,
  requireSync,
  withFleet,
  withFleetOptions,
} from '../with-fleet.ts';

interface SetOptions extends FleetOptions {
  readonly expect?: string;
  readonly timeout: string;
  readonly dryRun?: boolean;
  readonly filename?: string;
  readonly output?: OutputKind;
}

/** Shows offsets, and sets them safely: only while the Sync is suspended, and only if the stored offset is the expected one. */
export function addOffset(root: Command, cli: Cli): void {
  const offset = root.command('offset').description('show and set the offset of a Sync');
  addGet(offset, cli);
  addSet(offset, cli);
  addUndo(offset, cli);
  addHistory(offset, cli);
}

function addGet(offset: Command, cli: Cli): void {
  const command = withFleetOptions(
    offset.command('get <sync>').description('print the stored offset, in the format of `set --expect`'),
  )
    .addOption(outputOption('json', 'yaml'))
    .addHelpText('after', '\nExample:\n  idra offset get orders');
  runs<FleetOptions & { output?: OutputKind }>(command, cli, async ([name = ''], options) => {
    const { output } = options;
    return await withFleet(cli, options, async (fleet) => {
      const sync = await requireSync(fleet, name, options);
      const result = {
        sync: `${sync.namespace}/${sync.name}`,
        offset: storedText(sync),
        encoded: sync.status?.offset ?? null,
      };
      if (output === 'json' || output === 'yaml') cli.out.write(formatObjects(output, result));
      else cli.out.write(`${result.offset}\n`);
      return exitStatus.ok;
    });
  });
}

function addSet(offset: Command, cli: Cli): void {
  const command = withFleetOptions(
    offset
      .command('set <sync> <value>')
      .description('set the offset; the Sync must be suspended, and the stored offset must equal --expect'),
  )
    .option(
      '--expect <current>',
      'the offset that is stored now, or none; required unless --dry-run is given',
    )
    .option('--dry-run', 'only print how many rows would be read again or skipped')
    .option('-f, --filename <path>', 'with --dry-run in single mode: the manifests')
    .addOption(outputOption('json', 'yaml'))
    .option('--timeout <duration>', 'how long to wait for the result; 0s: do not wait', '30s')
    .addHelpText(
      'after',
      '\nExamples:\n  idra suspend orders && idra offset set orders 41000 --expect 42000 && idra resume orders\n  idra offset set orders 41000 --dry-run',
    );
  runs<SetOptions>(command, cli, async ([name = '', value = ''], options) => {
    const { expect } = options;
    if (options.dryRun) return await tryOffset(cli, name, value, options);
    if (expect === undefined)
      throw permanent('CallInvalid', "required option '--expect <current>' not specified", {
        fix: `see idra offset get ${name}`,
      });
    const timeoutMs = parseTimeout(options.timeout);
    return await withFleet(cli, options, async (fleet) => {
      const sync = await requireSync(fleet, name, options);
      const answer = await ask(fleet, sync, 'offset', {
        by: caller(),
        offset: { value, expect },
        timeoutMs,
      });
      cli.out.write(
        `${sync.namespace}/${sync.name}: ${answer?.message ?? 'the offset will be set at the next run'}\n`,
      );
      return exitStatus.ok;
    });
  });
}

/** Counted by whoever reaches the systems: an agent, or this process with the manifests of single mode. */
async function tryOffset(cli: Cli, name: string, value: string, options: SetOptions): Promise<ExitStatus> {
  const { filename, state, output } = options;
  const [namespace, short] = name.includes('/') ? name.split('/') : [options.namespace, name];
  const chosen = {
    only: short ?? name,
    ...(namespace !== undefined && { namespace }),
    ...(filename !== undefined && { filename, state: state ?? defaultStatePath }),
  };
  const words = ['offset', 'set', name, value, '--dry-run', ...(output ? ['-o', output] : [])];
  return await withExamination(cli, { options: chosen, words }, async (examination) => {
    const sync = examination.syncs.find((each) => namespace === undefined || each.namespace === namespace);
    if (!sync) throw permanent('SyncNotFound', `there is no Sync ${name}`);
    const effect = await examination.offsetEffect(sync, value);
    if (output === 'json' || output === 'yaml') cli.out.write(formatObjects(output, effect));
    else cli.out.write(effectText(effect));
    return exitStatus.ok;
  });
}

function effectText({ stored, wanted, readAgain, skipped, uncounted }: OffsetEffect): string {
  const head = `stored: ${stored}\nnew: ${wanted}\n`;
  if (!readAgain || !skipped) return `${head}not counted: ${uncounted ?? ''}\n`;
  const none = readAgain.rows + skipped.rows === 0 ? 'no row is read again or skipped\n' : '';
  const again = readAgain.rows > 0 ? `${countText(readAgain)} read again\n` : '';
  const lost = skipped.rows > 0 ? `${countText(skipped)} skipped\n` : '';
  return `${head}${none}${again}${lost}`;
}

function countText({ rows, precision }: RowCount): string {
  const about = { exact: '', atLeast: 'at least ', atMost: 'at most ' }[precision];
  return `${about}${rows} ${rows === 1 ? 'row is' : 'rows are'}`;
}

function addUndo(offset: Command, cli: Cli): void {
  const command = withFleetOptions(
    offset.command('undo <sync>').description('undo the last manual change; after an undo, undo that undo'),
  )
    .option('--timeout <duration>', 'how long to wait for the result; 0s: do not wait', '30s')
    .addHelpText('after', '\nExample:\n  idra offset undo orders');
  runs<FleetOptions & { timeout: string }>(command, cli, async ([name = ''], options) => {
    const timeoutMs = parseTimeout(options.timeout);
    return await withFleet(cli, options, async (fleet) => {
      const sync = await requireSync(fleet, name, options);
      const answer = await ask(fleet, sync, 'undo-offset', {
        by: caller(),
        timeoutMs,
      });
      cli.out.write(
        `${sync.namespace}/${sync.name}: ${answer?.message ?? 'the change will be undone at the next run'}\n`,
      );
      return exitStatus.ok;
    });
  });
}

function addHistory(offset: Command, cli: Cli): void {
  const command = withFleetOptions(
    offset.command('history <sync>').description('list manual changes: who, when, from, to'),
  )
    .addOption(outputOption('json', 'yaml'))
    .addHelpText('after', '\nExample:\n  idra offset history orders');
  runs<FleetOptions & { output?: OutputKind }>(command, cli, async ([name = ''], options) => {
    const { output } = options;
    return await withFleet(cli, options, async (fleet) => {
      const history = await fleet.history(await requireSync(fleet, name, options));
      if (output === 'json' || output === 'yaml') cli.out.write(formatObjects(output, history));
      else
        cli.out.write(`${formatTable(['TIME', 'BY', 'ACTION', 'FROM', 'TO'], history.map(historyCells))}\n`);
      return exitStatus.ok;
    });
  });
}

function historyCells({ time, by, action, from, to }: OffsetHistoryEntry): string[] {
  return [time, by, action, showEncoded(from), showEncoded(to)];
}

function storedText(sync: FleetSync): string {
  const { offset, offsetText } = sync.status ?? {};
  return offset === undefined ? (offsetText ?? 'none') : describeEncoded(offset);
}
