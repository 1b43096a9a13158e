import { group, plurals, suspendAnnotation, version } from '../../core/manifest/names.ts';
import type { DataSourceResourceStatus, SyncResourceStatus } from '../../core/manifest/status-shape.ts';
import type { RequestStatus, RequestType } from '../../core/status.ts';
import type { Condition } from '../runtime/conditions.ts';
import type { KubernetesObject, Resource } from '../runtime/objects.ts';

export const syncs: Resource = { group, version, plural: plurals.Sync, kind: 'Sync' };
export const dataSources: Resource = { group, version, plural: plurals.DataSource, kind: 'DataSource' };

/** Set on every object that is copied to etcd: the object is released only when nothing of it is left there. */
export const finalizer = `${group}/cleanup`;

/** `idra.dev/run-now`. */
export function requestAnnotation(type: RequestType): string {
  return `${group}/${type}`;
}

/** `"true"` suspends and `"false"` resumes regardless of the spec; any other value is ignored. */
export function suspendedBy({ metadata }: KubernetesObject): boolean | undefined {
  const value = metadata.annotations?.[suspendAnnotation];
  return value === 'true' ? true : value === 'false' ? false : undefined;
}

export interface SyncObject extends KubernetesObject {
  readonly spec?: unknown;
  readonly status?: SyncObjectStatus;
}

/** Conditions and requests use the types of runtime and engine; the rest is as in the schema. */
export type SyncObjectStatus = Omit<SyncResourceStatus, 'conditions' | 'requests'> & {
  readonly conditions?: readonly Condition[];
  readonly requests?: readonly RequestStatus[];
};

export interface DataSourceObject extends KubernetesObject {
  readonly spec?: unknown;
  readonly status?: DataSourceObjectStatus;
}

export type DataSourceObjectStatus = Omit<DataSourceResourceStatus, 'conditions'> & {
  readonly conditions?: readonly Condition[];
};

/** Keys of the data sources that a Sync names, as far as its spec can be read. */
export function dataSourceKeysOf({ metadata, spec }: SyncObject): readonly string[] {
  const ends = spec as
    | { source?: { dataSource?: unknown }; destination?: { dataSource?: unknown } }
    | undefined;
  const names = [ends?.source?.dataSource, ends?.destination?.dataSource];
  const given = names.filter((name): name is string => typeof name === 'string' && name !== '');
  return [...new Set(given)].map((name) => `${metadata.namespace ?? ''}/${name}`);
}
