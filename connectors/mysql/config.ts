import { connect as connectSocket, isIP } from 'node:net';
import type { ConnectionOptions, SslOptions } from 'mysql2';
import { z } from 'zod';
import type { SystemAccess } from '../../core/connector.ts';
import { permanent } from '../../core/errors.ts';
import { channelOf, isServerVerified, type PasswordRule } from '../sql/connection/password-rule.ts';
import { defaultSilenceMs } from '../sql/connection/silence.ts';
import { databaseServerFields } from '../sql/definition.ts';

/** The fields of a DataSource's `mysql` object. */
export const schema = z.strictObject(databaseServerFields(3_306));
type MysqlConfig = z.infer<typeof schema>;

/** Fills in defaults. */
export function readConfig(given: Readonly<Record<string, unknown>>): MysqlConfig {
  return schema.parse(given);
}

/** How to log in: driver options, and how the session is set up. */
export interface Login {
  readonly driver: ConnectionOptions;
  /** Prefer: a server without TLS is used in plain text. */
  readonly isTlsOptional: boolean;
  /** While an answer is awaited, the connection is closed if the server sends nothing for this long. */
  readonly silenceMs: number;
  /** `team-a/shop (db:3306/shop)`, for messages. */
  readonly where: string;
  /** `namespace/name`. */
  readonly dataSource: string;
  /** `db:3306`: the server whose connections are counted. */
  readonly server: string;
  /** Server and user. Sessions with the same key see the same transactions. */
  readonly visibilityKey: string;
  /** Time limit for opening a session and setting it up. */
  readonly openTimeoutMs: number;
  /** The password rule for a connection with or without TLS. */
  readonly rule: (isTls: boolean) => PasswordRule;
  /** `SET SESSION` assignments from the user's configuration. */
  readonly settings: readonly string[];
}

/** Session settings that a user may set. Idra sets all others, because reading depends on them. Values are integers. */
const sessionSettings = [
  'innodb_lock_wait_timeout',
  'join_buffer_size',
  'lock_wait_timeout',
  'read_buffer_size',
  'sort_buffer_size',
  'tmp_table_size',
];
const connectTimeoutSetting = 'connect_timeout';
const socketTimeoutSetting = 'socket_timeout';
/** Settings of the driver and of Idra, in seconds. */
const ownSettings = [connectTimeoutSetting, socketTimeoutSetting];
const defaultConnectTimeoutMs = 10_000;

export function readLogin(access: SystemAccess): Login {
  const config = readConfig(access.config);
  const parameters = readParameters(config);
  const timeout = parameters.get(connectTimeoutSetting);
  const silence = parameters.get(socketTimeoutSetting);
  const openTimeoutMs = timeout === undefined ? defaultConnectTimeoutMs : Number(timeout) * 1_000;
  const ssl = tlsOptions(config, access);
  const where = `${access.dataSource} (${config.host}:${config.port}/${config.database})`;
  return {
    driver: {
      ...endpoint(config),
      database: config.database,
      user: config.user,
      password: access.secret('password')?.reveal() ?? '',
      connectTimeout: openTimeoutMs,
      ...(ssl && { ssl }),
    },
    openTimeoutMs,
    isTlsOptional: config.tls.mode === 'Prefer',
    silenceMs: silence === undefined ? defaultSilenceMs : Number(silence) * 1_000,
    where,
    dataSource: access.dataSource,
    rule: (isTls) => passwordRule(config, access, isTls, where),
    server: `${config.host}:${config.port}`,
    visibilityKey: JSON.stringify([config.host, config.port, config.user]),
    settings: [...parameters]
      .filter(([name]) => !ownSettings.includes(name))
      .map(([name, value]) => `${name} = ${value}`),
  };
}

function passwordRule(
  config: MysqlConfig,
  access: SystemAccess,
  isTls: boolean,
  where: string,
): PasswordRule {
  const isVerified = isServerVerified(config.tls.mode, access.secret('tls.ca') !== undefined);
  return {
    type: 'mysql',
    where,
    channel: channelOf(config.host, isTls, isVerified),
    tlsMode: config.tls.mode,
    isAllowed: config.allowCleartextPassword,
    hasPassword: (access.secret('password')?.reveal() ?? '') !== '',
  };
}

/**
 * Given an IP address, the driver would check the certificate for `localhost`. With a trailing dot, which names may have, the certificate
 * is checked for the address itself.
 */
function endpoint({ host, port, tls }: MysqlConfig): ConnectionOptions {
  if (host.startsWith('/')) return { socketPath: host };
  if (tls.mode !== 'VerifyFull' || isIP(host) === 0) return { host, port };
  return { host: `${host}.`, port, stream: () => connectSocket(port, host) };
}

function readParameters(config: MysqlConfig): ReadonlyMap<string, string> {
  const known = [...ownSettings, ...sessionSettings];
  for (const [name, value] of Object.entries(config.parameters ?? {})) {
    const path = `spec.mysql.parameters.${name}`;
    if (!known.includes(name)) {
      throw permanent('ParameterUnknown', `MySQL setting ${name} cannot be set here`, {
        path,
        fix: `known are: ${known.join(', ')}`,
      });
    }
    const isTime = ownSettings.includes(name);
    if (!(isTime ? /^[1-9]\d{0,5}$/ : /^\d{1,12}$/).test(value)) {
      const what = isTime ? 'a number of seconds above 0' : 'an integer';
      throw permanent('ParameterInvalid', `MySQL setting ${name} is ${what}`, {
        path,
        fix: 'write it as a number',
      });
    }
  }
  return new Map(Object.entries(config.parameters ?? {}));
}

/** The modes are defined as in MySQL's own client. As in libpq, Require with a given CA verifies the certificate. */
function tlsOptions({ tls }: MysqlConfig, access: SystemAccess): SslOptions | undefined {
  if (tls.mode === 'Disable') return undefined;
  const [ca, cert, key] = ['tls.ca', 'tls.cert', 'tls.key'].map((path) => access.secret(path)?.reveal());
  const isVerified =
    tls.mode === 'VerifyCA' || tls.mode === 'VerifyFull' || (tls.mode === 'Require' && ca !== undefined);
  return {
    rejectUnauthorized: isVerified,
    verifyIdentity: tls.mode === 'VerifyFull',
    ...(ca !== undefined && { ca }),
    ...(cert !== undefined && { cert }),
    ...(key !== undefined && { key }),
  };
}
