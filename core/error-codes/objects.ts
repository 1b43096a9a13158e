import type { ErrorEntries } from './entry.ts';

/** Objects of an object store, and what is in them. */
export const objectCodes = {
  BucketNotFound: {
    cause: 'There is no bucket of this name, or not for these credentials.',
    remedy: 'Correct bucket, region and endpoint of the DataSource, or create the bucket.',
    systems: ['S3'],
  },
  ClockSkewed: {
    cause: 'The server refuses the signature because the clock of the agent differs too much from its own.',
    remedy: 'Synchronize the clock of the machine; it is retried.',
    systems: ['S3'],
  },
  CommitsUnreadable: {
    cause: 'The manifest of a destination is damaged, or was changed by something else.',
    remedy: 'Restore an older version of the object, or write to another prefix.',
    systems: ['S3'],
  },
  ConditionLost: {
    cause: 'Another write of the manifest came between reading and writing it.',
    remedy: 'Nothing: it is tried again.',
    systems: ['S3'],
  },
  ConditionalWritesMissing: {
    cause:
      'The endpoint ignores If-Match or If-None-Match, so it cannot refuse a write of an owner that lost the Sync.',
    remedy: 'Use an endpoint with conditional writes, such as AWS or a current MinIO; reading needs none.',
    systems: ['S3'],
  },
  CredentialsMissing: {
    cause:
      'The DataSource names no keys, and the process has no identity of its own that may be used for this endpoint.',
    remedy:
      'Set accessKeyIdSecretRef and secretAccessKeySecretRef, or give the pods of the agents an identity of AWS and leave out endpoint.',
    systems: ['S3'],
  },
  LedgerFull: {
    cause:
      'More objects are within source.horizon than an offset can remember, and either the horizon is set, or open uploads cannot be listed.',
    remedy:
      'Shorten or remove source.horizon, allow s3:ListBucketMultipartUploads, abort unfinished uploads, or read a narrower prefix.',
    systems: ['S3'],
  },
  ListUnordered: {
    cause:
      'The server does not list keys in their order, or does not continue a list behind the key that it is asked for: objects would be passed over.',
    remedy:
      'Use a bucket that is listed in the order of keys. Directory buckets of AWS (S3 Express) are not.',
    systems: ['S3'],
  },
  ObjectChanged: {
    cause:
      'An object was replaced or deleted while it was read, or the server lists it with another ETag than it reads it with.',
    remedy:
      'Nothing: the next attempt reads what is there now. If it comes again and again, check what stands between the agents and the endpoint.',
    systems: ['S3'],
  },
  ObjectDamaged: {
    cause: 'An object is not in the format that the Sync expects; the message says where in it.',
    remedy:
      'Correct format, compression or csv of the source, or replace the object; with onError Skip a damaged row is left out, but not a damaged object.',
    systems: ['S3'],
  },
  PartitionRefused: {
    cause: 'destination.partitionBy names a column that rows cannot be partitioned by.',
    remedy: 'Name a column of the destination; Day and Hour need a timestamp, or Day a date.',
    systems: ['S3'],
  },
  PartitionsTooMany: {
    cause: 'The rows of one batch belong to too many partitions: each would be an object with few rows.',
    remedy: 'Partition by a column with fewer values, or by the day of a time.',
    systems: ['S3'],
  },
  RangeIgnored: {
    cause:
      'The server answers a request for a part of an object with another part: records would be read twice.',
    remedy: 'Check whether the endpoint, or a proxy before it, passes the header Range on.',
    systems: ['S3'],
  },
  RecordOverLimit: {
    cause: 'One record of an object is larger than what a process may hold of it.',
    remedy: 'Split the record, or read the object with another format: it may not be what the Sync expects.',
    systems: ['S3'],
  },
  RegionWrong: {
    cause: 'The bucket is in another region than the DataSource says.',
    remedy: 'Correct region of the DataSource.',
    systems: ['S3'],
  },
  UploadsUnknown: {
    cause:
      'The credentials may not list uploads that are not complete. Their objects appear with the time at which the upload began, which may be long ago.',
    remedy:
      'Allow s3:ListBucketMultipartUploads on the bucket; without it, uploads that take longer than source.horizon are not read.',
    systems: ['S3'],
  },
} as const satisfies ErrorEntries;
