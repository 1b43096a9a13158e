import { z } from 'zod';
import type {
  Address,
  Capabilities,
  Definition,
  SourceCapabilities,
  SystemFields,
} from '../../core/definition.ts';
import { hostName, port, secretReference, text, tlsObject } from '../../core/manifest/fields.ts';
import { commitTableName } from './destination/commit-table.ts';
import { splitName } from './names.ts';

/** What the definitions of SQL systems have in common. */
export const sqlFields: SystemFields = { source: ['table', 'query'], destination: ['table'] };

export const sqlSource: Pick<SourceCapabilities, 'modes' | 'seesDeletes' | 'hasFixedColumns'> = {
  modes: ['Snapshot', 'Id', 'Timestamp', 'LastDestinationId', 'LastDestinationTimestamp'],
  seesDeletes: [],
  hasFixedColumns: true,
};

export const sqlDestination: Capabilities['destination'] = {
  writeModes: ['Append', 'Upsert', 'Replace'],
  hasLargest: true,
  canDelete: true,
};

/** Definition.address for systems with a server; other systems define their own. */
export function serverAddress({
  host,
  port: portOf,
  database,
  instance,
}: Readonly<Record<string, unknown>>): Address {
  return [host ?? null, portOf ?? null, database ?? null, null, instance ?? null];
}

/** Definition.leftovers: the row at the destination, and the statement that deletes it. */
export function leftoverRow(quote: (identifier: string) => string): Definition['leftovers'] {
  return ({ table = '' }, uid) => {
    const commits = [...schemaOf(table), commitTableName].map(quote).join('.');
    return {
      what: `its row in ${commitTableName}`,
      remedy: `DELETE FROM ${commits} WHERE uid = '${uid}'`,
    };
  };
}

function schemaOf(table: string): readonly string[] {
  try {
    return splitName(table, 'spec.destination.table').slice(0, -1);
  } catch {
    return [];
  }
}

/** Fields of a database server. */
export function databaseServerFields(standardPort: number) {
  return {
    host: hostName().describe('Host name or address of the server.'),
    port: port(standardPort).describe('Port of the server.'),
    database: text({ max: 128 }).describe('Database to connect to.'),
    user: text({ max: 128 }).describe('User to connect as.'),
    passwordSecretRef: secretReference()
      .optional()
      .describe("The user's password; omit it if the server requires none."),
    allowCleartextPassword: z
      .boolean()
      .default(false)
      .describe(
        'true: the password itself is sent to a server that asks for it, also without TLS; false: only through a unix socket or TLS.',
      ),
    tls: tlsObject().describe('Encryption of the connection.'),
    parameters: z
      .record(text({ max: 63 }), z.string().max(1_024))
      .meta({ maxProperties: 32 })
      .optional()
      .describe('Settings of the session, by name.'),
  };
}
