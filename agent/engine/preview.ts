import { resolveAccess } from '../../core/access.ts';
import { boundedText } from '../../core/bounded-text.ts';
import { namingSync } from '../../core/commands.ts';
import type { Guarantee, SystemReport } from '../../core/connector.ts';
import { asIdraError, bug, type Finding, type IdraError } from '../../core/errors.ts';
import { decodeStored, shownOffset } from '../../core/offset.ts';
import type { RecordColumn } from '../../core/records/record-column.ts';
import {
  type DataSource,
  isLastDestination,
  objectPath,
  type Sync,
  type SyncSpec,
} from '../../core/sync-spec.ts';
import { noProgress, type SyncProgress } from '../../core/sync-store.ts';
import type { Relation } from '../../core/values.ts';
import { admit } from './admission.ts';
import type { RunContext } from './context.ts';
import { otherWriters } from './offset-fingerprint.ts';
import { type OpenSync, openSync, withOffsets } from './open-sync.ts';
import { orderNames } from './order-types.ts';
import { largestAtDestination, snapshotStart } from './read-request.ts';
import { type KnownColumns, storedColumns } from './record-columns.ts';
import { endsNow, systemChange } from './system-change.ts';

export type PreviewInput = Pick<
  RunContext,
  'sync' | 'source' | 'destination' | 'secrets' | 'definitionOf'
> & {
  /** The recorded progress of the Sync; omitted: none, as for a Sync that never ran. */
  readonly progress?: SyncProgress;
  /** The offset in the store, encoded. */
  readonly storedOffset?: string | null;
};

/** What a Sync would do, determined without changing anything. Plain data, transferable as JSON. */
export interface Preview {
  readonly guarantee?: Guarantee;
  /** Format of the rows: `values`, or bytes that both ends understand. */
  readonly rowFormat?: string;
  readonly columns: readonly PreviewColumn[];
  /** Columns that were inferred from records, as source.columns of a manifest. */
  readonly inferredColumns?: readonly RecordColumn[];
  /** The table, or some of its columns, would be created. */
  readonly createsTarget?: boolean;
  /** Statements that claim and the passes would run besides moving rows. */
  readonly statements: readonly string[];
  /** Where it would continue; undefined: from the beginning. */
  readonly offset?: string;
  /** A rough estimate; undefined if the system cannot provide one. */
  readonly rowsWaiting?: number;
  readonly findings: readonly Finding[];
}

export interface PreviewColumn {
  readonly name: string;
  readonly from: string;
  readonly to: string;
}

/** Opens both ends, plans, and reads the destination's commit rows. Failures become findings. */
export async function previewSync(input: PreviewInput, signal: AbortSignal): Promise<Preview> {
  const preview = await previewEnds(input, signal);
  const findings = preview.findings.map(({ fix, ...finding }) =>
    fix === undefined ? finding : { ...finding, fix: namingSync(fix, input.sync) },
  );
  return { ...preview, findings };
}

async function previewEnds(input: PreviewInput, signal: AbortSignal): Promise<Preview> {
  try {
    const storedOffset = async () => input.storedOffset ?? null;
    const knownColumns: KnownColumns = (destination, opening) =>
      storedColumns(input.sync, destination, storedOffset, opening);
    const ends = await openSync({ ...input, knownColumns }, signal);
    try {
      const open = withOffsets(ends, input.sync, {
        readOffset: storedOffset,
        writeOffset: () => Promise.reject(bug('a plan writes nothing')),
        progress: () => input.progress ?? noProgress,
      });
      return await previewOpen(input, open, signal);
    } finally {
      await ends.close();
    }
  } catch (thrown) {
    signal.throwIfAborted();
    return { columns: [], statements: [], findings: [findingOf(asIdraError(thrown))] };
  }
}

async function previewOpen(input: PreviewInput, open: OpenSync, signal: AbortSignal): Promise<Preview> {
  const { sync } = input;
  const { plan } = open;
  const facts = {
    guarantee: plan.guarantee,
    rowFormat: plan.read.rowFormat.format,
    columns: plan.write.columns.columns.map((column) => ({
      name: column.name,
      from: column.source.nativeType,
      to: column.ddl,
    })),
    ...(plan.inferred && { inferredColumns: plan.inferred }),
    createsTarget:
      plan.existing === null || plan.write.columns.columns.some(({ existing }) => existing === null),
    statements: open.destination.statements(plan.write),
    findings: plan.findings,
  };
  if (plan.findings.some((finding) => finding.severity === 'error')) return facts;
  const after = await startOf(input, open, signal);
  if ('finding' in after) return { ...facts, findings: [...plan.findings, after.finding] };
  const { offset, others } = after;
  const isSnapshot = plan.read.mode === 'Snapshot';
  const rowsWaiting = await open.source.estimateWaiting(
    { ...plan.read, after: isSnapshot ? snapshotStart(offset) : offset },
    signal,
  );
  const isDone = sync.spec.schedule.kind === 'once' && offset?.mode === 'Snapshot' && offset.isComplete;
  return {
    ...facts,
    findings: [...plan.findings, ...others],
    ...(offset === null ? {} : { offset: shownOffset(offset) }),
    ...(rowsWaiting === undefined ? {} : { rowsWaiting: isDone ? 0 : rowsWaiting }),
  };
}

async function startOf(input: PreviewInput, open: OpenSync, signal: AbortSignal) {
  const { sync, progress = noProgress } = input;
  const rows = await open.destination.commitRows(sync.uid, signal);
  const table = open.destination.name;
  const { existing } = open.plan;
  const hasRows = existing !== null && (await open.destination.hasRows(signal));
  const ends = await endsNow(sync, input, open, signal);
  try {
    admit({
      sync,
      fingerprint: ends.fingerprint,
      systems: systemChange(sync, progress, ends),
      known: progress.ends,
      now: ends,
      rows,
      table,
      existing,
      hasRows,
      restartsPass: false,
      order: orderNames(open.plan.read),
      decision: undefined,
    });
  } catch (thrown) {
    return { finding: findingOf(asIdraError(thrown)) };
  }
  const others = otherWriters(rows, sync).map((name) => tableShared(sync.spec, table, name));
  if (isLastDestination(sync.spec)) {
    return { offset: open.plan.existing ? await largestAtDestination(open, signal) : null, others };
  }
  const own = rows.find((row) => row.uid === sync.uid && row.table === table && !row.isClosed);
  return { offset: decodeStored(own?.offset ?? null), others };
}

function tableShared({ destination }: SyncSpec, table: string, other: string): Finding {
  return {
    severity: 'warning',
    code: 'TableShared',
    path: objectPath('destination', destination),
    message: `${table} is also written by the Sync ${other}: each may replace or update rows that the other wrote`,
    fix: 'give each Sync a table of its own',
  };
}

export type CheckInput = { readonly dataSource: DataSource } & Pick<RunContext, 'secrets' | 'definitionOf'>;

/** Connects to one system with its credentials. Throws what connecting throws. */
export async function checkSystem(input: CheckInput, signal: AbortSignal): Promise<SystemReport> {
  const connector = await input.definitionOf(input.dataSource.spec.type).load();
  const report = await connector.check(await resolveAccess(input.dataSource, input.secrets), signal);
  const findings = report.findings.slice(0, mostFindings);
  return { version: boundedText(report.version, versionBytes), findings: findings.map(boundedFinding) };
}

/** Version texts of servers are part of statuses, which have a limit. */
const versionBytes = 200;
const mostFindings = 100;

function boundedFinding(finding: Finding): Finding {
  const { message, fix } = finding;
  return {
    ...finding,
    message: boundedText(message),
    ...(fix !== undefined && { fix: boundedText(fix) }),
  };
}

/** Tables and columns that a user could sync. Throws what connecting throws. */
export async function discoverSystem(input: CheckInput, signal: AbortSignal): Promise<readonly Relation[]> {
  const connector = await input.definitionOf(input.dataSource.spec.type).load();
  return await connector.discover(await resolveAccess(input.dataSource, input.secrets), signal);
}

export function findingOf(error: IdraError): Finding {
  return {
    severity: 'error',
    code: error.code,
    message: error.message,
    path: error.path,
    fix: error.fix,
  };
}

/** Whether a Sync names these ends; `plan` and `check` use it to match the objects of a manifest. */
export function endsOf(
  sync: Sync,
  find: (namespace: string, name: string) => DataSource | undefined,
): { readonly source: DataSource; readonly destination: DataSource } | undefined {
  const source = find(sync.namespace, sync.spec.source.dataSource);
  const destination = find(sync.namespace, sync.spec.destination.dataSource);
  return source && destination ? { source, destination } : undefined;
}
