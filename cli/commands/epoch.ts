import type { Command } from 'commander';
import { type Cli, runs } from '../cli.ts';
import { exitStatus } from '../exit-status.ts';
import { highestEpochSeen } from '../highest-epoch.ts';
import { withEtcd } from '../with-fleet.ts';

/** Needed after etcd was restored from a snapshot, or replaced by an empty one: tokens must still increase. */
export function addEpoch(root: Command, cli: Cli): void {
  const epoch = root.command('epoch').description('read and raise the epoch of fencing tokens');
  runs(
    epoch
      .command('get')
      .description('print the current epoch')
      .addHelpText('after', '\nExample:\n  idra epoch get'),
    cli,
    async () =>
      await withEtcd(cli, async (etcd) => {
        cli.out.write(`${await etcd.epoch.read()}\n`);
        return exitStatus.ok;
      }),
  );
  const raise = epoch
    .command('raise')
    .description(
      'raise the epoch above every token that a destination has seen; do this before agents start on a restored or new etcd',
    )
    .option('-f, --filename <path>', 'manifests whose destinations are queried for the highest token')
    .option('--at-least <number>', 'an epoch that is known to have been used; the new one is higher', Number)
    .addHelpText('after', '\nExample:\n  idra epoch raise -f manifests/');
  runs<{ filename?: string; atLeast?: number }>(raise, cli, async (_args, options) => {
    const seen = options.filename === undefined ? 0 : await highestEpochSeen(cli, options.filename);
    return await withEtcd(cli, async (etcd) => {
      const raised = await etcd.epoch.raise(Math.max(seen, options.atLeast ?? 0) + 1);
      cli.out.write(`${raised}\n`);
      cli.err.write(`the epoch is ${raised}; agents that start now use higher tokens than before\n`);
      return exitStatus.ok;
    });
  });
}
