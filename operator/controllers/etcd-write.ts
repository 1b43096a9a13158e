import { reach } from '../../core/crash-points.ts';
import { IdraError, transient } from '../../core/errors.ts';
import type { EtcdView } from './etcd-view.ts';
import { describeOutage, type Outage } from './outage.ts';

/** Wraps every write of the operator to etcd between two points at which a test can end the process. */
export async function writeEtcd<T>(write: () => Promise<T>): Promise<T> {
  await reach('operator:before-write');
  const result = await write();
  await reach('operator:after-write');
  return result;
}

/**
 * Fails at once while etcd is known not to answer, so that keys do not wait for one timeout after the other. A full etcd is asked: it
 * refuses quickly, and allows deletions.
 */
export function requireEtcd({ outage }: Pick<EtcdView, 'outage'>): void {
  if (isSilent(outage)) throw transient('EtcdUnavailable', describeOutage(outage));
}

export function isSilent(outage: Outage | undefined): outage is Outage {
  return outage?.reason === 'EtcdUnavailable';
}

/** It does not answer, or refuses writes because it is full. */
export function isEtcdUnusable(thrown: unknown): boolean {
  return thrown instanceof IdraError && (thrown.code === 'EtcdUnavailable' || thrown.code === 'EtcdFull');
}
