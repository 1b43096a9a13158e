import { z } from 'zod';
import {
  columnName,
  columnNames,
  durationText,
  labels,
  objectName,
  positiveDurationText,
  sizeText,
  text,
} from './fields.ts';

const tableText =
  'Table or view, with its schema if the system has schemas; split at dots outside double quotes: sales."Order.Items".';
const laterFields = {
  collection: text({ max: 255 })
    .optional()
    .describe('Collection of a MongoDB database; offered in a later version.'),
  topic: text({ max: 249 }).optional().describe('Topic of a Kafka cluster; offered in a later version.'),
  prefix: text({ max: 1_024 })
    .optional()
    .describe('Prefix of the keys in an S3 bucket; offered in a later version.'),
  path: text({ max: 2_048 }).optional().describe('Path of an HTTP API; offered in a later version.'),
  format: z
    .enum(['JSONLines', 'CSV', 'Parquet', 'JSON', 'Avro', 'Raw'])
    .optional()
    .describe('How rows are written in S3 objects or Kafka messages; offered in a later version.'),
  compression: z
    .enum(['None', 'Gzip', 'Zstd'])
    .optional()
    .describe('Compression of S3 objects; offered in a later version.'),
  method: z
    .enum(['GET', 'POST', 'PUT', 'PATCH', 'DELETE'])
    .optional()
    .describe('Method of an HTTP call; offered in a later version.'),
  bodyTemplate: text({ max: 16_384 })
    .optional()
    .describe('Body of an HTTP call; offered in a later version.'),
};

const source = z.strictObject({
  dataSource: objectName().describe('Name of the DataSource to read from, in the same namespace.'),
  table: text({ max: 512 }).optional().describe(tableText),
  query: text({ max: 65_536 })
    .optional()
    .describe('A SELECT to read instead of a table, without ORDER BY and LIMIT; requires source.key.'),
  key: columnNames()
    .optional()
    .describe(
      'Columns that identify a row: by default the primary key, else a unique index over columns that are NOT NULL.',
    ),
  idField: columnName()
    .optional()
    .describe('Column whose value increases with each new row, for modes Id and LastDestinationId.'),
  timestampField: columnName()
    .optional()
    .describe(
      'Column with the time of the last change of a row, for modes Timestamp and LastDestinationTimestamp.',
    ),
  timeZone: text({ max: 64 })
    .optional()
    .describe(
      'Time zone of a timestampField that has none of its own, by its IANA name: Europe/Rome; by default that of new sessions of this database and user.',
    ),
  ...laterFields,
  itemsPath: text({ max: 1_024 })
    .optional()
    .describe('Where the rows are in the answer of an HTTP API; offered in a later version.'),
  paging: z
    .looseObject({})
    .optional()
    .describe('How an HTTP API is read page by page; offered in a later version.'),
});

const destination = z.strictObject({
  dataSource: objectName().describe('Name of the DataSource to write to, in the same namespace.'),
  table: text({ max: 512 }).optional().describe(tableText),
  key: columnNames()
    .optional()
    .describe("Columns of the destination that identify a row, for Upsert: by default the source's key."),
  existingRows: z
    .enum(['Refuse', 'Keep'])
    .default('Refuse')
    .describe('Whether Append may add to rows that were in the table before its first pass.'),
  ...laterFields,
});

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
      .describe('Maximum rows of a batch, at most one for each 64 bytes of maxBytes.'),
    maxBytes: sizeText()
      .default('8Mi')
      .describe(
        'Maximum size of a batch in transit, at most a quarter of IDRA_MAX_BYTES_IN_FLIGHT; a larger row is sent in its own batch.',
      ),
  })
  .prefault({});

const transform = z.looseObject({});

/** The spec of a Sync, as a user writes it. */
export const syncSpecSchema = z.strictObject({
  source: source.describe('What to read.'),
  destination: destination.describe('Where to write.'),
  mode: z
    .enum(['Snapshot', 'Id', 'Timestamp', 'LastDestinationId', 'LastDestinationTimestamp', 'Stream'])
    .describe(
      'How a pass finds new rows. Snapshot: all rows in each pass; Id: rows above the last idField; Timestamp: rows above the last timestampField and key; LastDestination...: above the largest value at the destination; Stream: the change log of the system (offered in a later version).',
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
    .describe('What to do with columns of the source that are missing in the destination table.'),
  onError: z
    .enum(['Stop', 'Skip', 'DeadLetter'])
    .default('Stop')
    .describe(
      'What to do with a row that the destination cannot store. Stop: fail; Skip: skip and count it; DeadLetter is offered in a later version.',
    ),
  redactKeys: z
    .boolean()
    .default(false)
    .describe('true: messages about a row that cannot be written do not contain its key.'),
  deletes: z
    .enum(['Ignore', 'Hard', 'Soft'])
    .default('Ignore')
    .describe(
      'What to do with rows deleted at the source, in modes that detect deletions; Hard and Soft are offered in a later version.',
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
