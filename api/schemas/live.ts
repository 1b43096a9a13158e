import { z } from 'zod';
import { agent, dataSourceDetail, event } from './cluster.ts';
import { count } from './common.ts';
import { facets, syncDetail, syncRow } from './syncs.ts';

const topicText = z.string().min(1).max(1_500);

export const liveQuery = z.strictObject({
  topic: z
    .union([topicText, z.array(topicText).min(1).max(10)])
    .transform((given) => (Array.isArray(given) ? given : [given]))
    .describe(
      'What to watch: syncs?QUERY (as for the list), sync/NAMESPACE/NAME, datasource/NAMESPACE/NAME, datasources, agents, events, outage.',
    ),
  lastEventId: z.string().max(100).optional().describe('Instead of the header Last-Event-ID.'),
});

/** The data of a message. */
export const live = z
  .strictObject({
    topic: z.string().describe('As in the request.'),
    syncs: z
      .strictObject({
        rows: z.array(syncRow).describe('New and changed ones.'),
        order: z.array(z.string()).optional().describe('Uids of the whole page, where it has changed.'),
        total: count(),
        facets,
      })
      .optional(),
    sync: syncDetail.nullable().optional().describe('null: it is deleted.'),
    dataSource: dataSourceDetail.nullable().optional(),
    dataSources: z
      .string()
      .optional()
      .describe('Differs when the list of DataSources has changed, which then is read again.'),
    agents: z.array(agent).optional(),
    events: z.array(event).optional().describe('Newest first.'),
    outage: z
      .strictObject({ code: z.string(), message: z.string(), since: z.string() })
      .nullable()
      .optional()
      .describe('Why all this may be outdated; null: it is not.'),
  })
  .meta({ id: 'Live' });
