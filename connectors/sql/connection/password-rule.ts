import { type Finding, permanent } from '../../../core/errors.ts';

export type TlsMode = 'Disable' | 'Prefer' | 'Require' | 'VerifyCA' | 'VerifyFull';

/** What prevents others from reading the data, and from impersonating the server (`verified` and `socket` only). */
export type Channel = 'socket' | 'verified' | 'encrypted' | 'plain';

/** When the password itself may be sent, as opposed to a proof of it. */
export interface PasswordRule {
  readonly type: 'postgres' | 'mysql' | 'sqlserver' | 'kafka' | 'mongodb';
  /** The system with its DataSource, for messages. */
  readonly where: string;
  readonly channel: Channel;
  readonly tlsMode: TlsMode;
  /** `allowCleartextPassword` of the DataSource. */
  readonly isAllowed: boolean;
  readonly hasPassword: boolean;
}

/** Whether another server's certificate would be refused: VerifyCA without a CA trusts certificates signed by any public CA. */
export function isServerVerified(mode: TlsMode, hasAuthority: boolean): boolean {
  return mode === 'VerifyFull' || ((mode === 'VerifyCA' || mode === 'Require') && hasAuthority);
}

export function channelOf(host: string, isTls: boolean, isVerified: boolean): Channel {
  if (host.startsWith('/')) return 'socket';
  if (!isTls) return 'plain';
  return isVerified ? 'verified' : 'encrypted';
}

/**
 * Throws if the password itself must not be sent. `asked`: what the server requests, for the message. `isUsual`: every server of its kind
 * requests it inside TLS, so that Prefer is enough. Otherwise only an impostor needs to request it, and TLS must be required.
 */
export function requireConfidential(rule: PasswordRule, asked: string, isUsual = false): void {
  const { type, where, channel, tlsMode } = rule;
  if (!rule.hasPassword || rule.isAllowed || channel === 'socket' || channel === 'verified') return;
  if (channel === 'encrypted' && (isUsual || tlsMode !== 'Prefer')) return;
  const why =
    channel === 'plain'
      ? 'the connection has no TLS'
      : 'with tls.mode Prefer the server decides about TLS, and its certificate is not verified';
  throw permanent(
    'CleartextPasswordRefused',
    `${where}: the server asks for the password itself (${asked}), and ${why}; it was not sent`,
    {
      path: `spec.${type}.tls.mode`,
      fix: `set tls.mode to VerifyFull, with tls.caSecretRef if the authority is not public; or, if nobody else can listen or answer, set spec.${type}.allowCleartextPassword to true`,
    },
  );
}

/** Reports if an impostor could obtain the password. `isUsual` as above. */
export function passwordFindings(rule: PasswordRule, isUsual: boolean): Finding[] {
  const { type, channel, tlsMode } = rule;
  if (!rule.hasPassword || channel === 'socket' || channel === 'verified') return [];
  const isSent = rule.isAllowed || (channel === 'encrypted' && (isUsual || tlsMode !== 'Prefer'));
  if (!isSent) return [];
  const how =
    channel === 'plain' ? 'without TLS' : `through TLS whose certificate tls.mode ${tlsMode} does not verify`;
  return [
    {
      severity: 'warning',
      code: 'ServerNotVerified',
      path: `spec.${type}.tls.mode`,
      message: `the password is sent ${how} when the server asks for it: an impostor would receive it`,
      fix: 'set tls.mode to VerifyFull, with tls.caSecretRef if the authority is not public',
    },
  ];
}
