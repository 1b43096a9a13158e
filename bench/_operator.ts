import { EtcdClient } from '../coordination/etcd/client.ts';
import { Keys } from '../coordination/keys.ts';
import type { SyncStatus } from '../core/status.ts';
import type { OperatorBed, SyncOptions } from '../e2e/kit/operator.ts';
import { type RunningProcess, startIdra } from '../e2e/kit/processes.ts';
import type { SyncObject } from '../operator/controllers/objects.ts';

/** The operator as a process, with its metrics. */
export async function startOperator(bed: OperatorBed): Promise<RunningProcess> {
  return await startIdra(['operator'], {
    env: {
      KUBECONFIG: bed.api.kubeconfigPath,
      IDRA_ETCD_ENDPOINTS: bed.config.endpoints.join(','),
      IDRA_ETCD_PREFIX: bed.config.prefix,
      IDRA_HEALTH_PORT: '0',
      IDRA_LOG_FORMAT: 'json',
    },
  });
}

/** Calls `each` for all, a few at a time. */
async function inParallel<T>(
  all: readonly T[],
  width: number,
  each: (item: T) => Promise<void>,
): Promise<void> {
  const left = [...all];
  const work = async () => {
    for (let item = left.pop(); item !== undefined; item = left.pop()) await each(item);
  };
  await Promise.all(Array.from({ length: width }, work));
}

export async function makeSyncs(
  bed: OperatorBed,
  namespace: string,
  count: number,
  more: SyncOptions = {},
): Promise<SyncObject[]> {
  const made: SyncObject[] = [];
  const names = Array.from({ length: count }, (_, index) => `sync-${index}`);
  await inParallel(names, 20, async (name) => void made.push(await bed.makeSync(namespace, name, more)));
  return made;
}

/** Writes what agents would report about all, at once. */
export async function reportAll(
  bed: OperatorBed,
  made: readonly SyncObject[],
  more: Partial<SyncStatus> = {},
): Promise<void> {
  const client = new EtcdClient(bed.config);
  const keys = new Keys(bed.config.prefix);
  for (let start = 0; start < made.length; start += 100) {
    const success = made.slice(start, start + 100).map(({ metadata: { uid } }) => {
      const value = JSON.stringify({ ...runningStatus(uid), ...more });
      return { kind: 'put', key: keys.status(uid), value } as const;
    });
    await client.txn({ compare: [], success });
  }
  client.close();
}

function runningStatus(uid: string): SyncStatus {
  return {
    uid,
    observedGeneration: 1,
    state: 'Running',
    reason: 'MovingRows',
    message: 'moving rows',
    agent: 'idra-agent-0',
    hasCaughtUp: true,
    rows: { read: 1, written: 1, deleted: 0, rejected: 0 },
    offset: '{"mode":"Id","id":"42"}',
    offsetText: '42',
    observedAt: new Date().toISOString(),
    fencingToken: '0.7',
    guarantee: 'ExactlyOnce',
  };
}
