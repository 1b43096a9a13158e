import { reach } from '../../core/crash-points.ts';
import { IdraError, transient } from '../../core/errors.ts';
import type { EtcdView, Outage } from './etcd-view.ts';

/** Wraps every write of the operator to etcd between two points at which a test can end the process. */
export async function writeEtcd<T>(write: () => Promise<T>): Promise<T> {
  await reach('operator:before-write');
  const result = await write();
  await reach('operator:after-write');
  return result;
}

/** Fails at once while etcd is known not to answer, so that keys do not wait for one timeout after the other. */
export function requireEtcd({ outage }: Pick<EtcdView, 'outage'>): void {
  if (outage) throw etcdIsGone(outage);
}

export function isEtcdUnavailable(thrown: unknown): boolean {
  return thrown instanceof IdraError && thrown.code === 'EtcdUnavailable';
}

export function etcdIsGone({ since, message }: Outage): Error {
  return transient('EtcdUnavailable', `etcd has not answered since ${since}: ${message}`);
}
