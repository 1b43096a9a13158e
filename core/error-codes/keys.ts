import type { ErrorEntries } from './entry.ts';

/** Keys and fields by which rows are identified, ordered and read. */
export const keyCodes = {
  DeleteKeyDiffers: {
    cause:
      'deletes is Hard or Soft, and the key at the destination is not the key by which the source names deleted rows.',
    remedy: 'Use the key of the source as destination.key, or set deletes to Ignore.',
  },
  DestinationFieldDiffers: {
    cause:
      'The field that a LastDestination mode reads the largest value of, or a column of the key beside it, has another type or order at the destination.',
    remedy: 'Give both the same type, precision and collation, or use mode Id or Timestamp.',
  },
  FieldNotFound: {
    cause: 'The relation has no column of the name that idField, timestampField or a key refers to.',
    remedy: 'Use one of the columns that the message lists.',
  },
  FieldNotIndexed: {
    cause: 'No index of a large table begins with the field that the mode reads by.',
    remedy: 'Create an index over the field and the key.',
  },
  FieldNotOrdered: {
    cause: 'The values of the field have no usable ascending order.',
    remedy: 'Use an integer or another ascending field, or mode Timestamp or Snapshot.',
  },
  FieldNotTimestamp: {
    cause: 'The timestampField is not a timestamp.',
    remedy: 'Name a timestamp column, or use mode Id.',
  },
  FieldNullable: {
    cause: 'The field that the mode reads by may be NULL, and rows with NULL in it are never read.',
    remedy: 'Make it NOT NULL, fill it in a query, or use mode Snapshot.',
  },
  HasChildren: {
    cause:
      'The source table has child tables, whose rows are read with it, so its keys are not unique across them.',
    remedy:
      'Name the columns that identify a row in source.key, or read the table alone by a query with FROM ONLY.',
    systems: ['PostgreSQL'],
  },
  HistoryNeedsNoKey: {
    cause:
      'Append in a timestamp mode writes a row for each version, and a unique key of the destination allows only one.',
    remedy: 'Use Upsert, or a destination table without that key.',
  },
  IdNotUnique: {
    cause:
      'Several rows may have the same value of idField: rows are paged by idField and source.key, and a later row with the largest id and a smaller key is not read.',
    remedy: 'Name a unique idField, or make it unique with the statement in the message.',
  },
  IdsAreReused: {
    cause:
      'SQLite may give the id of a deleted row to a new one, which a mode that reads by id does not see.',
    remedy: 'Declare the column INTEGER PRIMARY KEY AUTOINCREMENT, or use mode Timestamp.',
    systems: ['SQLite'],
  },
  KeyCoarser: {
    cause:
      'A key of the destination treats rows as equal that differ at the source (by its collation or type, or because it has fewer columns), so they would overwrite each other or be refused as duplicates.',
    remedy:
      'Give the key column a type and collation that distinguish all values, or set destination.key to a key of the source.',
  },
  KeyMissing: {
    cause:
      'The write mode or mode needs a key, and the relation has no primary key and no unique index over NOT NULL columns.',
    remedy: 'Name the columns that identify a row in source.key or destination.key.',
  },
  KeyNotOrdered: {
    cause: 'Rows cannot be paged by a column of the key: by its type, or by a value that it holds.',
    remedy: 'Name other columns in source.key, cast the column in source.query, or correct the value.',
  },
  KeyNotUnique: {
    cause:
      'No key proves that the columns by which rows are paged identify a row, or two rows with equal values were found.',
    remedy: 'Name columns in source.key that identify a row, or create the unique index in the message.',
  },
  KeyNotWritten: {
    cause:
      'A column of the key, or the column that the offset comes from, is not written to the destination.',
    remedy: 'Add the column to the destination table, or name other key columns.',
  },
  KeyNullable: {
    cause: 'A key column may be NULL or is NULL in a row, and such rows cannot be ordered.',
    remedy: 'Make the column NOT NULL, or name other columns in source.key.',
  },
  KeyTooLong: {
    cause: 'The key of the table to be created is longer than the server allows.',
    remedy: 'Create the table yourself with shorter key columns.',
    systems: ['MySQL', 'MariaDB', 'SQL Server'],
  },
  KeyTwiceInBatch: {
    cause: 'Two rows of one statement have the same key.',
    remedy: 'Make the key unique at the source.',
    systems: ['PostgreSQL'],
  },
  NoUniqueIndex: {
    cause: 'The destination table has no primary key or unique index on the key that Upsert uses.',
    remedy: 'Create a unique index on these columns.',
  },
  SummerTime: {
    cause: 'The timestamp column has no time zone, and the time zone of the source has daylight saving time.',
    remedy: 'Set safetyLag to 1h or more, or source.timeZone to UTC if that is what the column holds.',
  },
  TimeZoneAssumed: {
    cause:
      'The timestampField has no time zone and is read in the zone that the server gives to new sessions.',
    remedy: 'Set source.timeZone to the zone of the sessions that write the column.',
  },
  TimeZoneUnknown: {
    cause:
      "The server's time zone, in which a timestampField without time zone is read, is not known to Idra.",
    remedy: 'Set source.timeZone, to a name such as Europe/Rome or an offset such as +09:00.',
  },
  TimestampNotText: {
    cause: 'The timestampField of a SQLite table does not contain times as text.',
    remedy: 'Store times as text like 2026-11-24 08:00:00, or name another field.',
    systems: ['SQLite'],
  },
  TimestampShapesMixed: {
    cause: 'The times in a SQLite column are written in several formats, so they do not sort by time.',
    remedy: 'Convert them to one format with the UPDATE in the message.',
    systems: ['SQLite'],
  },
} as const satisfies ErrorEntries;
