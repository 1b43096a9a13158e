import { z } from 'zod';
import type { SystemSchema } from '../core/manifest/data-source-schema.ts';
import { hostName, secretReference, text, tlsObject } from '../core/manifest/fields.ts';

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

/** Systems planned for later versions: their fields are in the schema, but using them is refused. */
export const announced: readonly SystemSchema[] = [
  {
    type: 'mongodb',
    title: 'MongoDB',
    config: mongodb,
    fields: { source: ['collection'], destination: ['collection'] },
    isOffered: false,
  },
];
