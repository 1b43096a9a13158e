import type { ErrorCode } from '../../core/error-codes.ts';
import { type Disposition, IdraError, permanent } from '../../core/errors.ts';

/** What a server's or a driver's code says to a user. */
export interface ErrorClass {
  readonly code: ErrorCode;
  readonly disposition: Disposition;
  readonly path?: string;
  readonly mend?: string;
  /** In place of the server's text, which may hold row data: that goes into no status and no log. */
  readonly text?: string;
}

export function errorOf(
  { code, disposition, path, mend }: ErrorClass,
  message: string,
  cause: unknown,
): IdraError {
  return new IdraError({ code, disposition, message, path, mend, cause });
}

export const raisedByTrigger = {
  code: 'RaisedByTrigger',
  disposition: 'permanent',
  text: 'a trigger or function of the database has refused it',
  mend: "the server's log has the text of the error; correct the rows, or the trigger",
} as const satisfies ErrorClass;

/** Codes of Node's sockets. `fields` is the object of the DataSource that says where the server is: `spec.mysql`. */
export function socketErrors(fields: string): Readonly<Record<string, ErrorClass>> {
  const lost: ErrorClass = { code: 'ConnectionLost', disposition: 'transient' };
  const unreachable: ErrorClass = {
    code: 'HostUnreachable',
    disposition: 'transient',
    path: `${fields}.host`,
    mend: 'check host and port, and that the server runs',
  };
  return {
    ECONNREFUSED: unreachable,
    ENOTFOUND: { ...unreachable, mend: 'check the host: its name is not known here' },
    EAI_AGAIN: unreachable,
    EHOSTUNREACH: unreachable,
    ENETUNREACH: unreachable,
    ETIMEDOUT: unreachable,
    ENOENT: unreachable,
    ECONNRESET: lost,
    EPIPE: lost,
  };
}

/** Node's codes of a certificate that does not verify. */
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

export function isUntrusted(code: string): boolean {
  return untrusted.has(code);
}

export function certificateUntrusted(code: string, where: string, path: string, cause: unknown): IdraError {
  return permanent('CertificateUntrusted', `${where}: the server's certificate is not trusted (${code})`, {
    path,
    mend: 'set tls.caSecretRef to the authority that signed it, or a host that the certificate names',
    cause,
  });
}
