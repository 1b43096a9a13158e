import { createHash } from 'node:crypto';
import { definitions } from '../connectors/catalog.ts';
import type { DataSourceReport } from '../coordination/contract.ts';
import type { BoundReport } from '../core/connector.ts';
import { systemOf } from '../core/manifest/reader.ts';
import { encodeOffset, isShortened, type Offset, parseOffset } from '../core/offset.ts';
import type { SyncStatus } from '../core/status.ts';
import type { Mode } from '../core/sync-spec.ts';
import {
  type DataSourceObject,
  type SyncObject,
  type SyncObjectStatus,
  suspendedBy,
} from '../operator/controllers/objects.ts';
import { findCondition } from '../operator/runtime/conditions.ts';
import type { FleetDataSource, FleetSync } from './contract.ts';
import { lastSpecChanges } from './field-owners.ts';

/** Converts a custom resource to a FleetSync. */
export function toFleetSync(object: SyncObject): FleetSync {
  const {
    uid,
    namespace = '',
    name,
    generation = 1,
    creationTimestamp = '',
    deletionTimestamp,
    labels,
  } = object.metadata;
  const spec = (object.spec ?? {}) as { readonly suspend?: boolean; readonly mode?: Mode };
  const isSuspendedByAnnotation = suspendedBy(object);
  const changedBy = lastSpecChanges(object.metadata.managedFields).flatMap(({ manager }) => manager ?? []);
  return {
    uid,
    namespace,
    name,
    generation,
    createdAt: creationTimestamp,
    ...(deletionTimestamp !== undefined && { deletedAt: deletionTimestamp }),
    spec,
    version: versionOf(object),
    ...(labels && { labels }),
    ...(changedBy.length > 0 && { changedBy }),
    isSuspended: isSuspendedByAnnotation ?? spec.suspend === true,
    ...(isSuspendedByAnnotation !== undefined && { isSuspendedByAnnotation }),
    status: object.status?.state && fromShape(uid, spec.mode, object.status),
  };
}

/** Of the desired state: generation counts changes of the spec; suspension and labels are beside it. */
export function versionOf(object: SyncObject | DataSourceObject): string {
  const { uid, generation = 1, labels = {} } = object.metadata;
  const beside = JSON.stringify([suspendedBy(object) ?? null, Object.entries(labels).sort()]);
  return `${uid}.${generation}.${createHash('sha256').update(beside).digest('hex').slice(0, 8)}`;
}

export function toFleetDataSource(object: DataSourceObject): FleetDataSource {
  const { metadata, spec, status } = object;
  const { uid, namespace = '', name, generation = 1, creationTimestamp = '', labels } = metadata;
  const identity = { namespace, name };
  const report = status?.lastCheckTime === undefined ? undefined : reportOf(identity, status);
  return {
    ...identity,
    uid,
    generation,
    createdAt: creationTimestamp,
    spec,
    version: versionOf(object),
    ...(labels && { labels }),
    type: systemOf(spec, definitions) ?? '',
    syncs: status?.syncs ?? 0,
    ...(report && { report }),
  };
}

function reportOf(
  identity: Pick<DataSourceReport, 'namespace' | 'name'>,
  status: NonNullable<DataSourceObject['status']>,
): DataSourceReport {
  const { observedGeneration = 0, serverVersion, message = '', lastCheckTime = '', agent = '' } = status;
  const ready = findCondition(status.conditions ?? [], 'Ready');
  const isReachable = ready?.status === 'True';
  return {
    ...identity,
    generation: observedGeneration,
    isReachable,
    ...(serverVersion !== undefined && { serverVersion }),
    ...(!isReachable && ready && { code: ready.reason }),
    message,
    checkedAt: lastCheckTime,
    agent,
  };
}

/** The inverse of syncStatusShape, as far as the shape kept the fields. */
function fromShape(uid: string, mode: Mode | undefined, status: SyncObjectStatus): SyncStatus {
  const { conditions = [], lag: _lag, rate, offset, state = 'Pending', bound, ...rest } = status;
  const isReady = findCondition(conditions, 'Ready');
  return {
    uid,
    observedGeneration: 1,
    reason: isReady?.reason ?? state,
    message: '',
    rows: { read: 0, written: 0, deleted: 0, rejected: 0 },
    observedAt: '',
    ...rest,
    ...(bound && { bound: bound as BoundReport }),
    ...(rate !== undefined && { rowsPerSecond: Number.parseFloat(rate) }),
    state,
    hasCaughtUp: isReady?.status === 'True',
    ...(offset !== undefined &&
      mode !== undefined && {
        ...(!isShortened(offset) && { offset: encodeOffset(parseOffset(offset, offsetMode(mode))) }),
        offsetText: offset,
      }),
  };
}

function offsetMode(mode: Mode): Offset['mode'] {
  if (mode === 'LastDestinationId') return 'Id';
  return mode === 'LastDestinationTimestamp' ? 'Timestamp' : mode;
}
