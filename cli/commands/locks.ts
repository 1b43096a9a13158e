import type { Command } from 'commander';
import { type Cli, runs } from '../cli.ts';
import { exitStatus } from '../exit-status.ts';
import { withEtcd } from '../fleet/etcd-fleet.ts';
import { formatObjects, type OutputKind, outputOption } from '../output.ts';
import { formatTable } from '../table.ts';

/** Who holds what, and who waits for it. */
export function addLocks(root: Command, cli: Cli): void {
  const command = root
    .command('locks')
    .description('the locks of syncs with their fencing tokens, and the slots of data sources')
    .addOption(outputOption('json', 'yaml'))
    .addHelpText('after', '\nExample:\n  IDRA_ETCD_ENDPOINTS=http://127.0.0.1:2379 idra locks');
  runs<{ output?: OutputKind }>(command, cli, async (_args, options) => {
    const { output } = options;
    return await withEtcd(cli, async (etcd) => {
      const [locks, { syncs }] = await Promise.all([etcd.cluster.locks(), etcd.desired.read()]);
      const names = new Map(syncs.map((sync) => [sync.uid, `${sync.namespace}/${sync.name}`]));
      const told = locks.map((lock) => ({ sync: names.get(lock.uid) ?? lock.uid, ...lock }));
      if (output === 'json' || output === 'yaml') cli.out.write(formatObjects(output, told));
      else {
        const rows = told.map((lock) => [
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
