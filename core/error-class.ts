import type { ErrorCode } from './error-codes.ts';
import { type Disposition, IdraError, permanent, transient } from './errors.ts';

/** How an error code of a server or driver is reported to a user. */
export interface ErrorClass {
  readonly code: ErrorCode;
  readonly disposition: Disposition;
  readonly path?: string;
  readonly fix?: string;
  /** Replaces the server's text if that may contain row data, which must not appear in a status or log. */
  readonly text?: string;
}

export function errorOf(
  { code, disposition, path, fix }: ErrorClass,
  message: string,
  cause: unknown,
): IdraError {
  return new IdraError({ code, disposition, message, path, fix, cause });
}

/** Codes of Node's sockets. `fields` is the object of the DataSource that has the server's address: `spec.mysql`. */
export function socketErrors(fields: string): Readonly<Record<string, ErrorClass>> {
  const lost: ErrorClass = { code: 'ConnectionLost', disposition: 'transient' };
  const unreachable: ErrorClass = {
    code: 'HostUnreachable',
    disposition: 'transient',
    path: `${fields}.host`,
    fix: 'check host and port, and that the server is running',
  };
  return {
    ECONNREFUSED: unreachable,
    ENOTFOUND: { ...unreachable, fix: 'check the host: its name cannot be resolved' },
    EAI_AGAIN: unreachable,
    EHOSTUNREACH: unreachable,
    ENETUNREACH: unreachable,
    ETIMEDOUT: unreachable,
    ENOENT: unreachable,
    ECONNRESET: lost,
    EPIPE: lost,
  };
}

/** Node's codes for a certificate that does not verify. */
const untrusted = new Set([
  'SELF_SIGNED_CERT_IN_CHAIN',
  'DEPTH_ZERO_SELF_SIGNED_CERT',
  'UNABLE_TO_VERIFY_LEAF_SIGNATURE',
  'UNABLE_TO_GET_ISSUER_CERT_LOCALLY',
  'UNABLE_TO_GET_ISSUER_CERT',
  'CERT_HAS_EXPIRED',
  'CERT_NOT_YET_VALID',
  'ERR_TLS_CERT_ALTNAME_INVALID',
]);

/** What Node and OpenSSL report of TLS, by its code; undefined: something else. `path`: the tls object of the DataSource. */
export function tlsFailure(code: string, where: string, path: string, cause: unknown): IdraError | undefined {
  if (untrusted.has(code)) {
    return permanent('CertificateUntrusted', `${where}: the server's certificate is not trusted (${code})`, {
      path,
      fix: 'set tls.caSecretRef to the authority that signed it, or a host that the certificate names',
      cause,
    });
  }
  if (!code.startsWith('ERR_SSL_')) return undefined;
  // OpenSSL's name of an alert, which is the server's answer: ERR_SSL_TLSV13_ALERT_CERTIFICATE_REQUIRED.
  if (!code.includes('_ALERT_'))
    return transient('ConnectionLost', `${where}: the encrypted connection has failed (${code})`, { cause });
  return permanent('TlsRefused', `${where}: the server has refused the TLS connection (${code})`, {
    path,
    fix: 'if the server requires a client certificate, set tls.certSecretRef and tls.keySecretRef to one that it trusts',
    cause,
  });
}

/** A server has sent what its protocol does not allow. */
export function protocolError(where: string, thrown: unknown): IdraError {
  if (thrown instanceof IdraError) return thrown;
  const text = thrown instanceof Error ? thrown.message : String(thrown);
  return permanent('ProtocolBroken', `${where}: the server violates its protocol: ${text}`, {
    fix: 'check that host and port belong to a server of this type, and that no proxy changes its traffic',
    cause: thrown,
  });
}
