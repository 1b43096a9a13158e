import { definitions } from '../../connectors/catalog.ts';
import type { DataSourceReport } from '../../coordination/contract.ts';
import { describeError } from '../../core/errors.ts';
import { systemOf } from '../../core/manifest/reader.ts';
import { dataSourceStatusShape } from '../../core/manifest/status-shape.ts';
import {
  findCondition,
  type KstatusVerdict,
  kstatusConditions,
  setConditions,
  unsettled,
} from '../runtime/conditions.ts';
import type { ReconcileResult } from '../runtime/controller.ts';
import type { ObjectEvent } from '../runtime/events.ts';
import { isBeingDeleted, keyOf } from '../runtime/objects.ts';
import { some } from './data-source.ts';
import { type DataSourceObject, type DataSourceObjectStatus, dataSources } from './objects.ts';
import { describeOutage } from './outage.ts';
import { ignoredFields } from './own-warnings.ts';
import type { StatusDeps } from './sync-status.ts';

/** Interval at which a check with an unchanged result is written. */
const sameCheckMs = 600_000;

/** Writes the agents' reports about a DataSource to its status, on change only. */
export async function reconcileDataSourceStatus(
  deps: StatusDeps,
  key: string,
  signal: AbortSignal,
): Promise<ReconcileResult | undefined> {
  const object = deps.dataSources.get(key);
  if (!object) {
    deps.dataSourceStatuses.forget(key);
    deps.rateLimiter.forget(rateKeyOf(key));
    return;
  }
  if (!deps.ownership.isOurs(object)) return;
  const current = deps.dataSourceStatuses.current(object) ?? {};
  const next = statusOf(deps, object, current);
  if (!next || !isNews(current, next)) return;
  const turn = deps.rateLimiter.ask(rateKeyOf(key), 'news');
  if (!turn.mayWrite) return { requeueAfterMs: turn.againInMs };
  if (!(await deps.dataSourceStatuses.write(object, () => next, { signal }))) return;
  for (const objectEvent of eventsFor(current, next)) deps.events.record(dataSources, object, objectEvent);
}

/** One budget for both kinds of objects. */
export function rateKeyOf(dataSource: string): string {
  return `${ratePrefix}${dataSource}`;
}
const ratePrefix = 'data source ';

/** Undefined: the key of a Sync. */
export function dataSourceOf(rateKey: string): string | undefined {
  return rateKey.startsWith(ratePrefix) ? rateKey.slice(ratePrefix.length) : undefined;
}

/** Undefined while nothing is known. */
export function statusOf(
  deps: StatusDeps,
  object: DataSourceObject,
  current: DataSourceObjectStatus,
): DataSourceObjectStatus | undefined {
  if (!deps.etcdView.hasSynced && !deps.etcdView.outage) return undefined;
  const key = keyOf(object.metadata);
  const { generation = 1 } = object.metadata;
  const report = reportAbout(deps, object);
  const verdict = verdictOf(deps, object, report);
  // A changed spec has no effect during deletion.
  const observedGeneration = (isBeingDeleted(object) ? current.observedGeneration : undefined) ?? generation;
  const type = systemOf(object.spec, definitions) ?? '';
  const shape = dataSourceStatusShape({ type, syncs: deps.users.count(key), ...(report && { report }) });
  return {
    ...shape,
    observedGeneration,
    message: [verdict.ready.message, ...ignoredFields(deps.specCache.ignoredOf(object))].join('; '),
    conditions: setConditions(current.conditions ?? [], kstatusConditions(verdict), {
      generation: observedGeneration,
      nowMs: deps.clock.now(),
    }),
  };
}

/** A report about another DataSource of this name does not apply, even if both have the same generation. */
function reportAbout({ etcdView }: StatusDeps, { metadata }: DataSourceObject): DataSourceReport | undefined {
  const report = etcdView.reportOf(keyOf(metadata));
  return report?.uid === undefined || report.uid === metadata.uid ? report : undefined;
}

function verdictOf(
  deps: StatusDeps,
  object: DataSourceObject,
  report: DataSourceReport | undefined,
): KstatusVerdict {
  const { generation = 1 } = object.metadata;
  if (isBeingDeleted(object)) return deleting(deps.users.of(keyOf(object.metadata)));
  const invalid = deps.specCache.dataSource(object);
  if (invalid) {
    const why = {
      reason: 'InvalidSpec',
      message: `${describeError(invalid)}. Syncs that use it are stopped`,
    };
    return { ready: { status: 'False', ...why }, stalled: why };
  }
  const { outage } = deps.etcdView;
  if (outage) {
    return unsettled({ reason: outage.reason, message: describeOutage(outage) });
  }
  if (!report || report.generation !== generation) {
    return unsettled({ reason: 'NotChecked', message: 'waiting for an agent that can reach it to check it' });
  }
  if (!report.isReachable) {
    const why = { reason: report.code ?? 'Unreachable', message: report.message };
    return { ready: { status: 'False', ...why }, reconciling: why };
  }
  return { ready: { status: 'True', reason: 'Reachable', message: report.message } };
}

function deleting(users: readonly string[]): KstatusVerdict {
  const waits =
    users.length > 0
      ? `; waiting until no Sync uses it: ${some(users)}. Changes of its spec are ignored`
      : '';
  const why = { reason: 'Deleting', message: `is being deleted${waits}` };
  return { ready: { status: 'False', ...why }, reconciling: why };
}

function isNews(before: DataSourceObjectStatus, after: DataSourceObjectStatus): boolean {
  const facts = ({ lastCheckTime: _time, agent: _agent, ...rest }: DataSourceObjectStatus) =>
    JSON.stringify(sorted(rest));
  if (facts(before) !== facts(after)) return true;
  const [was, is] = [before.lastCheckTime, after.lastCheckTime];
  return is !== undefined && (was === undefined || Date.parse(is) - Date.parse(was) >= sameCheckMs);
}

/** Conditions come back from the server with their fields in another order. */
function sorted({ conditions = [], ...rest }: DataSourceObjectStatus): unknown {
  const facts = conditions.map((each) => [
    each.type,
    each.status,
    each.reason,
    each.message,
    each.observedGeneration,
  ]);
  return [Object.entries(rest).sort(([one], [other]) => (one < other ? -1 : 1)), facts];
}

function eventsFor(before: DataSourceObjectStatus, after: DataSourceObjectStatus): readonly ObjectEvent[] {
  const ready = (status: DataSourceObjectStatus) => findCondition(status.conditions ?? [], 'Ready');
  const [was, is] = [ready(before), ready(after)];
  if (!is || (is.status === was?.status && is.reason === was.reason)) return [];
  const { reason, message: note } = is;
  if (is.status === 'False' && reason !== 'Deleting')
    return [{ type: 'Warning', reason, action: 'Check', note }];
  if (is.status === 'True') return [{ type: 'Normal', reason, action: 'Check', note }];
  return [];
}
