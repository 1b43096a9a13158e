import type { Command } from 'commander';
import { stringify } from 'yaml';
import { conditionsOf } from '../../core/sync-conditions.ts';
import { type Cli, runs } from '../cli.ts';
import { exitStatus } from '../exit-status.ts';
import { withEtcd } from '../fleet/etcd-fleet.ts';
import { type EtcdObject, readDataSources, readSyncs } from '../fleet/etcd-objects.ts';
import { kindOf } from '../fleet/kinds.ts';
import { notFound } from '../not-found.ts';
import { formatTable } from '../table.ts';

/** One page about a Sync or DataSource: what is wanted, how it stands, what to do. */
export function addDescribe(root: Command, cli: Cli): void {
  const command = root
    .command('describe <kind> <name>')
    .description('one page about a sync or datasource of a cluster without Kubernetes')
    .option('-n, --namespace <name>', 'namespace', 'default')
    .addHelpText('after', '\nExample:\n  idra describe sync orders');
  runs<{ namespace: string }>(command, cli, async ([kind = '', name = ''], options) => {
    return await withEtcd(cli, async (etcd) => {
      const read = kindOf(kind) === 'Sync' ? readSyncs : readDataSources;
      const object = (await read(etcd)).find(
        ({ metadata }) => metadata.name === name && metadata.namespace === options.namespace,
      );
      if (!object) throw notFound(kindOf(kind), `${options.namespace}/${name}`, `see idra get ${kind} -A`);
      cli.out.write(describe(object));
      return exitStatus.ok;
    });
  });
}

function describe(object: EtcdObject): string {
  const { syncStatus } = object;
  if (!syncStatus) return stringify(object.manifest);
  const conditions = conditionsOf(syncStatus).map((each) => [
    each.type,
    each.status,
    each.reason,
    each.message,
  ]);
  return `${stringify(object.manifest)}\n${formatTable(['CONDITION', 'STATUS', 'REASON', 'MESSAGE'], conditions)}\n`;
}
