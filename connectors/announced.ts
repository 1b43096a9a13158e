import { z } from 'zod';
import type { SystemSchema } from '../core/manifest/data-source-schema.ts';
import { hostName, secretReference, text, tlsObject } from '../core/manifest/fields.ts';
import { definition as kafka } from './kafka/definition.ts';

const url = () => text({ max: 2_048, pattern: /^https?:\/\/\S+$/, says: 'write a URL: https://...' });
const user = () => text({ max: 128 }).optional().describe('User to connect as.');
const password = () => secretReference().optional().describe("The user's password.");
const tls = () => tlsObject().describe('Encryption of the connection.');

const mongodb = z.strictObject({
  uriSecretRef: secretReference()
    .optional()
    .describe('The whole connection string, instead of the other fields.'),
  hosts: z
    .array(hostName())
    .min(1)
    .max(64)
    .optional()
    .describe('Hosts of the replica set, each as host:port.'),
  database: text({ max: 63 }).optional().describe('Database to use.'),
  user: user(),
  passwordSecretRef: password(),
  replicaSet: text({ max: 128 }).optional().describe('Name of the replica set.'),
  authSource: text({ max: 63 }).optional().describe('Database in which the user is defined.'),
  tls: tls(),
});

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

const headerMap = () => z.record(text({ max: 128 }), z.string().max(4_096)).meta({ maxProperties: 32 });

const http = z.strictObject({
  url: url().optional().describe('URL that the paths of syncs are relative to.'),
  headers: headerMap()
    .optional()
    .describe('Headers of each request; use headerSecretRefs for secret values.'),
  bearerTokenSecretRef: secretReference().optional().describe('Token that is sent as Authorization: Bearer.'),
  basic: z
    .strictObject({ user: user(), passwordSecretRef: password() })
    .optional()
    .describe('User and password that are sent as Authorization: Basic.'),
  headerSecretRefs: z
    .record(text({ max: 128 }), secretReference())
    .meta({ maxProperties: 32 })
    .optional()
    .describe('Headers whose values are secret, by name.'),
  oauth: z
    .strictObject({
      tokenUrl: url().optional().describe('URL of the token endpoint.'),
      clientIdSecretRef: secretReference().optional().describe('Client id.'),
      clientSecretSecretRef: secretReference().optional().describe('Client secret.'),
      scopes: z
        .array(text({ max: 256 }))
        .max(32)
        .optional()
        .describe('Scopes to request.'),
    })
    .optional()
    .describe('Tokens by the OAuth 2 client credentials grant.'),
  tls: tls(),
  allowPrivateAddresses: z
    .boolean()
    .optional()
    .describe('true: requests to private and link-local addresses are allowed.'),
});

/** Systems planned for later versions: their fields are in the schema, but using them is refused. */
export const announced: readonly SystemSchema[] = [
  {
    type: 'mongodb',
    title: 'MongoDB',
    config: mongodb,
    fields: { source: ['collection'], destination: ['collection'] },
    isOffered: false,
  },
  {
    ...kafka,
    isOffered: false,
  },
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
  {
    type: 'http',
    title: 'an HTTP API',
    config: http,
    fields: {
      source: ['path', 'method', 'bodyTemplate', 'itemsPath', 'paging'],
      destination: ['path', 'method', 'bodyTemplate'],
    },
    isOffered: false,
  },
];
