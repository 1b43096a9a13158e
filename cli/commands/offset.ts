import type { Command } from 'commander';
import { describeEncoded, showEncoded } from '../../core/offset.ts';
import type { OffsetHistoryEntry } from '../../core/status.ts';
import { ask } from '../../fleet/ask.ts';
import type { FleetSync } from '../../fleet/contract.ts';
import { type Cli, runs } from '../cli.ts';
import { exitStatus } from '../exit-status.ts';
import { formatObjects, type OutputKind, outputOption } from '../output.ts';
import { formatTable } from '../table.ts';
import { parseTimeout } from '../timeout.ts';
import { type FleetOptions, requireSync, withFleet, withFleetOptions } from '../with-fleet.ts';
import { caller } from './requests.ts';

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
    .requiredOption('--expect <current>', 'the offset that is stored now, or none')
    .option('--timeout <duration>', 'how long to wait for the result; 0s: do not wait', '30s')
    .addHelpText(
      'after',
      '\nExample:\n  idra suspend orders && idra offset set orders 41000 --expect 42000 && idra resume orders',
    );
  runs<FleetOptions & { expect: string; timeout: string }>(
    command,
    cli,
    async ([name = '', value = ''], options) => {
      const timeoutMs = parseTimeout(options.timeout);
      return await withFleet(cli, options, async (fleet) => {
        const sync = await requireSync(fleet, name, options);
        const answer = await ask(fleet, sync, 'offset', {
          by: caller(),
          offset: { value, expect: options.expect },
          timeoutMs,
        });
        cli.out.write(
          `${sync.namespace}/${sync.name}: ${answer?.message ?? 'the offset will be set at the next run'}\n`,
        );
        return exitStatus.ok;
      });
    },
  );
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
