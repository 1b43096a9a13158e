import { z } from 'zod';
import { syncStatusSchema } from '../../core/manifest/status-shape.ts';
import { syncSpecSchema } from '../../core/manifest/sync-schema.ts';
import { conditions, count, finding, labels, paging, several, time } from './common.ts';

export const syncStates = [
  'Failed',
  'Running',
  'Pending',
  'Waiting',
  'Deleting',
  'Completed',
  'Suspended',
] as const;

const end = z.strictObject({ dataSource: z.string(), object: z.string() });

/** A line of the list: what is needed to see what is wrong, and where. */
export const syncRow = z
  .strictObject({
    uid: z.string(),
    namespace: z.string(),
    name: z.string(),
    source: end,
    destination: end,
    mode: z.string(),
    state: z.enum(syncStates),
    reason: z.string().describe('Of the condition Ready, as kubectl shows it.'),
    message: z.string().describe('First line of the message.'),
    attention: z
      .enum(['failed', 'lagging', 'none'])
      .describe('Whether somebody should look: failed, or behind its schedule.'),
    agent: z.string(),
    rows: count().describe('Rows written since the Sync started from the beginning.'),
    rowsPerSecond: z.number().optional(),
    lagSeconds: z.number().optional(),
    lag: z.string().describe('As kubectl shows it.'),
    errorCode: z.string().optional(),
    isSuspended: z.boolean(),
    lastSyncTime: time().optional(),
    createdAt: z.string(),
    labels: labels.optional(),
  })
  .meta({ id: 'SyncRow' });

export const facets = z
  .strictObject({
    state: z.record(z.string(), count()),
    attention: z.record(z.string(), count()),
    source: z.record(z.string(), count()),
    destination: z.record(z.string(), count()),
    mode: z.record(z.string(), count()),
    agent: z.record(z.string(), count()),
    namespace: z.record(z.string(), count()),
  })
  .meta({
    id: 'SyncFacets',
    description: 'Counts by value, each with all filters but that of its own field; at most 100 values each.',
  });

export const syncSorts = [
  'attention',
  'name',
  'state',
  'lag',
  'rate',
  'rows',
  'lastSync',
  'created',
  'source',
  'destination',
  'agent',
] as const;

const text = z.string().min(1).max(253);

export const syncQuery = z.strictObject({
  q: z
    .string()
    .max(500)
    .optional()
    .describe(
      'Search: words in name, source, destination and message, and terms such as state:Failed, lag:>1m, source:shop, label:team=a, -agent:a.',
    ),
  namespace: several(text).optional(),
  state: several(text).optional(),
  attention: several(text).optional(),
  source: several(text).optional().describe('Name of the DataSource.'),
  destination: several(text).optional().describe('Name of the DataSource.'),
  mode: several(text).optional(),
  agent: several(text).optional(),
  label: several(text).optional().describe('`name=value`, or `name`.'),
  sort: z
    .enum(syncSorts.flatMap((each) => [each, `-${each}`] as const))
    .default('attention')
    .describe('With - before it descending.'),
  ...paging,
});

export const syncList = z.strictObject({
  items: z.array(syncRow),
  total: count().describe('Number of matches, over all pages.'),
  facets,
  generation: z.string().describe('Of the data; sent with live updates.'),
  findings: z.array(finding).describe('What is wrong with the search.'),
});

export const assignment = z
  .strictObject({
    uid: z.string(),
    namespace: z.string().optional(),
    name: z.string().optional(),
    agent: z.string(),
    assignedAt: z.string(),
    recentMoves: count().optional(),
  })
  .meta({ id: 'Assignment' });

export const lock = z
  .strictObject({
    kind: z.enum(['sync', 'slot']),
    uid: z.string(),
    sync: z.string().describe('`namespace/name`, or the uid if the Sync no longer exists.'),
    dataSource: z.string().optional().describe('For a slot: `namespace/name` of the DataSource.'),
    agent: z.string(),
    token: z.string().optional().describe('Fencing token: epoch and revision.'),
    isWaiting: z.boolean().describe('The slot is awaited, not held.'),
  })
  .meta({ id: 'Lock' });

const metadata = z.looseObject({
  name: z.string(),
  namespace: z.string(),
  uid: z.string(),
  generation: count(),
  creationTimestamp: z.string(),
});

export const syncObject = z
  .strictObject({
    apiVersion: z.string(),
    kind: z.literal('Sync'),
    metadata,
    spec: z.unknown().describe('As in the manifest, with defaults.'),
    status: z.looseObject({ ...syncStatusSchema.partial().shape, conditions }).optional(),
  })
  .meta({ id: 'Sync', description: 'In the form of the Kubernetes API, as kubectl shows it.' });

export const fieldOwner = z
  .strictObject({
    path: z.string().describe('Field: `spec.schedule.every`.'),
    manager: z.string().describe('Who set it last: helm, argocd-controller, kubectl...'),
  })
  .meta({ id: 'FieldOwner' });

export const syncDetail = z
  .strictObject({
    object: syncObject,
    row: syncRow,
    version: z.string().describe('For If-Match; also the ETag.'),
    isReadOnly: z.boolean().describe('Definitions cannot be changed here: single mode.'),
    assignment: assignment.optional(),
    lock: lock.optional(),
    slots: z.array(lock).describe('Slots of DataSources that it holds or waits for.'),
  })
  .meta({ id: 'SyncDetail' });

export const request = z
  .strictObject({
    type: z.string(),
    id: z.string(),
    by: z.string().optional(),
    offset: z.strictObject({ value: z.string(), expect: z.string() }).optional(),
  })
  .meta({ id: 'Request' });

export const requestAnswer = z
  .strictObject({
    type: z.string(),
    id: z.string(),
    state: z.enum(['Accepted', 'Done', 'Refused']),
    message: z.string(),
    time: z.string(),
  })
  .meta({ id: 'RequestAnswer' });

export const requestList = z.strictObject({
  pending: z.array(request).describe('Not executed yet.'),
  answers: z.array(requestAnswer).describe('The last answer to each type of request.'),
});

export const offsetEntry = z
  .strictObject({
    time: z.string(),
    by: z.string(),
    action: z.enum(['set', 'restart', 'undo', 'keep-offset']),
    from: z.string().describe('In the form of offsets, or none.'),
    to: z.string(),
  })
  .meta({ id: 'OffsetEntry' });

export const offset = z
  .strictObject({
    offset: z
      .string()
      .describe('The stored offset, in the form that setting it expects; none if there is none.'),
    isSuspended: z.boolean().describe('It can be set only while the Sync is suspended.'),
    history: z.array(offsetEntry).nullable().describe('Manual changes, oldest first; null: not known here.'),
  })
  .meta({ id: 'Offset' });

export const syncSpec = syncSpecSchema.meta({ id: 'SyncSpec' });
