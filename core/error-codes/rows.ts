import type { ErrorEntries } from './entry.ts';

/** Single rows: values, constraints, triggers, row-level security. */
export const rowCodes = {
  CharacterNotKept: {
    cause: "A text has a character that the character set of the destination's column does not have.",
    remedy:
      'Change the column to utf8mb4 (ALTER TABLE ... MODIFY), correct the row at the source, or set onError to Skip.',
    systems: ['MySQL', 'MariaDB', 'SQL Server'],
  },
  ConstraintViolated: {
    cause: 'A constraint of the destination table refuses a row.',
    remedy: 'Correct the row at the source or the constraint at the destination, or set onError to Skip.',
  },
  NameInFunctionNotFound: {
    cause:
      'A function that a trigger, view or policy of a table calls names a table, type, function or operator without its schema: sessions of Idra search only pg_catalog.',
    remedy:
      'ALTER FUNCTION ... SET search_path = ..., or set parameters.search_path of the DataSource where only trusted roles may create in its schemas.',
    systems: ['PostgreSQL'],
  },
  PartitionMissing: {
    cause: 'No partition of the destination table accepts the row.',
    remedy: 'Create the partition, or a DEFAULT one.',
    systems: ['PostgreSQL', 'MySQL', 'MariaDB'],
  },
  RaisedByTrigger: {
    cause:
      'A trigger or function of the database raised an error. Its text may contain row data and is not shown.',
    remedy: "Read the text in the server's log, and correct the rows or the trigger.",
  },
  RecordBatchDamaged: {
    cause: 'A batch of messages is damaged, or has a format that this version does not read.',
    remedy: 'Check the disks of the brokers; or set the offset behind the batch: idra offset set NAME VALUE.',
    systems: ['Apache Kafka'],
  },
  RecordMisfit: {
    cause:
      'A value of a record does not fit its column, or a column that is not nullable has no value in it.',
    remedy:
      'Give the column a type that keeps the value in source.columns (json keeps every value), correct the record, or set onError to Skip.',
  },
  RecordUnreadable: {
    cause: 'A record does not have the format of the source, such as a text that is not JSON.',
    remedy: 'Correct the record or source.format, or set onError to Skip.',
  },
  RowRefused: {
    cause: 'The API to which rows are sent refuses one of them: by its status, or by a result in its answer.',
    remedy: 'Correct the row at the source or bodyTemplate, or set onError to Skip.',
    systems: ['HTTP'],
  },
  RowSecurity: {
    cause: 'Row-level security hides rows of the source from the user.',
    remedy:
      'PostgreSQL: grant a role with BYPASSRLS. SQL Server: change the predicates of the policies. Or add a policy that shows all rows to the user.',
    systems: ['PostgreSQL', 'SQL Server'],
  },
  RowTooLarge: {
    cause: 'A row is larger than the server accepts.',
    remedy:
      'Raise the limit above the largest row: max_allowed_packet of MySQL and MariaDB, max.message.bytes of a topic of Kafka.',
    systems: ['MySQL', 'MariaDB', 'Apache Kafka'],
  },
  TriggersMayChange: {
    cause:
      'The destination table has triggers that fire for each written row and may change it or other rows.',
    remedy: 'Drop or disable them, or ensure that they do not change the columns of the source.',
    systems: ['PostgreSQL', 'MySQL', 'MariaDB', 'SQLite', 'SQL Server'],
  },
  TriggersNotFired: {
    cause: 'Replace keeps the triggers of the table but does not fire them for its rows.',
    remedy: 'Use Upsert if the triggers must fire.',
    systems: ['SQLite'],
  },
  TriggersNotSeen: {
    cause: 'The server does not show to this user whether the destination table has triggers.',
    remedy: 'GRANT the right TRIGGER in that database, or ensure that no trigger changes the rows.',
    systems: ['MySQL', 'MariaDB'],
  },
  ValueNotKept: {
    cause: 'The destination column cannot keep a value of a row.',
    remedy: 'Correct the value at the source, widen the column, or set onError to Skip.',
  },
  ValuesMasked: {
    cause:
      'Columns of the source have dynamic data masking, and the user has no right to see the values; or they are encrypted by clients (Always Encrypted): other values would be copied.',
    remedy: 'GRANT UNMASK to the user, or leave the columns out with source.query.',
    systems: ['SQL Server'],
  },
} as const satisfies ErrorEntries;
