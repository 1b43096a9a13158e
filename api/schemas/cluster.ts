import { z } from 'zod';
import { definitions } from '../../connectors/catalog.ts';
import { dataSourceSpecSchema } from '../../core/manifest/data-source-schema.ts';
import { dataSourceStatusSchema } from '../../core/manifest/status-shape.ts';
import { agentStates } from '../../fleet/cluster.ts';
import { conditions, count, labels, paging, several, time } from './common.ts';
import { assignment, lock } from './syncs.ts';

const text = z.string().min(1).max(253);

export const dataSourceRow = z
  .strictObject({
    uid: z.string(),
    namespace: z.string(),
    name: z.string(),
    type: z.string(),
    objectField: z
      .string()
      .optional()
      .describe('Field of spec.source and spec.destination that names one of its objects: table, topic.'),
    modes: z.array(z.string()).optional().describe('Modes of Syncs that read from it.'),
    writeModes: z.array(z.string()).optional().describe('Write modes of Syncs that write to it.'),
    ready: z.enum(['True', 'False', 'Unknown']),
    reason: z.string(),
    message: z.string(),
    serverVersion: z.string().optional(),
    syncs: count().describe('Number of Syncs that use it.'),
    maxConcurrentSyncs: count().optional(),
    maxRowsPerSecond: count().optional(),
    slotsHeld: count(),
    slotsAwaited: count(),
    checkedAt: time().optional(),
    createdAt: z.string(),
    labels: labels.optional(),
  })
  .meta({ id: 'DataSourceRow' });

export const dataSourceQuery = z.strictObject({
  q: z.string().max(200).optional().describe('Words in name, type and message.'),
  namespace: several(text).optional(),
  type: several(text).optional(),
  ready: several(text).optional(),
  sort: z.enum(['name', '-name', 'type', '-type', 'syncs', '-syncs', 'ready', '-ready']).default('name'),
  ...paging,
});

export const dataSourceList = z.strictObject({
  items: z.array(dataSourceRow),
  total: count(),
  facets: z.strictObject({
    type: z.record(z.string(), count()),
    ready: z.record(z.string(), count()),
    namespace: z.record(z.string(), count()),
  }),
});

export const dataSourceObject = z
  .strictObject({
    apiVersion: z.string(),
    kind: z.literal('DataSource'),
    metadata: z.looseObject({
      name: z.string(),
      namespace: z.string(),
      uid: z.string(),
      generation: count(),
      creationTimestamp: z.string(),
    }),
    spec: z.unknown(),
    status: z.looseObject({ ...dataSourceStatusSchema.partial().shape, conditions }).optional(),
  })
  .meta({ id: 'DataSource', description: 'In the form of the Kubernetes API, as kubectl shows it.' });

export const dataSourceDetail = z
  .strictObject({
    object: dataSourceObject,
    row: dataSourceRow,
    version: z.string().describe('For If-Match; also the ETag.'),
    isReadOnly: z.boolean(),
    usedBy: z.array(z.string()).describe('Names of the Syncs that use it; at most 1,000.'),
    slots: z.array(lock),
  })
  .meta({ id: 'DataSourceDetail' });

export const dataSourceSpec = dataSourceSpecSchema(definitions).meta({ id: 'DataSourceSpec' });

export const agent = z
  .strictObject({
    name: z.string(),
    version: z.string(),
    labels,
    joinedAt: z.string(),
    isLeader: z.boolean(),
    state: z
      .enum(agentStates)
      .describe(
        'Cordoned, Draining and Drained: as users want it. Stopping: it was told to end, and gives its Syncs away.',
      ),
    hold: z
      .strictObject({
        mode: z.enum(['Cordoned', 'Draining']),
        by: z.string(),
        at: time(),
        passWaitSeconds: z.number(),
      })
      .optional()
      .describe('Who has cordoned or drained it.'),
    syncs: count().describe('Number of Syncs that it runs.'),
    midPass: count().describe('Of these, in the middle of a long pass, whose end a drain awaits.'),
    load: z.number().describe('Sum of the measured loads of its Syncs.'),
  })
  .meta({ id: 'Agent' });

export const agentList = z.strictObject({ items: z.array(agent), total: count() });

export const agentParams = z.strictObject({ agent: text });
export const holdBody = z.strictObject({
  mode: z.enum(['Cordoned', 'Draining']),
  passWaitSeconds: z
    .int()
    .min(0)
    .max(86_400)
    .default(300)
    .describe('Draining: how long the end of a long pass is awaited before its Sync is moved all the same.'),
});
export const movesBody = z.strictObject({
  action: z.enum(['cordon', 'drain', 'uncordon', 'rebalance']),
  agent: text.optional().describe('For all but rebalance.'),
});
const syncName = { uid: z.string(), namespace: z.string(), name: z.string() };
export const plannedMoves = z
  .strictObject({
    moves: z.array(
      z.strictObject({
        ...syncName,
        from: z.string().optional(),
        to: z.string(),
        isMidPass: z.boolean().describe('A drain moves it when its pass has ended.'),
      }),
    ),
    moveCount: count().describe('At most 500 are listed.'),
    withoutAgent: z
      .array(z.strictObject({ ...syncName, message: z.string() }))
      .describe('Syncs that run now and that no agent could run afterwards.'),
    withoutAgentCount: count(),
  })
  .meta({ id: 'PlannedMoves' });

export const assignmentQuery = z.strictObject({ agent: text.optional(), ...paging });
export const assignmentList = z.strictObject({ items: z.array(assignment), total: count() });

export const lockQuery = z.strictObject({
  agent: text.optional(),
  dataSource: text.optional().describe('`namespace/name`; only slots have one.'),
  ...paging,
});
export const lockList = z.strictObject({ items: z.array(lock), total: count() });

export const event = z
  .strictObject({
    id: z.string(),
    time: time(),
    type: z.enum([
      'StateChanged',
      'Moved',
      'Created',
      'Deleted',
      'SpecChanged',
      'AgentJoined',
      'AgentLeft',
      'LeaderChanged',
    ]),
    namespace: z.string().optional(),
    object: z.string().describe('`Sync team-a/orders`, `Agent a-0`.'),
    message: z.string(),
    by: z
      .strictObject({
        kind: z
          .enum(['user', 'fieldManager', 'file'])
          .describe(
            'A user of the API, the field manager that Kubernetes names, or the file of single mode.',
          ),
        name: z.string(),
      })
      .optional()
      .describe('Who has made or changed it, where that is known.'),
    isWarning: z.boolean(),
  })
  .meta({ id: 'Event' });

export const eventQuery = z.strictObject({
  namespace: text.optional(),
  object: z.string().max(600).optional(),
  limit: paging.limit,
  offset: paging.offset,
});
export const eventList = z.strictObject({ items: z.array(event), total: count() });
