import type { Command } from 'commander';
import { countedWere } from '../../core/counted.ts';
import type { RequestType } from '../../core/status.ts';
import { ask } from '../../fleet/ask.ts';
import { caller } from '../caller.ts';
import { type Cli, runs } from '../cli.ts';
import { exitStatus } from '../exit-status.ts';
import { requireYes } from '../require-yes.ts';
import { parseTimeout } from '../timeout.ts';
import { type FleetOptions, requireSync, withFleet, withFleetOptions } from '../with-fleet.ts';

interface RequestOptions extends FleetOptions {
  readonly timeout: string;
  readonly yes?: boolean;
}

const verbs: readonly {
  readonly verb: string;
  readonly type: RequestType;
  readonly help: string;
  readonly rereads?: true;
}[] = [
  { verb: 'run-now', type: 'run-now', help: 'start a pass now, regardless of the schedule' },
  {
    verb: 'restart',
    type: 'restart',
    help: 'discard the offset and read from the beginning; no row is deleted',
    rereads: true,
  },
  {
    verb: 'keep-offset',
    type: 'keep-offset',
    help: 'continue from the stored offset although the Sync has changed',
  },
];

/** Requests are executed once, in contrast to desired state. */
export function addRequests(root: Command, cli: Cli): void {
  for (const { verb, type, help, rereads } of verbs) {
    const command = withFleetOptions(root.command(`${verb} <sync>`).description(help))
      .option('--timeout <duration>', 'how long to wait for the result; 0s: do not wait', '30s')
      .option('--yes', 'do not ask for confirmation')
      .addHelpText('after', `\nExample:\n  idra ${verb} orders -n team-a`);
    runs<RequestOptions>(command, cli, async ([name = ''], options) => {
      const timeoutMs = parseTimeout(options.timeout);
      return await withFleet(cli, options, async (fleet) => {
        const sync = await requireSync(fleet, name, options);
        if (rereads) {
          const rows = sync.status?.rows.written ?? 0;
          await requireYes(
            options,
            `${sync.name} will be read again from the beginning (${countedWere(rows, 'row')} written so far)`,
          );
        }
        const answer = await ask(fleet, sync, type, {
          by: caller(),
          timeoutMs,
        });
        cli.out.write(`${sync.namespace}/${sync.name}: ${answer?.message ?? `${type} requested`}\n`);
        return exitStatus.ok;
      });
    });
  }
  addSuspend(root, cli, 'suspend', true, 'stop a Sync after its current batch, until it is resumed');
  addSuspend(root, cli, 'resume', false, 'resume a suspended Sync from where it stopped');
}

function addSuspend(root: Command, cli: Cli, verb: string, isSuspended: boolean, help: string): void {
  const command = withFleetOptions(root.command(`${verb} <sync>`).description(help)).addHelpText(
    'after',
    `\nExample:\n  idra ${verb} orders`,
  );
  runs<FleetOptions>(command, cli, async ([name = ''], options) => {
    return await withFleet(cli, options, async (fleet) => {
      const sync = await requireSync(fleet, name, options);
      await fleet.suspend(sync, isSuspended);
      cli.out.write(`${sync.namespace}/${sync.name}: ${isSuspended ? 'suspended' : 'resumed'}\n`);
      return exitStatus.ok;
    });
  });
}
