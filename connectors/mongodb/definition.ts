import { z } from 'zod';
import type { Definition } from '../../core/definition.ts';
import { hostName, secretReference, text, tlsObject } from '../../core/manifest/fields.ts';
import { commitTableName } from '../sql/destination/commit-table.ts';

/** Passwords and certificates by which a client logs in. */
export const mechanisms = ['SCRAM-SHA-256', 'SCRAM-SHA-1', 'MONGODB-X509', 'PLAIN'] as const;

/** The DataSource's `mongodb` object. */
export const schema = z.strictObject({
  uriSecretRef: secretReference()
    .optional()
    .describe('The whole connection string, instead of hosts, user, password, replicaSet and authSource.'),
  hosts: z
    .array(hostName())
    .min(1)
    .max(64)
    .optional()
    .describe('Members of the replica set, or routers of the sharded cluster, each as host or host:port.'),
  database: text({ max: 63 })
    .optional()
    .describe('Database to use; by default that of the connection string.'),
  user: text({ max: 128 }).optional().describe('User to connect as; omit it if the server requires none.'),
  passwordSecretRef: secretReference().optional().describe("The user's password."),
  replicaSet: text({ max: 128 })
    .optional()
    .describe('Name of the replica set: all of its members are found from one of the hosts.'),
  authSource: text({ max: 63 })
    .optional()
    .describe('Database in which the user is defined; default: admin.'),
  authMechanism: z
    .enum(mechanisms)
    .optional()
    .describe(
      'How the user logs in; by default by SCRAM. MONGODB-X509: by the client certificate of tls; PLAIN: with the password itself, for servers that ask LDAP.',
    ),
  allowCleartextPassword: z
    .boolean()
    .default(false)
    .describe('true: authMechanism PLAIN sends the password itself, also without TLS; false: only through TLS.'),
  tls: tlsObject().describe('Encryption of the connection.'),
});

export const definition: Definition = {
  type: 'mongodb',
  title: 'MongoDB',
  summary:
    'Collections of MongoDB 4.4 and later: documents as a whole between two of them, as columns to and from other systems; change streams.',
  config: schema,
  fields: {
    source: ['collection', 'filter', 'columns', 'sample', 'startFrom'],
    destination: ['collection'],
  },
  capabilities: {
    source: {
      modes: ['Snapshot', 'Id', 'Timestamp', 'LastDestinationId', 'LastDestinationTimestamp', 'Stream'],
      seesDeletes: ['Stream'],
      hasFixedColumns: false,
      readsWholeRecords: true,
      startKinds: ['Now'],
      lateRowBound: 'none',
      hasSessionTimeZone: false,
    },
    destination: { writeModes: ['Append', 'Upsert', 'Replace'], hasLargest: true, canDelete: true },
  },
  address: ({ uriSecretRef, hosts, replicaSet, database }) => [
    uriSecretRef ?? replicaSet ?? (Array.isArray(hosts) ? hosts.toSorted() : null),
    database ?? null,
  ],
  leftovers: (_object, uid) => ({
    what: `its document in ${commitTableName}`,
    remedy: `db.${commitTableName}.deleteMany({ uid: ${JSON.stringify(uid)} })`,
  }),
  load: async () => (await import('./connector.ts')).connector,
};
