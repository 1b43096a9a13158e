import type { Command } from 'commander';
import { readLocks } from '../../fleet/cluster.ts';
import { type Cli, runs } from '../cli.ts';
import { exitStatus } from '../exit-status.ts';
import { formatObjects, type OutputKind, outputOption } from '../output.ts';
import { formatTable } from '../table.ts';
import { withEtcd } from '../with-fleet.ts';

/** Shows who holds each lock, and who waits for it. */
export function addLocks(root: Command, cli: Cli): void {
  const command = root
    .command('locks')
    .description('list the locks of syncs with their fencing tokens, and the slots of data sources')
    .addOption(outputOption('json', 'yaml'))
    .addHelpText('after', '\nExample:\n  IDRA_ETCD_ENDPOINTS=http://127.0.0.1:2379 idra locks');
  runs<{ output?: OutputKind }>(command, cli, async (_args, options) => {
    const { output } = options;
    return await withEtcd(cli, async (etcd) => {
      const locks = await readLocks(etcd);
      if (output === 'json' || output === 'yaml') cli.out.write(formatObjects(output, locks));
      else {
        const rows = locks.map((lock) => [
          lock.kind === 'sync' ? 'lock' : 'slot',
          lock.sync,
          lock.dataSource ?? '',
          lock.isWaiting ? 'waits' : 'holds',
          lock.agent,
          lock.token ?? '',
        ]);
        cli.out.write(`${formatTable(['KIND', 'SYNC', 'DATASOURCE', '', 'AGENT', 'TOKEN'], rows)}\n`);
      }
      return exitStatus.ok;
    });
  });
}
