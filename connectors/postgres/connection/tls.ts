import { connect as connectSocket } from 'node:net';
import type { ConnectionOptions } from 'node:tls';
import type { SystemAccess } from '../../../core/connector.ts';
import { permanent } from '../../../core/errors.ts';
import { channelOf, isServerVerified, type PasswordRule } from '../../sql/connection/password-rule.ts';
import type { PostgresConfig } from '../config.ts';

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
        mend: 'turn on ssl at the server, or set tls.mode to Prefer or Disable',
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
 * PostgreSQL's SSLRequest, asked beforehand: the driver cannot go on in plain text on a refusal. Undefined: the server is not reached,
 * which has its own error later.
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
