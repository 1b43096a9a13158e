import { z } from 'zod';
import { count, time } from './common.ts';

export const trendQuery = z.strictObject({
  range: z
    .enum(['1h', '7d'])
    .default('1h')
    .describe('An hour in steps of 10 s, or a week in steps of 10 min.'),
});

const source = z
  .enum(['agents', 'prometheus'])
  .describe('Where the points come from: what agents have recorded, or IDRA_PROMETHEUS_URL.');

export const trend = z
  .strictObject({
    stepSeconds: count(),
    source,
    points: z
      .array(
        z.strictObject({
          time: time().describe('End of the interval.'),
          rate: z.number().describe('Rows per second.'),
          lag: z.number().optional().describe('Seconds; missing: not known.'),
          isFailing: z.boolean(),
        }),
      )
      .describe(
        'Oldest first; intervals in which nothing was recorded are missing. Values are exact to 3.5%.',
      ),
  })
  .meta({ id: 'Trend' });

export const totalTrend = z
  .strictObject({
    stepSeconds: count(),
    source,
    points: z.array(
      z.strictObject({
        time: time(),
        rate: z.number().describe('Rows per second of all Syncs.'),
        worstLag: z.number().describe('Seconds.'),
        failing: count().describe('Number of Syncs that were failing.'),
        syncs: count().describe('Number of Syncs with a point.'),
      }),
    ),
  })
  .meta({ id: 'TotalTrend' });

export const lagTrends = z
  .strictObject({
    stepSeconds: count(),
    source,
    until: time().describe('End of the last interval, which has not ended yet.'),
    items: z.array(
      z.strictObject({
        uid: z.string(),
        lags: z
          .array(z.number().nullable())
          .describe('The worst lag of each interval in seconds, oldest first; null: not known.'),
      }),
    ),
  })
  .meta({ id: 'LagTrends' });
