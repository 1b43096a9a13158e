import { connect as connectSocket } from 'node:net';
import type { ConnectionOptions } from 'node:tls';
import type { SystemAccess } from '../../core/connector.ts';
import { permanent } from '../../core/errors.ts';
import {
  channelOf,
  isServerVerified,
  type PasswordRule,
  type TlsMode,
} from '../sql/connection/password-rule.ts';

/** The DataSource's `postgres` object after validation by its schema. */
export interface PostgresConfig {
  readonly host: string;
  readonly port: number;
  readonly database: string;
  readonly user: string;
  readonly tlsMode: TlsMode;
  readonly allowCleartextPassword: boolean;
  readonly parameters: Readonly<Record<string, string>>;
}

/** Session settings that a user may set. Idra sets all others, because reading depends on them. */
export const knownParameters = [
  'connect_timeout',
  'keepalives_idle',
  'role',
  'search_path',
  'socket_timeout',
  'work_mem',
] as const;

const secondsParameters: readonly string[] = ['connect_timeout', 'keepalives_idle', 'socket_timeout'];

const tlsModes: readonly string[] = ['Disable', 'Prefer', 'Require', 'VerifyCA', 'VerifyFull'];

export function readConfig(access: SystemAccess): PostgresConfig {
  const { config } = access;
  const tls = isRecord(config.tls) ? config.tls : {};
  return {
    host: text(config.host, 'localhost'),
    port: typeof config.port === 'number' ? config.port : 5432,
    database: text(config.database, 'postgres'),
    user: text(config.user, 'postgres'),
    tlsMode: isTlsMode(tls.mode) ? tls.mode : 'Prefer',
    allowCleartextPassword: config.allowCleartextPassword === true,
    parameters: readParameters(config.parameters),
  };
}

function readParameters(given: unknown): Record<string, string> {
  if (!isRecord(given)) return {};
  const known: readonly string[] = knownParameters;
  for (const name of Object.keys(given)) {
    if (known.includes(name)) continue;
    throw permanent('ParameterUnknown', `PostgreSQL parameter ${name} cannot be set here`, {
      path: `spec.postgres.parameters.${name}`,
      fix: `known are: ${known.join(', ')}`,
    });
  }
  const texts = Object.entries(given).map(([name, value]): [string, string] => [name, String(value)]);
  for (const [name, value] of texts) {
    if (!secondsParameters.includes(name) || /^[1-9]\d{0,5}$/.test(value)) continue;
    throw permanent('ParameterInvalid', `PostgreSQL parameter ${name} must be a number of seconds above 0`, {
      path: `spec.postgres.parameters.${name}`,
      fix: 'write it as a number',
    });
  }
  return Object.fromEntries(texts);
}

/** A parameter in seconds, converted to milliseconds. */
export function seconds(text: string | undefined): number | undefined {
  return text === undefined ? undefined : Number(text) * 1000;
}

function text(value: unknown, otherwise: string): string {
  return typeof value === 'string' ? value : otherwise;
}

function isTlsMode(value: unknown): value is TlsMode {
  return typeof value === 'string' && tlsModes.includes(value);
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** The modes as libpq defines them. */
export async function tlsOptions(
  config: PostgresConfig,
  access: SystemAccess,
  timeoutMs: number,
  signal: AbortSignal,
): Promise<false | ConnectionOptions> {
  const mode = config.tlsMode;
  if (mode === 'Disable') return false;
  const isOffered = await offersTls(config, timeoutMs, signal);
  if (mode === 'Prefer' && !isOffered) return false;
  if (isOffered === false) {
    throw permanent(
      'TlsNotOffered',
      `PostgreSQL ${config.host}:${config.port} (${access.dataSource}) offers no TLS`,
      {
        path: 'spec.postgres.tls.mode',
        fix: 'turn on ssl at the server, or set tls.mode to Prefer or Disable',
      },
    );
  }
  const [ca, cert, key] = ['tls.ca', 'tls.cert', 'tls.key'].map((path) => access.secret(path)?.reveal());
  const isVerified = mode === 'VerifyCA' || mode === 'VerifyFull' || (mode === 'Require' && ca !== undefined);
  return {
    rejectUnauthorized: isVerified,
    ...(ca !== undefined && { ca }),
    ...(cert !== undefined && { cert }),
    ...(key !== undefined && { key }),
    ...(mode !== 'VerifyFull' && { checkServerIdentity: () => undefined }),
  };
}

export function passwordRule(
  { host, tlsMode, allowCleartextPassword }: PostgresConfig,
  access: SystemAccess,
  ssl: false | ConnectionOptions,
  where: string,
): PasswordRule {
  const isVerified = isServerVerified(tlsMode, access.secret('tls.ca') !== undefined);
  return {
    type: 'postgres',
    where,
    channel: channelOf(host, ssl !== false, isVerified),
    tlsMode,
    isAllowed: allowCleartextPassword,
    hasPassword: (access.secret('password')?.reveal() ?? '') !== '',
  };
}

/**
 * PostgreSQL's SSLRequest, sent beforehand because the driver cannot continue in plain text after a refusal. Undefined if the server is
 * not reachable, which gives an error of its own later.
 */
async function offersTls(
  config: PostgresConfig,
  timeoutMs: number,
  signal: AbortSignal,
): Promise<boolean | undefined> {
  signal.throwIfAborted();
  return await new Promise((resolve) => {
    const socket = connectSocket(config.port, config.host);
    const finish = (offers: boolean | undefined) => {
      signal.removeEventListener('abort', stop);
      socket.destroy();
      resolve(offers);
    };
    const stop = () => finish(undefined);
    signal.addEventListener('abort', stop, { once: true });
    socket.setTimeout(timeoutMs, stop);
    socket.once('connect', () => socket.write(Buffer.from('0000000804d2162f', 'hex')));
    socket.once('data', (answer) => finish(answer[0] === 0x53));
    socket.once('error', stop);
    socket.once('close', stop);
  });
}
