import { z } from 'zod';
import { durationText, labels, positiveDurationText, sizeText, text } from './fields.ts';
import { destinationObject, sourceObject } from './object-schema.ts';

const schedule = z
  .strictObject({
    every: positiveDurationText()
      .optional()
      .describe('Time from the start of a pass to the start of the next: 10s.'),
    cron: text({
      max: 128,
      pattern: /^\S+( \S+){4,5}$/,
      says: 'write five or six fields with one space between: */5 * * * *',
    })
      .optional()
      .describe('Passes by a cron expression: */5 * * * *. Missed passes are replaced by one.'),
    timeZone: text({ max: 64 })
      .optional()
      .describe('Time zone of cron, by its IANA name: Europe/Rome; by default UTC.'),
    continuous: z
      .literal(true)
      .optional()
      .describe('true: while there are rows, passes follow each other without a pause.'),
    once: z.literal(true).optional().describe('true: one pass, then the Sync is Completed.'),
  })
  .default({ every: '10s' });

const batch = z
  .strictObject({
    maxRows: z
      .int()
      .min(1)
      .max(1_000_000)
      .default(50_000)
      .describe(
        'Maximum rows of a batch, at most one for each 64 bytes of maxBytes, and 8,000 where rows are converted between systems (16,000 from PostgreSQL to MySQL).',
      ),
    maxBytes: sizeText()
      .default('8Mi')
      .describe(
        'Maximum size of a batch in transit, at most a quarter of IDRA_MAX_BYTES_IN_FLIGHT, and 2Mi where rows are converted between systems (3Mi from PostgreSQL to MySQL); a larger row is sent in its own batch.',
      ),
  })
  .prefault({});

const transform = z.looseObject({});

/** The spec of a Sync, as a user writes it. */
export const syncSpecSchema = z.strictObject({
  source: sourceObject.describe('What to read.'),
  destination: destinationObject.describe('Where to write.'),
  mode: z
    .enum(['Snapshot', 'Id', 'Timestamp', 'LastDestinationId', 'LastDestinationTimestamp', 'Stream'])
    .describe(
      'How a pass finds new rows. Snapshot: all rows in each pass; Id: rows above the last idField; Timestamp: rows above the last timestampField and key; LastDestination...: above the largest value at the destination; Stream: the changes that the system itself records, for systems that do.',
    ),
  writeMode: z
    .enum(['Append', 'Upsert', 'Replace'])
    .default('Upsert')
    .describe(
      'Append: insert every row read; Upsert: insert or update by the key; Replace: a full snapshot that is swapped in when complete.',
    ),
  schedule: schedule.describe('When passes start: one of every, cron, continuous, once. They never overlap.'),
  batch: batch.describe(
    'How many rows are sent and committed together; the limit that is reached first applies.',
  ),
  safetyLag: durationText()
    .optional()
    .describe(
      'Minimum age of a row to be read, used if open transactions cannot be seen; default: 0s if they can be seen, else 5s.',
    ),
  suspend: z
    .boolean()
    .default(false)
    .describe('true: the Sync stops after the current batch until the value is false again.'),
  createTable: z
    .enum(['IfMissing', 'Never'])
    .default('IfMissing')
    .describe('Whether a missing destination table is created.'),
  schemaChanges: z
    .enum(['Fail', 'AddColumns', 'Ignore'])
    .default('Fail')
    .describe(
      'What to do with columns of the source that are missing in the destination table, and with new fields of records whose columns were inferred.',
    ),
  onError: z
    .enum(['Stop', 'Skip', 'DeadLetter'])
    .default('Stop')
    .describe(
      'What to do with a row that the destination cannot store, or a record that does not fit its columns. Stop: fail; Skip: skip and count it; DeadLetter is offered in a later version.',
    ),
  redactKeys: z
    .boolean()
    .default(false)
    .describe('true: messages about a row that cannot be written do not contain its key.'),
  deletes: z
    .enum(['Ignore', 'Hard', 'Soft'])
    .default('Ignore')
    .describe(
      'What to do with rows deleted at the source, in modes that detect deletions. Ignore: nothing; Hard: delete them; Soft: set _deleted_at, a column with the time of the deletion.',
    ),
  transforms: z
    .array(transform)
    .max(64)
    .optional()
    .describe('Changes applied to rows; offered in a later version.'),
  placement: z
    .strictObject({
      agentSelector: labels().optional().describe('Labels that an agent must have to run this Sync.'),
      weight: z
        .int()
        .min(1)
        .max(1_000)
        .optional()
        .describe('Load of this Sync relative to others; default: measured.'),
    })
    .optional()
    .describe('Which agents may run this Sync, and its load.'),
});

export type SyncManifestSpec = z.infer<typeof syncSpecSchema>;
