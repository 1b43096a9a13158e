import { type Finding, permanent } from '../../../core/errors.ts';

export type TlsMode = 'Disable' | 'Prefer' | 'Require' | 'VerifyCA' | 'VerifyFull';

/** What keeps others from reading what is sent, and from answering in the server's place (`verified` and `socket` alone). */
export type Channel = 'socket' | 'verified' | 'encrypted' | 'plain';

/** When the password itself may be sent, as against a proof that one knows it. */
export interface PasswordRule {
  readonly type: 'postgres' | 'mysql';
  /** The system with its DataSource, for messages. */
  readonly where: string;
  readonly channel: Channel;
  readonly tlsMode: TlsMode;
  /** `allowCleartextPassword` of the DataSource. */
  readonly isAllowed: boolean;
  readonly hasPassword: boolean;
}

/** Whether a certificate of somebody else would be refused: VerifyCA without an authority trusts whatever any public one has signed. */
export function isServerVerified(mode: TlsMode, hasAuthority: boolean): boolean {
  return mode === 'VerifyFull' || ((mode === 'VerifyCA' || mode === 'Require') && hasAuthority);
}

export function channelOf(host: string, isTls: boolean, isVerified: boolean): Channel {
  if (host.startsWith('/')) return 'socket';
  if (!isTls) return 'plain';
  return isVerified ? 'verified' : 'encrypted';
}

/**
 * Throws where the password itself must not be sent. `asked`: what the server wants, for the message. `isUsual`: every server of its kind
 * asks for it inside TLS, so that Prefer is enough; otherwise only who answers in a server's place has to ask, and TLS must be required.
 */
export function requireConfidential(rule: PasswordRule, asked: string, isUsual = false): void {
  const { type, where, channel, tlsMode } = rule;
  if (!rule.hasPassword || rule.isAllowed || channel === 'socket' || channel === 'verified') return;
  if (channel === 'encrypted' && (isUsual || tlsMode !== 'Prefer')) return;
  const why =
    channel === 'plain'
      ? 'the connection has no TLS'
      : 'with tls.mode Prefer the server decides about TLS, and its certificate is not looked at';
  throw permanent(
    'CleartextPasswordRefused',
    `${where}: the server asks for the password itself (${asked}), and ${why}; it was not sent`,
    {
      path: `spec.${type}.tls.mode`,
      mend: `set tls.mode to VerifyFull, with tls.caSecretRef where the authority is not a public one; or, where nobody else can listen or answer, set spec.${type}.allowCleartextPassword to true`,
    },
  );
}

/** Where whoever answers in the server's place would be sent the password. `isUsual` as above. */
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
      message: `the password is sent ${how} when the server asks for it: whoever answers in its place gets it`,
      mend: 'set tls.mode to VerifyFull, with tls.caSecretRef where the authority is not a public one',
    },
  ];
}
