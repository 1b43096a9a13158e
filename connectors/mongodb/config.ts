import { z } from 'zod';
import type { SystemAccess } from '../../core/connector.ts';
import { type IdraError, permanent } from '../../core/errors.ts';
import { hostName, secretReference, text, tlsObject } from '../../core/manifest/fields.ts';
import {
  channelOf,
  isServerVerified,
  type PasswordRule,
  type TlsMode,
} from '../sql/connection/password-rule.ts';
import { readUri, type Uri } from './connection/uri.ts';

/** Passwords and certificates by which a client logs in. */
const mechanisms = ['SCRAM-SHA-256', 'SCRAM-SHA-1', 'MONGODB-X509', 'PLAIN'] as const;

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
  authSource: text({ max: 63 }).optional().describe('Database in which the user is defined; default: admin.'),
  authMechanism: z
    .enum(mechanisms)
    .optional()
    .describe(
      'How the user logs in; by default by SCRAM. MONGODB-X509: by the client certificate of tls; PLAIN: with the password itself, for servers that ask LDAP.',
    ),
  allowCleartextPassword: z
    .boolean()
    .default(false)
    .describe(
      'true: authMechanism PLAIN sends the password itself, also without TLS; false: only through TLS.',
    ),
  tls: tlsObject().describe('Encryption of the connection.'),
});

/** How to reach a deployment, from the fields of the DataSource or from its connection string. */
export interface MongoConfig {
  readonly hosts: readonly string[];
  /** The one host is a name whose SRV records list the hosts. */
  readonly isSrv: boolean;
  readonly database: string;
  readonly user: string | undefined;
  readonly password: string;
  readonly replicaSet: string | undefined;
  readonly authSource: string | undefined;
  readonly mechanism: Mechanism | undefined;
  /** Only this host, whatever it says about the others. */
  readonly isDirect: boolean;
  readonly tlsMode: TlsMode;
  readonly allowCleartextPassword: boolean;
  /** Hosts, login and the like stand in the connection string. */
  readonly isUri: boolean;
  /** `team-a/shop (MongoDB db:27017/shop)`, for messages. */
  readonly where: string;
}

type Mechanism = (typeof mechanisms)[number];

const standardPort = 27_017;
/** Fields that a connection string contains as well. */
const uriFields = [
  'hosts',
  'user',
  'passwordSecretRef',
  'replicaSet',
  'authSource',
  'authMechanism',
] as const;

/** An error of a field that the connection string has instead names the string. */
export function withFieldInUse({ isUri }: Pick<MongoConfig, 'isUri'>, error: IdraError): IdraError {
  const isInUri = isUri && uriFields.some((field) => error.path === `spec.mongodb.${field}`);
  return isInUri ? error.with({ path: 'spec.mongodb.uriSecretRef' }) : error;
}

export function readConfig(access: SystemAccess): MongoConfig {
  const fields = schema.parse(access.config);
  const uri = uriOf(access, fields);
  const { hosts } = uri ?? { hosts: fields.hosts ?? [] };
  if (hosts.length === 0)
    throw invalid('hosts', 'a DataSource of MongoDB needs hosts or uriSecretRef', 'set one of them');
  const database = fields.database ?? uri?.database;
  if (database === undefined)
    throw invalid(
      'database',
      'a DataSource of MongoDB needs a database',
      'set it, or name it in the connection string',
    );
  const withPorts = uri?.isSrv ? hosts : hosts.map(withPort);
  return {
    hosts: withPorts,
    isSrv: uri?.isSrv ?? false,
    database,
    user: uri ? uri.user : fields.user,
    password: (uri ? uri.password : access.secret('password')?.reveal()) ?? '',
    replicaSet: uri ? uri.options.get('replicaset') : fields.replicaSet,
    authSource: uri ? (uri.options.get('authsource') ?? uri.database) : fields.authSource,
    mechanism: uri ? mechanismOf(uri) : fields.authMechanism,
    isDirect: uri?.options.get('directconnection') === 'true',
    tlsMode: tlsModeOf(fields.tls.mode, uri),
    allowCleartextPassword: fields.allowCleartextPassword,
    isUri: uri !== undefined,
    where: `${access.dataSource} (MongoDB ${withPorts.join(',')}/${database})`,
  };
}

function uriOf(access: SystemAccess, fields: Record<string, unknown>): Uri | undefined {
  const secret = access.secret('uri');
  if (secret === undefined) return undefined;
  const twice = uriFields.find((name) => fields[name] !== undefined);
  if (twice !== undefined)
    throw invalid(
      twice,
      `${twice} is part of the connection string in uriSecretRef`,
      `remove ${twice} or uriSecretRef`,
    );
  return readUri(secret.reveal());
}

function mechanismOf({ options }: Uri): Mechanism | undefined {
  const given = options.get('authmechanism');
  const known = mechanisms.find((each) => each === given);
  if (given === undefined || known !== undefined) return known;
  throw permanent('ParameterInvalid', 'the connection string has an authMechanism that is not supported', {
    path: 'spec.mongodb.uriSecretRef',
    fix: `use one of ${mechanisms.join(', ')}`,
  });
}

/** A connection string that asks for TLS means TLS with a verified certificate, unless tls.mode of the DataSource says otherwise. */
function tlsModeOf(mode: TlsMode, uri: Uri | undefined): TlsMode {
  const asked = uri?.options.get('tls') ?? uri?.options.get('ssl') ?? (uri?.isSrv ? 'true' : undefined);
  if (mode !== 'Prefer' || asked === undefined) return mode;
  return asked === 'true' ? 'VerifyFull' : 'Disable';
}

function withPort(host: string): string {
  if (host.startsWith('/')) return host;
  const isBracketed = host.startsWith('[');
  if (isBracketed ? /\]:\d+$/.test(host) : /^[^:]+:\d+$/.test(host)) return host;
  if (isBracketed) return `${host}:${standardPort}`;
  return host.includes(':') ? `[${host}]:${standardPort}` : `${host}:${standardPort}`;
}

export function passwordRule(config: MongoConfig, access: SystemAccess, isTls: boolean): PasswordRule {
  const isVerified = isServerVerified(config.tlsMode, access.secret('tls.ca') !== undefined);
  return {
    type: 'mongodb',
    where: config.where,
    channel: channelOf(config.hosts.every((each) => each.startsWith('/')) ? '/' : '', isTls, isVerified),
    tlsMode: config.tlsMode,
    isAllowed: config.allowCleartextPassword,
    hasPassword: config.password !== '',
  };
}

function invalid(field: string, message: string, fix: string): IdraError {
  return permanent('ParameterInvalid', message, { path: `spec.mongodb.${field}`, fix });
}
