import { reach } from '../../core/crash-points.ts';
import { transient } from '../../core/errors.ts';
import type { EtcdView, Outage } from './etcd-view.ts';

/** Every write of the operator to etcd: between two points at which a test can end the process. */
export async function writeEtcd<T>(write: () => Promise<T>): Promise<T> {
  await reach('operator:before-write');
  const result = await write();
  await reach('operator:after-write');
  return result;
}

/** So that no key waits for time-outs one after the other while it is known that there is no answer. */
export function requireEtcd({ outage }: Pick<EtcdView, 'outage'>): void {
  if (outage) throw etcdIsGone(outage);
}

export function etcdIsGone({ since, message }: Outage): Error {
  return transient('EtcdUnavailable', `etcd has given no answer since ${since}: ${message}`);
}
