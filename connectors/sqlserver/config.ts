import { z } from 'zod';
import type { SystemAccess } from '../../core/connector.ts';
import { type IdraError, permanent } from '../../core/errors.ts';
import { text } from '../../core/manifest/fields.ts';
import { channelOf, isServerVerified, type PasswordRule } from '../sql/connection/password-rule.ts';
import { defaultSilenceMs } from '../sql/connection/silence.ts';
import { databaseServerFields } from '../sql/definition.ts';

/** The fields of a DataSource's `sqlserver` object. */
export const schema = z.strictObject({
  ...databaseServerFields(1_433),
  instance: text({ max: 128 })
    .optional()
    .describe(
      'Named instance of the server. Its port is asked from the SQL Server Browser service (UDP port 1434) of the host, and port is not used.',
    ),
});
type SqlServerConfig = z.infer<typeof schema>;

/** Fills in defaults. */
export function readConfig(given: Readonly<Record<string, unknown>>): SqlServerConfig {
  return schema.parse(given);
}

/** How to log in, and how the session is set up. */
export interface Login {
  readonly host: string;
  readonly port: number;
  readonly instance: string | undefined;
  readonly database: string;
  readonly user: string;
  readonly password: string;
  readonly tls: LoginTls;
  /** The server may send the session to a readable secondary. */
  readonly isReadIntent: boolean;
  /** While an answer is awaited, the connection is closed if the server sends nothing for this long. */
  readonly silenceMs: number;
  readonly lockTimeoutMs: number;
  /** Time limit for opening a session and setting it up. */
  readonly openTimeoutMs: number;
  /** `team-a/shop (db:1433/shop)`, for messages. */
  readonly where: string;
  /** `namespace/name`. */
  readonly dataSource: string;
  /** `db:1433`: the server whose connections are counted. */
  readonly server: string;
  /** The password rule for a connection with or without TLS. */
  readonly rule: (isTls: boolean) => PasswordRule;
}

export interface LoginTls {
  readonly mode: SqlServerConfig['tls']['mode'];
  /** The certificate must be signed by a trusted authority. */
  readonly isChainVerified: boolean;
  /** It must also be for this host. */
  readonly isNameVerified: boolean;
  readonly ca: string | undefined;
}

const defaultConnectTimeoutS = 10;
const defaultLockTimeoutS = 60;

interface Parameter {
  readonly pattern: RegExp;
  readonly what: string;
}

const seconds: Parameter = { pattern: /^[1-9]\d{0,5}$/, what: 'a number of seconds above 0' };

/** Of the driver and of Idra. Idra sets all settings of the session, because reading and writing depend on them. */
const known = {
  connect_timeout: seconds,
  socket_timeout: seconds,
  lock_timeout: seconds,
  application_intent: { pattern: /^Read(Only|Write)$/, what: 'ReadOnly or ReadWrite' },
} as const satisfies Readonly<Record<string, Parameter>>;
type ParameterName = keyof typeof known;

export function readLogin(access: SystemAccess): Login {
  const config = readConfig(access.config);
  const { host, port, instance, database, user } = config;
  requireNoClientCertificate(config);
  const parameters = readParameters(config);
  const secondsOf = (name: ParameterName) => Number(parameters[name]) * 1_000;
  const server = instance === undefined ? `${host}:${port}` : `${host}\\${instance}`;
  const where = `${access.dataSource} (${server}/${database})`;
  return {
    host,
    port,
    instance,
    database,
    user,
    password: access.secret('password')?.reveal() ?? '',
    tls: loginTls(config, access),
    isReadIntent: parameters.application_intent === 'ReadOnly',
    silenceMs: parameters.socket_timeout === undefined ? defaultSilenceMs : secondsOf('socket_timeout'),
    lockTimeoutMs:
      parameters.lock_timeout === undefined ? defaultLockTimeoutS * 1_000 : secondsOf('lock_timeout'),
    openTimeoutMs:
      parameters.connect_timeout === undefined
        ? defaultConnectTimeoutS * 1_000
        : secondsOf('connect_timeout'),
    where,
    dataSource: access.dataSource,
    server,
    rule: (isTls) => passwordRule(config, access, isTls, where),
  };
}

/** Ignored, it would seem to protect the login. */
function requireNoClientCertificate({ tls }: SqlServerConfig): void {
  if (tls.certSecretRef === undefined && tls.keySecretRef === undefined) return;
  throw permanent('ManifestInvalid', 'SQL Server has no logins by client certificate', {
    path: 'spec.sqlserver.tls.certSecretRef',
    fix: 'remove certSecretRef and keySecretRef',
  });
}

function loginTls({ tls: { mode } }: SqlServerConfig, access: SystemAccess): LoginTls {
  const ca = access.secret('tls.ca')?.reveal();
  // As in libpq, Require with a given authority verifies the certificate.
  const isChainVerified =
    mode === 'VerifyCA' || mode === 'VerifyFull' || (mode === 'Require' && ca !== undefined);
  return { mode, isChainVerified, isNameVerified: mode === 'VerifyFull', ca };
}

function passwordRule(
  { host, tls, allowCleartextPassword }: SqlServerConfig,
  access: SystemAccess,
  isTls: boolean,
  where: string,
): PasswordRule {
  return {
    type: 'sqlserver',
    where,
    channel: channelOf(host, isTls, isServerVerified(tls.mode, access.secret('tls.ca') !== undefined)),
    tlsMode: tls.mode,
    isAllowed: allowCleartextPassword,
    hasPassword: (access.secret('password')?.reveal() ?? '') !== '',
  };
}

function readParameters(config: SqlServerConfig): Partial<Record<ParameterName, string>> {
  for (const [name, value] of Object.entries(config.parameters ?? {})) {
    const parameter = isKnown(name) ? known[name] : undefined;
    if (!parameter) throw unusable('ParameterUnknown', name, 'cannot be set here');
    if (!parameter.pattern.test(value)) throw unusable('ParameterInvalid', name, `is ${parameter.what}`);
  }
  return { ...config.parameters };
}

function isKnown(name: string): name is ParameterName {
  return Object.hasOwn(known, name);
}

function unusable(code: 'ParameterUnknown' | 'ParameterInvalid', name: string, why: string): IdraError {
  return permanent(code, `SQL Server parameter ${name} ${why}`, {
    path: `spec.sqlserver.parameters.${name}`,
    fix: `known are: ${Object.keys(known).join(', ')}`,
  });
}
