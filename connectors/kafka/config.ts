import { isIP } from 'node:net';
import type { ConnectionOptions } from 'node:tls';
import { z } from 'zod';
import type { SystemAccess } from '../../core/connector.ts';
import { hostName, secretReference, text, tlsObject } from '../../core/manifest/fields.ts';
import {
  channelOf,
  isServerVerified,
  type PasswordRule,
  type TlsMode,
} from '../sql/connection/password-rule.ts';

const url = () => text({ max: 2_048, pattern: /^https?:\/\/\S+$/, says: 'write a URL: https://...' });
const user = () => text({ max: 128 }).optional().describe('User to connect as.');
const password = () => secretReference().optional().describe("The user's password.");
const tls = () => tlsObject().describe('Encryption of the connection.');

const oauth = z
  .strictObject({
    tokenUrl: url().describe('URL of the token endpoint.'),
    clientIdSecretRef: secretReference().describe('Client id.'),
    clientSecretSecretRef: secretReference().describe('Client secret.'),
    scopes: z
      .array(text({ max: 256 }))
      .max(32)
      .optional()
      .describe('Scopes to request.'),
    caSecretRef: secretReference()
      .optional()
      .describe('Certificates of the authorities that the token endpoint is trusted by, in PEM.'),
  })
  .optional()
  .describe('Tokens by the OAuth 2 client credentials grant, for the mechanism OAUTHBEARER.');

/** The fields of a DataSource's `kafka` object. */
export const schema = z.strictObject({
  brokers: z.array(hostName()).min(1).max(64).describe('Brokers to connect to first, each as host:port.'),
  sasl: z
    .strictObject({
      mechanism: z
        .enum(['PLAIN', 'SCRAM-SHA-256', 'SCRAM-SHA-512', 'OAUTHBEARER'])
        .default('SCRAM-SHA-512')
        .describe('SASL mechanism.'),
      user: user(),
      passwordSecretRef: password(),
      oauth,
    })
    .optional()
    .describe('Authentication by SASL.'),
  tls: tls(),
  allowCleartextPassword: z
    .boolean()
    .default(false)
    .describe(
      'true: with the mechanisms PLAIN and OAUTHBEARER, the password or token is sent even if the connection does not protect it.',
    ),
  schemaRegistry: z
    .strictObject({
      url: url().describe('URL of the schema registry.'),
      user: user(),
      passwordSecretRef: password(),
      tls: tls(),
    })
    .optional()
    .describe('Schema registry of Avro messages.'),
});
export type KafkaConfig = z.infer<typeof schema>;
export type SaslConfig = NonNullable<KafkaConfig['sasl']>;

/** Fills in defaults. */
export function readConfig(access: SystemAccess): KafkaConfig {
  return schema.parse(access.config);
}

export interface Address {
  readonly host: string;
  readonly port: number;
}

const standardPort = 9_092;

export function addressOf(broker: string): Address {
  const [, bracketed, plain = broker, port] = /^(?:\[([^\]]+)\]|([^:]*))(?::(\d{1,5}))?$/.exec(broker) ?? [];
  return { host: bracketed ?? plain, port: port === undefined ? standardPort : Number(port) };
}

/** The system, for messages: `Kafka broker-1:9092 (team-a/events)`. */
export function placeOf(access: SystemAccess): string {
  const { brokers } = readConfig(access);
  return `Kafka ${brokers[0]} (${access.dataSource})`;
}

/** `path`: of the TLS object in the config, `tls` or `schemaRegistry.tls`. Undefined: no TLS. */
export function tlsOptions(
  mode: TlsMode,
  access: SystemAccess,
  path: string,
  host: string,
): ConnectionOptions | undefined {
  if (mode === 'Disable') return undefined;
  const [ca, cert, key] = ['ca', 'cert', 'key'].map((each) => access.secret(`${path}.${each}`)?.reveal());
  const isVerified = mode === 'VerifyCA' || isServerVerified(mode, ca !== undefined);
  return {
    rejectUnauthorized: isVerified,
    ...(isIP(host) === 0 && { servername: host }),
    ...(mode !== 'VerifyFull' && { checkServerIdentity: () => undefined }),
    ...(ca !== undefined && { ca }),
    ...(cert !== undefined && { cert }),
    ...(key !== undefined && { key }),
  };
}

/** For a connection with or without TLS. */
export function passwordRule(
  access: SystemAccess,
  host: string,
  isTls: boolean,
  where: string,
): PasswordRule {
  const { tls, allowCleartextPassword } = readConfig(access);
  const isVerified = isServerVerified(tls.mode, access.secret('tls.ca') !== undefined);
  return {
    type: 'kafka',
    where,
    channel: channelOf(host, isTls, isVerified),
    tlsMode: tls.mode,
    isAllowed: allowCleartextPassword,
    hasPassword: true,
  };
}
