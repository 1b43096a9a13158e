import { z } from 'zod';
import type { SystemSchema } from '../core/manifest/data-source-schema.ts';
import { secretReference, text } from '../core/manifest/fields.ts';

const url = () => text({ max: 2_048, pattern: /^https?:\/\/\S+$/, says: 'write a URL: https://...' });

const s3 = z.strictObject({
  bucket: text({ max: 63 }).optional().describe('Name of the bucket.'),
  region: text({ max: 63 }).optional().describe('Region of the bucket.'),
  endpoint: url().optional().describe('URL of an S3-compatible service; default: AWS.'),
  forcePathStyle: z.boolean().optional().describe('true: the bucket is in the path, not in the host name.'),
  accessKeyIdSecretRef: secretReference()
    .optional()
    .describe('Access key id; default: the identity of the pod.'),
  secretAccessKeySecretRef: secretReference().optional().describe('Secret access key.'),
  caSecretRef: secretReference().optional().describe('Certificates of the authorities to trust, in PEM.'),
});

/** Systems planned for later versions: their fields are in the schema, but using them is refused. */
export const announced: readonly SystemSchema[] = [
  {
    type: 's3',
    title: 'Amazon S3 and compatibles',
    config: s3,
    fields: {
      source: ['prefix', 'format', 'compression'],
      destination: ['prefix', 'format', 'compression'],
    },
    isOffered: false,
  },
];
