import { splitName } from '../../connectors/sql/names.ts';
import { allSettled } from '../../core/all-settled.ts';
import type { Wire } from '../../core/batch.ts';
import { nameTooLong, type PlannedColumn, planColumns } from '../../core/column-plan.ts';
import type { Connector, Destination, ReadRequest, Source, WritePlan } from '../../core/connector.ts';
import { describeError, type Finding, permanent } from '../../core/errors.ts';
import type { Guarantee } from '../../core/status.ts';
import type { Mode, Sync, SyncSpec, SystemType } from '../../core/sync-spec.ts';
import type { Relation } from '../../core/values.ts';
import { distinctColumns } from './coarser-keys.ts';
import { fieldFindings, timeZoneFindings, zonelessField } from './field-rules.ts';
import { keyFindings } from './key-rules.ts';
import { ownTableFindings } from './own-table-findings.ts';
import { readOrder } from './read-order.ts';

/** How one Sync would move its rows: what `claim` and the passes follow, and what `idra plan` shows. */
export interface SyncPlan {
  readonly source: Relation;
  readonly existing: Relation | null;
  readonly write: WritePlan;
  /** Without `after`. */
  readonly read: Omit<ReadRequest, 'after'>;
  readonly guarantee: Guarantee;
  /** Errors among them: the Sync must not run. */
  readonly findings: readonly Finding[];
}

export interface PlanInput {
  readonly sync: Sync;
  readonly types: { readonly source: SystemType; readonly destination: SystemType };
  readonly source: Source;
  readonly destination: Destination;
  readonly connectors: { readonly source: Connector; readonly destination: Connector };
  readonly isTransactional: boolean;
}

export async function planSync(input: PlanInput, signal: AbortSignal): Promise<SyncPlan> {
  const { sync, source, destination, types } = input;
  const { spec } = sync;
  const [relation, existing] = await allSettled([source.describe(signal), destination.describe(signal)]);
  const sourceKey = spec.source.key ?? relation.keys[0]?.columns ?? [];
  const key = spec.destination.key ?? sourceKey;
  const columns = planColumns({
    source: relation,
    existing,
    types: input.connectors.destination.types,
    isSameSystem: types.source === types.destination,
    key,
    schemaChanges: spec.schemaChanges,
  });
  const write: WritePlan = {
    uid: sync.uid,
    writeMode: spec.writeMode,
    columns,
    key,
    existing,
    onError: spec.onError,
    redactsKeys: spec.redactsKeys,
    hasUniqueKey: key.length > 0 && !isHistory(spec),
  };
  const order = readOrder({ spec, relation, sourceKey, sourceType: types.source });
  const timeZone = await timeZoneOf(input, relation, signal);
  const planned = columns.columns;
  const read = readPlan(spec, relation, order.key, planned, timeZone);
  const sourceTypes = input.connectors.source.types;
  const keys = { spec, relation, existing, sourceKey, key, columns, types, sourceTypes };
  const fields = { spec, relation, existing, planned, types, order: order.key, timeZone };
  const ruleFindings =
    relation.columns.length === 0
      ? columns.findings
      : [
          ...(relation.findings ?? []),
          ...(existing?.findings ?? []),
          ...missingTable(spec, existing),
          ...ownTableFindings(relation, 'spec.source.table'),
          ...(existing ? ownTableFindings(existing, 'spec.destination.table') : []),
          ...tableNameFindings(spec, input.connectors.destination),
          // What is wrong with a column goes before what follows from its absence.
          ...columns.findings,
          ...fieldFindings(fields),
          ...timeZoneFindings(fields),
          ...keyFindings(keys),
          ...order.findings,
        ];
  const checks = await allSettled([
    source.check(spec.mode, signal),
    destination.check(spec.writeMode, signal),
  ]);
  return {
    source: relation,
    existing,
    write,
    read: {
      ...read,
      distinct: distinctColumns(keys),
      wire: chooseWire(source, destination, write, read.columns, ruleFindings),
    },
    guarantee: input.isTransactional ? 'ExactlyOnce' : 'AtLeastOnce',
    findings: [...ruleFindings, ...checks.flat()],
  };
}

/** The first error of a plan, thrown: a Sync whose plan has one must not run. The others stand behind what to do about it, each with its own remedy. */
export function requireRunnable(plan: SyncPlan): void {
  const errors = plan.findings.filter((finding) => finding.severity === 'error');
  const [first, ...more] = errors;
  if (!first) return;
  const others = more.map((each) => `and ${describeError(each)}`);
  const mend = [first.mend, ...others].filter((each) => each !== undefined).join('; ');
  throw permanent(first.code, first.message, { path: first.path, ...(mend !== '' && { mend }) });
}

/** Append by timestamp writes a row for each version read. */
function isHistory(spec: SyncSpec): boolean {
  return (
    spec.writeMode === 'Append' && (spec.mode === 'Timestamp' || spec.mode === 'LastDestinationTimestamp')
  );
}

export function readMode(mode: Mode): ReadRequest['mode'] {
  if (mode === 'LastDestinationId') return 'Id';
  if (mode === 'LastDestinationTimestamp') return 'Timestamp';
  return mode;
}

/** The server is asked only where its zone says what a value means. */
async function timeZoneOf(
  { sync, source }: PlanInput,
  relation: Relation,
  signal: AbortSignal,
): Promise<string> {
  const { spec } = sync;
  if (spec.source.timeZone !== undefined) return spec.source.timeZone;
  return zonelessField(spec, relation) ? await source.timeZone(signal) : 'UTC';
}

function tableNameFindings(spec: SyncSpec, { types }: Connector): Finding[] {
  const parts = splitName(spec.destination.table, 'spec.destination.table');
  return parts.flatMap(
    (part) => nameTooLong(part, `table ${part}`, types.names, 'choose a shorter name') ?? [],
  );
}

function readPlan(
  spec: SyncSpec,
  relation: Relation,
  key: readonly string[],
  planned: readonly PlannedColumn[],
  timeZone: string,
): Omit<ReadRequest, 'after' | 'wire'> {
  const mode = readMode(spec.mode);
  return {
    relation,
    columns: planned.map(({ source }) => ({ column: source })),
    mode,
    key,
    ...(mode === 'Timestamp' && spec.source.timestampField
      ? { timestampField: spec.source.timestampField }
      : {}),
    timeZone,
    limits: spec.batch,
    redactsKeys: spec.redactsKeys,
    ...(spec.safetyLagMs === undefined ? {} : { safetyLagMs: spec.safetyLagMs }),
  };
}

function missingTable(spec: SyncSpec, existing: Relation | null): Finding[] {
  if (existing || spec.createTable === 'IfMissing') return [];
  return [
    {
      severity: 'error',
      code: 'TableNotFound',
      path: 'spec.destination.table',
      message: `table ${spec.destination.table} is missing and createTable is Never`,
      mend: 'create the table, or set createTable to IfMissing',
    },
  ];
}

function chooseWire(
  source: Source,
  destination: Destination,
  write: WritePlan,
  columns: ReadRequest['columns'],
  findings: readonly Finding[],
): Wire {
  if (findings.some((finding) => finding.severity === 'error')) return { format: 'values' };
  return (
    destination.rawRequests(write).find((request) => source.canServe(request, columns)) ?? {
      format: 'values',
    }
  );
}
