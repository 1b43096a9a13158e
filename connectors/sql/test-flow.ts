import assert from 'node:assert/strict';
import type { Batch, RowFormat } from '../../core/batch.ts';
import { planColumns } from '../../core/column-plan.ts';
import type {
  ClaimRequest,
  Connector,
  Destination,
  PassEnd,
  PassStart,
  ReadRequest,
  Source,
  SystemAccess,
  WritePlan,
  WriteResult,
} from '../../core/connector.ts';
import { softDeleteColumn } from '../../core/connector.ts';
import { IdraError } from '../../core/errors.ts';
import { withSoftDeletes } from '../../core/soft-deletes.ts';
import type {
  Deletes,
  DestinationObject,
  Mode,
  ObjectField,
  OnError,
  SourceObject,
  WriteMode,
} from '../../core/sync-spec.ts';
import type { Relation } from '../../core/values.ts';

/** For tests of the SQL connectors: one sync from table to table, planned like by the engine, but without an engine. */
export interface FlowEnds {
  /** Fields of the manifest that name the two objects; default: table. */
  readonly fields?: { readonly source: ObjectField; readonly destination: ObjectField };
  /** Fields of a Sync about an object of this name, for systems that need more than a name. */
  readonly objects?: TestObjects | undefined;
  /** Default: true. */
  readonly isSameSystem?: boolean;
  readonly connector: Pick<Connector<Destination>, 'types' | 'openSource' | 'openDestination'>;
  readonly source: SystemAccess;
  readonly destination: SystemAccess;
}

export interface TestObjects {
  source(name: string): Partial<SourceObject>;
  destination(name: string): Partial<DestinationObject>;
}

const noSignal = new AbortController().signal;
export const firstPass = { mode: 'Snapshot', pass: 1, key: null, isComplete: false } as const;

export interface FlowOptions {
  readonly from: string;
  readonly query?: string;
  readonly to: string;
  readonly mode?: Extract<Mode, 'Snapshot' | 'Id' | 'Timestamp' | 'Stream'>;
  readonly startFrom?: string;
  /** Of a source without fixed columns; omitted: inferred. */
  readonly columns?: SourceObject['columns'];
  /** Records travel as they are, between two systems of one kind. */
  readonly isWhole?: true;
  readonly deletes?: Deletes;
  readonly writeMode?: WriteMode;
  readonly sourceKey?: readonly string[];
  readonly key?: readonly string[];
  readonly idField?: string;
  readonly timestampField?: string;
  readonly timeZone?: string;
  readonly safetyLagMs?: number;
  readonly onError?: OnError;
  readonly rowFormat?: 'values' | 'best';
  readonly maxRows?: number;
  readonly maxBytes?: number;
  readonly uid?: string;
}

export interface Pass {
  readonly batches: readonly Batch[];
  readonly end: PassEnd;
}

/** Both ends of one sync, planned like by the engine. */
export interface Flow {
  readonly to: string;
  readonly source: Source;
  readonly destination: Destination;
  readonly request: ReadRequest;
  readonly plan: WritePlan;
  readonly rowFormat: RowFormat;
  claim(more?: Partial<ClaimRequest>): ReturnType<Destination['claim']>;
  /** One pass after `after`; for Snapshot including beginPass and endPass. */
  pass(after?: ReadRequest['after']): Promise<Pass>;
  /** What one pass reads; writes nothing. */
  read(after?: ReadRequest['after']): AsyncGenerator<Batch, PassEnd>;
  readAll(after?: ReadRequest['after']): Promise<Pass>;
  batches(after?: ReadRequest['after']): Promise<readonly Batch[]>;
  /** Begins the first Snapshot pass at the destination, and completes it. */
  begin(start?: Partial<PassStart>): Promise<void>;
  write(batch: Batch | undefined): Promise<WriteResult>;
  end(): Promise<WriteResult>;
  close(): Promise<void>;
}

export async function openFlow(ends: FlowEnds, options: FlowOptions): Promise<Flow> {
  const { query, from, to, mode = 'Snapshot', idField, timestampField, timeZone = 'UTC' } = options;
  const { connector, fields = { source: 'table', destination: 'table' } } = ends;
  const object: SourceObject = {
    ...(query === undefined ? (ends.objects?.source(from) ?? { [fields.source]: from }) : { query }),
    ...(options.startFrom !== undefined && { startFrom: options.startFrom }),
    ...(options.columns && { columns: options.columns }),
    ...(options.isWhole && { isWhole: true }),
    ...(options.sourceKey && { key: options.sourceKey }),
    ...(idField !== undefined && { idField }),
    ...(timestampField !== undefined && { timestampField }),
    timeZone,
  };
  const source = await connector.openSource(ends.source, object, noSignal);
  const destination = await connector.openDestination(
    ends.destination,
    { ...(ends.objects?.destination(to) ?? { [fields.destination]: to }), existingRows: 'Keep' },
    noSignal,
  );
  const described = Promise.all([source.describe(noSignal), destination.describe(noSignal)]);
  const [relation, existing] = await described.catch(async (error: unknown) => {
    await Promise.all([source.close(), destination.close()]);
    throw error;
  });
  const sourceKey = options.sourceKey ?? relation.keys[0]?.columns ?? [];
  const plan = planWrites(ends, options, relation, existing, sourceKey);
  const columns = plan.columns.columns
    .filter(({ name }) => name !== softDeleteColumn)
    .map((each) => ({ column: each.source }));
  const requests = options.rowFormat === 'values' ? [] : destination.rawRequests(plan);
  const rowFormat: RowFormat = requests.find((each) => source.canServe(each, columns)) ?? {
    format: 'values',
  };
  const request: ReadRequest = {
    relation,
    columns,
    mode,
    key: mode === 'Id' ? [idField ?? ''] : sourceKey,
    ...(timestampField !== undefined && { timestampField }),
    timeZone,
    after: null,
    limits: { maxRows: options.maxRows ?? 50_000, maxBytes: options.maxBytes ?? 8 * 1024 * 1024 },
    rowFormat,
    ...(plan.deletes !== 'Ignore' && { wantsDeletions: true }),
    ...(options.safetyLagMs !== undefined && { safetyLagMs: options.safetyLagMs }),
  };
  const flow = { to, source, destination, request, plan, rowFormat };
  return { ...flow, ...readerOf(source, request), ...writerOf(flow) };
}

type Planned = Pick<Flow, 'source' | 'destination' | 'request' | 'plan' | 'rowFormat'>;

function readerOf(source: Source, request: ReadRequest): Pick<Flow, 'read' | 'readAll' | 'batches'> {
  const read: Flow['read'] = (after = startOf(request)) => source.read({ ...request, after }, noSignal);
  return {
    read,
    readAll: (after) => readAll(read(after)),
    batches: async (after) => (await readAll(read(after))).batches,
  };
}

function writerOf(flow: Planned): Pick<Flow, 'claim' | 'pass' | 'begin' | 'write' | 'end' | 'close'> {
  const { source, destination, request, plan, rowFormat } = flow;
  const claim: ClaimRequest = {
    plan,
    rowFormat,
    name: 'test/sync',
    fingerprint: 'm',
    token: 'next',
    offset: 'keep',
    keepsOffset: true,
  };
  return {
    claim: (more = {}) => destination.claim({ ...claim, ...more }, noSignal),
    pass: (after = startOf(request)) => runPass(source, destination, { ...request, after }),
    begin: (more = {}) =>
      destination.beginPass({ pass: 1, isResumed: false, isAtomic: false, ...more }, noSignal),
    write: (batch) => {
      assert.ok(batch, 'a batch was expected');
      return destination.write(batch, noSignal);
    },
    end: () => destination.endPass({ ...firstPass, isComplete: true }, noSignal),
    async close() {
      await Promise.all([source.close(), destination.close()]);
    },
  };
}

const startOf = ({ mode }: ReadRequest) => (mode === 'Snapshot' ? firstPass : null);

export async function readAll(reading: AsyncGenerator<Batch, PassEnd>): Promise<Pass> {
  const batches: Batch[] = [];
  for (;;) {
    const next = await reading.next();
    if (next.done) return { batches, end: next.value };
    batches.push(next.value);
  }
}

function planWrites(
  { connector, isSameSystem = true }: FlowEnds,
  { uid, to, onError = 'Stop', writeMode = 'Upsert', ...options }: FlowOptions,
  source: Relation,
  existing: Relation | null,
  sourceKey: readonly string[],
): WritePlan {
  const key = options.key ?? sourceKey;
  const { deletes = 'Ignore' } = options;
  const columns = planColumns({
    source: withSoftDeletes(source, { deletes }),
    ...(deletes === 'Soft' && { own: softDeleteColumn }),
    existing,
    types: connector.types,
    isSameSystem,
    key,
    schemaChanges: 'AddColumns',
    paths: { source: 'spec.source.table', destination: 'spec.destination.table' },
    columnsField: 'source.query',
  });
  return {
    uid: uid ?? `uid-${to}`,
    writeMode,
    columns,
    key,
    existing,
    onError,
    deletes,
    redactsKeys: false,
    hasUniqueKey: key.length > 0,
  };
}

async function runPass(
  source: Source,
  destination: Destination,
  request: ReadRequest,
): ReturnType<Flow['pass']> {
  const { after, key } = request;
  if (after?.mode === 'Snapshot') {
    const start = { pass: after.pass, isResumed: after.key !== null, isAtomic: key.length === 0 };
    await destination.beginPass(start, noSignal);
  }
  const reading = source.read(request, noSignal);
  const batches: Batch[] = [];
  for (;;) {
    const next = await reading.next();
    if (next.done) {
      if (after?.mode === 'Snapshot')
        await destination.endPass({ ...after, key: null, isComplete: true }, noSignal);
      return { end: next.value, batches };
    }
    batches.push(next.value);
    await destination.write(next.value, noSignal);
  }
}

export function isFenced(error: unknown): boolean {
  return error instanceof IdraError && error.disposition === 'fenced';
}
