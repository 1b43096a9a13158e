import type { SystemAccess } from '../../core/connector.ts';
import { permanent } from '../../core/errors.ts';
import type { TlsMode } from '../sql/connection/password-rule.ts';

/** The DataSource's `postgres` object, as its schema has validated it. */
export interface PostgresConfig {
  readonly host: string;
  readonly port: number;
  readonly database: string;
  readonly user: string;
  readonly tlsMode: TlsMode;
  readonly allowCleartextPassword: boolean;
  readonly parameters: Readonly<Record<string, string>>;
}

/** Settings of the session that a user may want; all else belongs to Idra, whose reading depends on it. */
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
    throw permanent('ParameterUnknown', `PostgreSQL parameter ${name} is not one that can be set here`, {
      path: `spec.postgres.parameters.${name}`,
      mend: `known are: ${known.join(', ')}`,
    });
  }
  const texts = Object.entries(given).map(([name, value]): [string, string] => [name, String(value)]);
  for (const [name, value] of texts) {
    if (!secondsParameters.includes(name) || /^[1-9]\d{0,5}$/.test(value)) continue;
    throw permanent('ParameterInvalid', `PostgreSQL parameter ${name} is a number of seconds above 0`, {
      path: `spec.postgres.parameters.${name}`,
      mend: 'write its digits',
    });
  }
  return Object.fromEntries(texts);
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
