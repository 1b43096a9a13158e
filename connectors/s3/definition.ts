import { z } from 'zod';
import type { Definition } from '../../core/definition.ts';
import { secretReference, text } from '../../core/manifest/fields.ts';

/** Plain data without a driver; connector.ts has the implementation. */
export const definition: Definition = {
  type: 's3',
  title: 'Amazon S3 and compatibles',
  summary: 'Objects in a bucket: JSON Lines, CSV and Parquet.',
  config: z.strictObject({
    bucket: text({
      max: 63,
      pattern: /^[a-z0-9A-Z][a-z0-9A-Z._-]{1,61}[a-z0-9A-Z]$/,
      says: 'write the name of a bucket: 3 to 63 letters, digits, -, _ and .',
    }).describe('Name of the bucket.'),
    region: text({ max: 63, pattern: /^[a-z0-9-]+$/, says: 'write a region: eu-south-1' })
      .default('us-east-1')
      .describe('Region of the bucket.'),
    endpoint: text({
      max: 2_048,
      pattern: /^https?:\/\/[^\s/?#@]+$/,
      says: 'write a URL without a path: https://minio.example.com:9000',
    })
      .optional()
      .describe('URL of an S3-compatible service; default: AWS.'),
    forcePathStyle: z
      .boolean()
      .optional()
      .describe(
        'true: the bucket is in the path, not in the host name; default: true with an endpoint, false with AWS.',
      ),
    accessKeyIdSecretRef: secretReference()
      .optional()
      .describe('Access key id; without it the identity of the pods of the agents is used, only at AWS.'),
    secretAccessKeySecretRef: secretReference().optional().describe('Secret access key.'),
    caSecretRef: secretReference()
      .optional()
      .describe('Certificates of the trusted authorities, in PEM; by default those of the machine.'),
  }),
  fields: {
    source: ['prefix', 'format', 'compression', 'csv', 'horizon', 'columns', 'sample', 'metadata'],
    destination: ['prefix', 'format', 'compression', 'csv', 'numbersAsText', 'partitionBy', 'objectSize'],
  },
  capabilities: {
    source: {
      modes: ['Snapshot', 'Stream'],
      seesDeletes: [],
      hasFixedColumns: false,
      lateRowBound: 'none',
      hasSessionTimeZone: false,
    },
    destination: {
      writeModes: ['Append', 'Replace'],
      noOtherWriteModes:
        'an object cannot be changed in place, and a row with the same key may be in any of them',
      hasLargest: false,
      canDelete: false,
      wantsLargeBatches: true,
    },
  },
  address: ({ endpoint, bucket }) => [endpoint ?? null, bucket ?? null],
  readsOwnRows: ({ prefix: read = '' }, { prefix: written = '' }) =>
    written.startsWith(read) || read.startsWith(written),
  leftovers: ({ prefix = '' }, uid) => ({
    what: `its manifest ${prefix}_idra/${uid}.json`,
    remedy: `delete the object ${prefix}_idra/${uid}.json; rows stay readable for readers that list all objects`,
  }),
  load: async () => (await import('./connector.ts')).connector,
};
