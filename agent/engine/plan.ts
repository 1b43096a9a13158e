import { allSettled } from '../../core/all-settled.ts';
import type { RowFormat } from '../../core/batch.ts';
import { type PlannedColumn, planColumns } from '../../core/column-plan.ts';
import type {
  AnyDestination,
  Connector,
  Guarantee,
  ReadRequest,
  Source,
  WritePlan,
} from '../../core/connector.ts';
import { softDeleteColumn } from '../../core/connector.ts';
import type { Definition } from '../../core/definition.ts';
import { requireUsualDescription } from '../../core/description-size.ts';
import { describeError, type Finding, permanent } from '../../core/errors.ts';
import { type NameRules, nameTooLong } from '../../core/name-rules.ts';
import { holdsOffsets } from '../../core/plain-destination.ts';
import type { RecordColumn } from '../../core/records/record-column.ts';
import { withSoftDeletes } from '../../core/soft-deletes.ts';
import { type Mode, objectPath, type Sync, type SyncSpec } from '../../core/sync-spec.ts';
import type { Relation } from '../../core/values.ts';
import { distinctColumns } from './coarser-keys.ts';
import { deleteFindings } from './delete-rules.ts';
import { fieldFindings, timeZoneFindings, zonelessField } from './field-rules.ts';
import { keyFindings } from './key-rules.ts';
import { ownTableFindings } from './own-table-findings.ts';
import { readOrder } from './read-order.ts';

/** How one Sync moves its rows: followed by `claim` and the passes, shown by `idra plan`. */
export interface SyncPlan {
  readonly source: Relation;
  /** The columns that were inferred for the records of the source, to be stored with each offset; undefined: they have others. */
  readonly inferred?: readonly RecordColumn[];
  readonly existing: Relation | null;
  readonly write: WritePlan;
  readonly read: Omit<ReadRequest, 'after'>;
  readonly guarantee: Guarantee;
  /** If they contain an error, the Sync must not run. */
  readonly findings: readonly Finding[];
}

export interface PlanInput {
  readonly sync: Sync;
  readonly source: Source;
  readonly destination: AnyDestination;
  readonly connectors: { readonly source: Connector; readonly destination: Connector };
  readonly definitions: { readonly source: Definition; readonly destination: Definition };
}

export async function planSync(input: PlanInput, signal: AbortSignal): Promise<SyncPlan> {
  const { sync, source, destination } = input;
  const { spec } = sync;
  const [relation, existing] = await allSettled([source.describe(signal), destination.describe(signal)]);
  requireUsual(sync, 'source', relation);
  if (existing) requireUsual(sync, 'destination', existing);
  const timeZone = await timeZoneOf(input, relation, signal);
  const described = { ...input, relation, existing, timeZone };
  const { write, read, keys, findings } = planFromDescribed(described);
  const checks = await allSettled([
    source.check(spec.mode, signal),
    destination.check(spec.writeMode, signal),
  ]);
  const inferred = spec.source.columns === undefined ? relation.recordColumns : undefined;
  return {
    source: relation,
    ...(inferred && { inferred }),
    existing,
    write,
    read: {
      ...read,
      ...(inferred && { findsNewFields: true }),
      distinct: distinctColumns(keys),
      rowFormat: chooseFormat(source, destination, write, read.columns, findings),
    },
    guarantee: guaranteeOf(source, destination, spec),
    findings: [...findings, ...checks.flat()],
  };
}

function requireUsual({ spec, namespace }: Sync, end: 'source' | 'destination', relation: Relation): void {
  const { dataSource } = spec[end];
  requireUsualDescription(relation, `${namespace}/${dataSource}`, objectPath(end, spec[end]));
}

interface Described extends PlanInput {
  readonly relation: Relation;
  readonly existing: Relation | null;
  readonly timeZone: string;
}

/** A row that the source returns again is harmless where it replaces itself. */
function guaranteeOf(source: Source, destination: AnyDestination, { writeMode }: SyncSpec): Guarantee {
  const isOnce = source.guarantee === undefined || writeMode !== 'Append';
  return isOnce && holdsOffsets(destination) ? destination.guarantee : 'AtLeastOnce';
}

/** Pure. */
function planFromDescribed(input: Described) {
  const { sync, relation, existing, timeZone, connectors, definitions } = input;
  const { spec } = sync;
  const sourceKey = spec.source.key ?? relation.keys[0]?.columns ?? [];
  const key = spec.destination.key ?? sourceKey;
  const isSameSystem = definitions.source.type === definitions.destination.type;
  const remedies = { source: connectors.source.remedies, destination: connectors.destination.remedies };
  const columns = planColumns({
    source: withSoftDeletes(relation, spec),
    ...(spec.deletes === 'Soft' && { own: softDeleteColumn }),
    existing,
    types: connectors.destination.types,
    isSameSystem,
    key,
    schemaChanges: spec.schemaChanges,
    paths: pathsOf(spec),
    columnsField: remedies.source.columnsField,
  });
  const write: WritePlan = {
    uid: sync.uid,
    writeMode: spec.writeMode,
    columns,
    key,
    existing,
    onError: spec.onError,
    deletes: spec.deletes,
    redactsKeys: spec.redactsKeys,
    hasUniqueKey: key.length > 0 && !isHistory(spec),
  };
  const order = readOrder({ spec, relation, sourceKey, remedies: remedies.source });
  const planned = columns.columns;
  const read = readPlan(spec, relation, order.key, planned, timeZone);
  const sourceTypes = connectors.source.types;
  const keys = { spec, relation, existing, sourceKey, key, columns, isSameSystem, sourceTypes, remedies };
  const fields = {
    ...{ spec, relation, existing, planned, isSameSystem, timeZone },
    types: { source: sourceTypes, destination: connectors.destination.types },
    capabilities: definitions.source.capabilities.source,
    remedies: remedies.source,
    order: order.key,
  };
  const findings = [
    ...objectFindings(input),
    // Errors of a column come before those that follow from its absence.
    ...columns.findings,
    ...fieldFindings(fields),
    ...timeZoneFindings(fields),
    ...keyFindings(keys),
    ...deleteFindings(keys),
    ...order.findings,
  ];
  return { write, read, keys, findings: relation.columns.length === 0 ? columns.findings : findings };
}

function pathsOf({ source, destination }: SyncSpec) {
  return { source: objectPath('source', source), destination: objectPath('destination', destination) };
}

/** Findings about the two objects as a whole. */
function objectFindings(input: Described): Finding[] {
  const { relation, existing, connectors, destination } = input;
  const paths = pathsOf(input.sync.spec);
  const { names } = connectors.destination.types;
  return [
    ...(relation.findings ?? []),
    ...(existing?.findings ?? []),
    ...missingObject(input, existing, paths.destination),
    ...ownTableFindings(relation, paths.source, connectors.source.types.names),
    ...(existing ? ownTableFindings(existing, paths.destination, names) : []),
    ...nameFindings(destination, names, paths.destination),
  ];
}

/** Throws the first error of a plan: a Sync whose plan has one must not run. The others follow its remedy, each with its own. */
export function requireRunnable(plan: SyncPlan): void {
  const errors = plan.findings.filter((finding) => finding.severity === 'error');
  const [first, ...more] = errors;
  if (!first) return;
  const others = more.map((each) => `and ${describeError(each)}`);
  const fix = [first.fix, ...others].filter((each) => each !== undefined).join('; ');
  throw permanent(first.code, first.message, { path: first.path, ...(fix !== '' && { fix }) });
}

/** Append by timestamp, or of a stream, writes one row for each version read. */
function isHistory(spec: SyncSpec): boolean {
  return (
    spec.writeMode === 'Append' &&
    (spec.mode === 'Timestamp' || spec.mode === 'LastDestinationTimestamp' || spec.mode === 'Stream')
  );
}

export function readMode(mode: Mode): ReadRequest['mode'] {
  if (mode === 'LastDestinationId') return 'Id';
  if (mode === 'LastDestinationTimestamp') return 'Timestamp';
  return mode;
}

/** The server is asked only if its zone determines the meaning of a value. */
async function timeZoneOf(
  { sync, source }: PlanInput,
  relation: Relation,
  signal: AbortSignal,
): Promise<string> {
  const { spec } = sync;
  if (spec.source.timeZone !== undefined) return spec.source.timeZone;
  return zonelessField(spec, relation) ? await source.timeZone(signal) : 'UTC';
}

function nameFindings({ name }: AnyDestination, names: NameRules, path: string): Finding[] {
  return names
    .partsOf(name)
    .flatMap(
      (part) => nameTooLong({ name: part, what: part, names, path, fix: 'choose a shorter name' }) ?? [],
    );
}

function readPlan(
  spec: SyncSpec,
  relation: Relation,
  key: readonly string[],
  planned: readonly PlannedColumn[],
  timeZone: string,
): Omit<ReadRequest, 'after' | 'rowFormat'> {
  const mode = readMode(spec.mode);
  return {
    relation,
    columns: planned
      .filter(({ source }) => source.name !== softDeleteColumn || spec.deletes !== 'Soft')
      .map(({ source }) => ({ column: source })),
    mode,
    ...(spec.deletes !== 'Ignore' && { wantsDeletions: true }),
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

function missingObject({ sync, destination }: PlanInput, existing: Relation | null, path: string): Finding[] {
  if (existing || sync.spec.createTable === 'IfMissing') return [];
  return [
    {
      severity: 'error',
      code: 'TableNotFound',
      path,
      message: `${destination.name} is missing and createTable is Never`,
      fix: 'create it, or set createTable to IfMissing',
    },
  ];
}

function chooseFormat(
  source: Source,
  destination: AnyDestination,
  write: WritePlan,
  columns: ReadRequest['columns'],
  findings: readonly Finding[],
): RowFormat {
  const isMarked = write.deletes === 'Soft';
  if (isMarked || findings.some(({ severity }) => severity === 'error')) return { format: 'values' };
  return (
    destination.rawRequests(write).find((request) => source.canServe(request, columns)) ?? {
      format: 'values',
    }
  );
}
