import { z } from 'zod';
import type { SyncStatus } from '../status.ts';
import { formatLag, formatRate, knownLagSeconds } from '../sync-row.ts';
import { type Given, pick } from './pick.ts';

/**
 * The status of the custom resources in the API: schema, type, and the mapping from the report of a Sync's lock holder. No limits here,
 * so that a status is never refused for its length.
 *
 * Code that writes a status (the operator; `idra get -o json` without Kubernetes) uses `syncStatusShape` or `dataSourceStatusShape` and
 * adds the conditions itself, because they depend on the previous ones (lastTransitionTime).
 */
const time = () => z.string().meta({ format: 'date-time' });
const count = () => z.int().min(0).max(Number.MAX_SAFE_INTEGER);

const condition = z.strictObject({
  type: z.string().describe('Ready, Reconciling or Stalled.'),
  status: z.enum(['True', 'False', 'Unknown']).describe('True, False or Unknown.'),
  observedGeneration: count().optional().describe('Generation of the spec that the condition refers to.'),
  lastTransitionTime: time().describe('When status last changed.'),
  reason: z.string().describe('Reason as one word.'),
  message: z.string().describe('Human-readable reason; if something is wrong, also what to do.'),
});

const conditions = z
  .array(condition)
  .meta({ 'x-kubernetes-list-type': 'map', 'x-kubernetes-list-map-keys': ['type'] })
  .optional();

const bound = z.strictObject({
  kind: z
    .enum(['transactions', 'singleWriter', 'log', 'safetyLag', 'none'])
    .describe(
      'What determines how far it is safe to read: open transactions, a single writer, the order of the change log, the safety lag, or nothing.',
    ),
  because: z.string().optional().describe('Why no stronger bound applies.'),
  heldBackBy: z
    .strictObject({
      what: z.string().describe('The transaction, as named by the system.'),
      since: time().describe('Start of the transaction.'),
    })
    .optional()
    .describe('What currently holds newer rows back.'),
});

const lastError = z.strictObject({
  code: z.string().describe('Error code.'),
  message: z.string().describe('What happened and what to do.'),
  time: time().describe('When.'),
  count: count().describe('Number of consecutive occurrences.'),
  isTransient: z.boolean().describe('Whether it is retried automatically.'),
});

const request = z.strictObject({
  type: z.string().describe('Type of the request: run-now, restart, keep-offset, offset...'),
  id: z.string().describe('Value of the annotation of the request.'),
  state: z.enum(['Accepted', 'Done', 'Refused']).describe('State of the request.'),
  message: z.string().describe('Result.'),
  time: time().describe('When.'),
});

export const syncStatusSchema = z.strictObject({
  observedGeneration: count().optional().describe('Generation of the spec that this status refers to.'),
  state: z
    .enum(['Pending', 'Running', 'Waiting', 'Suspended', 'Completed', 'Failed', 'Deleting'])
    .optional()
    .describe(
      'Waiting: between passes, or before a retry. Failed: action required. Deleting: cleanup is not complete.',
    ),
  message: z.string().optional().describe('State in one sentence.'),
  agent: z.string().optional().describe('Agent that runs it.'),
  rows: z
    .strictObject({
      read: count().describe('Rows read since the Sync started from the beginning.'),
      written: count().describe('Rows written since the Sync started from the beginning.'),
      deleted: count().describe('Rows deleted since the Sync started from the beginning.'),
      rejected: count().describe('Rows that the destination could not store; see warnings.'),
    })
    .optional()
    .describe(
      'Rows since the Sync started from the beginning (its first pass, or the request restart); restarts of agents do not reset it.',
    ),
  rate: z.string().optional().describe('Rows per second, measured over the last seconds of activity.'),
  lagSeconds: z
    .number()
    .min(0)
    .optional()
    .describe('How far the destination is behind the source, in seconds.'),
  lag: z.string().optional().describe('The same, human-readable.'),
  observedAt: time().optional().describe('Time of the observation.'),
  offset: z
    .string()
    .optional()
    .describe(
      'Stored offset, in the format of `idra offset set`; a very long one by its beginning and its hash.',
    ),
  lastSyncTime: time().optional().describe('Time of the last commit of rows.'),
  lastPassTime: time().optional().describe('Time of the last pass.'),
  nextPassTime: time().optional().describe('When the next pass is due.'),
  fencingToken: z.string().optional().describe('Epoch and revision: the destination refuses a lower one.'),
  guarantee: z
    .enum(['ExactlyOnce', 'AtLeastOnce'])
    .optional()
    .describe('Delivery guarantee of this source and destination.'),
  bound: bound.optional().describe('How far it is safe to read, so that no late row is lost.'),
  parts: z
    .array(
      z.strictObject({
        name: z.string().describe('Name of the part: topic and partition.'),
        offset: z.string().describe('Next record to read.'),
        end: z.string().describe('Where the records ended at the last pass.'),
        waiting: count().describe('Records between the two, at most.'),
      }),
    )
    .max(100)
    .optional()
    .describe('Positions of the parts of a source, such as partitions, when the last pass ended.'),
  lastError: lastError.optional().describe('The last error, until it is resolved.'),
  overdueSince: time()
    .optional()
    .describe('Time since which a due pass has made no progress; message says what it waits for.'),
  warnings: z.array(z.string()).optional().describe('Warnings.'),
  requests: z.array(request).optional().describe('The last result of each type of request.'),
  conditions: conditions.describe('Ready, Reconciling and Stalled.'),
});

export const dataSourceStatusSchema = z.strictObject({
  observedGeneration: count().optional().describe('Generation of the spec that this status refers to.'),
  type: z.string().optional().describe('The system, by the name of its field in the spec.'),
  serverVersion: z.string().optional().describe('Version of the server at the last check.'),
  syncs: count().optional().describe('Number of Syncs that use it.'),
  message: z.string().optional().describe('State in one sentence.'),
  agent: z.string().optional().describe('Agent that last checked it.'),
  lastCheckTime: time().optional().describe('Time of the last check.'),
  conditions: conditions.describe('Ready: an agent has reached the system with these credentials.'),
});

export type SyncResourceStatus = Given<z.infer<typeof syncStatusSchema>>;
export type DataSourceResourceStatus = Given<z.infer<typeof dataSourceStatusSchema>>;

/** Everything except the conditions (their states are computed in core/sync-conditions.ts). */
export function syncStatusShape(status: SyncStatus): SyncResourceStatus {
  const { rowsPerSecond, bound, requests, warnings } = status;
  const lagSeconds = knownLagSeconds(status);
  return {
    observedGeneration: status.observedGeneration,
    state: status.state,
    message: status.message,
    rows: status.rows,
    observedAt: status.observedAt,
    ...pick(status, ['agent', 'lastSyncTime', 'lastPassTime', 'nextPassTime', 'overdueSince']),
    ...pick(status, ['fencingToken', 'guarantee']),
    ...(status.offsetText ? { offset: status.offsetText } : {}),
    ...(rowsPerSecond ? { rate: formatRate(rowsPerSecond) } : {}),
    ...(lagSeconds === undefined ? {} : { lagSeconds, lag: formatLag(lagSeconds) }),
    ...(bound ? { bound: { ...bound } } : {}),
    ...(status.parts ? { parts: [...status.parts] } : {}),
    ...(status.lastError ? { lastError: status.lastError } : {}),
    ...(requests ? { requests: [...requests] } : {}),
    ...(warnings ? { warnings: [...warnings] } : {}),
  };
}

/** Result of the last check of a DataSource; times are ISO 8601 UTC. */
export interface CheckedDataSource {
  readonly type: string;
  /** Number of Syncs that use it. */
  readonly syncs: number;
  readonly report?: {
    readonly generation: number;
    readonly serverVersion?: string;
    readonly message: string;
    readonly agent: string;
    readonly checkedAt: string;
  };
}

/** Everything except the conditions. */
export function dataSourceStatusShape({ type, syncs, report }: CheckedDataSource): DataSourceResourceStatus {
  if (!report) return { type, syncs };
  return {
    type,
    syncs,
    observedGeneration: report.generation,
    ...pick(report, ['serverVersion']),
    message: report.message,
    agent: report.agent,
    lastCheckTime: report.checkedAt,
  };
}
