import { z } from 'zod';
import { columnName, columnNames, objectName, sizeText, text } from './fields.ts';
import { httpDestinationFields, httpSourceFields } from './http-fields.ts';
import { storedDestinationFields, storedSourceFields } from './stored-object-fields.ts';

const tableText =
  'Table or view, with its schema if the system has schemas; split at dots outside double quotes: sales."Order.Items".';
const recordColumn = z.strictObject({
  name: columnName().describe('Name of the column.'),
  path: z
    .string()
    .max(512)
    .optional()
    .describe(
      'Where the value is in a record: names with dots between them, [0] for an element, a backslash before a dot in a name; empty: the whole record; default: the field with the name of the column.',
    ),
  type: text({ max: 1_024 }).describe(
    'Canonical type: text, int64, decimal(18,2), timestamp with time zone, json (docs/columns.md).',
  ),
  nullable: z
    .boolean()
    .default(true)
    .describe('true: NULL where a record has no value; false: such a record is handled by onError.'),
});

/** Fields of systems whose objects contain records without fixed columns. */
const recordFields = {
  columns: z
    .array(recordColumn)
    .min(1)
    .max(500)
    .meta({ 'x-kubernetes-list-type': 'map', 'x-kubernetes-list-map-keys': ['name'] })
    .optional()
    .describe(
      'Columns to take from records; by default they are inferred from a sample and kept until the Sync is restarted.',
    ),
  sample: z
    .int()
    .min(1)
    .max(100_000)
    .optional()
    .describe('Maximum number of records from which columns are inferred; default: 1000.'),
  metadata: z
    .array(text({ max: 64, pattern: /^[a-z][A-Za-z0-9]*$/, says: 'write a name like offset or timestamp' }))
    .min(1)
    .max(16)
    .optional()
    .describe(
      'Extra columns with what the system knows of a record, named with _ in front: offset is _offset.',
    ),
  startFrom: text({
    max: 32,
    pattern: /^(Earliest|Latest|Now|\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}(\.\d{1,9})?Z)$/,
    says: 'write Earliest, Latest, Now, or a time in UTC: 2026-11-24T08:00:00Z',
  })
    .optional()
    .describe(
      'Where mode Stream begins: Earliest, Latest, Now or a time, as far as the system supports them; by default it begins with everything that is there.',
    ),
};

const objectFields = {
  collection: text({ max: 255 }).optional().describe('Collection of a MongoDB database.'),
  topic: text({ max: 249 })
    .optional()
    .describe(
      'Topic of a Kafka cluster; as a source also a pattern in which * stands for any characters, such as shop.* for several topics.',
    ),
  prefix: text({ max: 1_024 }).optional().describe('Prefix of the keys in an S3 bucket.'),
  format: z
    .enum(['JSONLines', 'CSV', 'Parquet', 'JSON', 'Avro', 'Raw'])
    .optional()
    .describe(
      'How rows are written: JSON (default), Avro or Raw in Kafka messages; JSONLines (default), CSV, Parquet or Raw (each object is one row) in S3 objects.',
    ),
  compression: z
    .enum(['None', 'Gzip', 'Snappy', 'LZ4', 'Zstd'])
    .optional()
    .describe(
      'Compression of messages or objects; default: None, of Parquet Snappy, and of objects that are read by the end of their names.',
    ),
};

/** Fields of systems of messages. */
const messageSource = {
  envelope: z
    .enum(['None', 'Debezium'])
    .optional()
    .describe('Debezium: messages are change events of Debezium, read as rows and deletions.'),
  consumerGroup: text({ max: 255 })
    .optional()
    .describe(
      'Group to which positions are committed for tools that show the lag of groups; by default one named after DataSource and topic. Idra does not read it.',
    ),
};

const messageDestination = {
  numbersAsText: z
    .boolean()
    .optional()
    .describe('true: integers and decimals are written as texts, for readers that would round them.'),
  partitions: z
    .int()
    .min(1)
    .max(10_000)
    .optional()
    .describe('Partitions of a topic that is created; default: that of the brokers.'),
  replicationFactor: z
    .int()
    .min(1)
    .max(32)
    .optional()
    .describe('Replicas of a topic that is created; default: that of the brokers.'),
  topicConfig: z
    .record(text({ max: 128 }), z.string().max(1_024))
    .meta({ maxProperties: 32 })
    .optional()
    .describe('Settings of a topic that is created: cleanup.policy: compact.'),
  messageHeaders: z
    .boolean()
    .optional()
    .describe('true: each message has the headers idra-sync and idra-offset.'),
  messageBatch: sizeText()
    .optional()
    .describe(
      'Maximum size of a batch of messages before compression, at most max.message.bytes of the topic; default: 1000Ki.',
    ),
};

export const sourceObject = z.strictObject({
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
  filter: text({ max: 65_536 })
    .optional()
    .describe(
      'Condition of documents to read from a MongoDB collection, in Extended JSON: { "status": "paid" }.',
    ),
  ...recordFields,
  ...objectFields,
  ...messageSource,
  ...httpSourceFields,
  ...storedSourceFields,
});

export const destinationObject = z.strictObject({
  dataSource: objectName().describe('Name of the DataSource to write to, in the same namespace.'),
  table: text({ max: 512 }).optional().describe(tableText),
  key: columnNames()
    .optional()
    .describe("Columns of the destination that identify a row, for Upsert: by default the source's key."),
  existingRows: z
    .enum(['Refuse', 'Keep'])
    .default('Refuse')
    .describe('Whether Append may add to rows that were in the table before its first pass.'),
  ...objectFields,
  ...messageDestination,
  ...httpDestinationFields,
  ...storedDestinationFields,
});
