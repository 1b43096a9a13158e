import { type ErrorClass, tlsFailure } from '../../core/error-class.ts';
import { type Disposition, IdraError, permanent } from '../../core/errors.ts';
import { lookUp } from '../../core/look-up.ts';

const later: Disposition = 'transient';
const never: Disposition = 'permanent';

const wrongKeys: ErrorClass = {
  code: 'AuthenticationFailed',
  disposition: never,
  path: 'spec.s3.secretAccessKeySecretRef',
  fix: 'check accessKeyIdSecretRef and secretAccessKeySecretRef',
};
const denied: ErrorClass = { code: 'PermissionDenied', disposition: never };
const overloaded: ErrorClass = { code: 'ServerOverloaded', disposition: later };
const failed: ErrorClass = { code: 'ServerFailed', disposition: later };
const wrongRegion: ErrorClass = {
  code: 'RegionWrong',
  disposition: never,
  path: 'spec.s3.region',
  fix: 'set region to that of the bucket',
};

/** By the code in the server's answer. */
const byName: Readonly<Record<string, ErrorClass>> = {
  NoSuchBucket: {
    code: 'BucketNotFound',
    disposition: never,
    path: 'spec.s3.bucket',
    fix: 'check the name, or create the bucket',
  },
  InvalidAccessKeyId: { ...wrongKeys, path: 'spec.s3.accessKeyIdSecretRef' },
  SignatureDoesNotMatch: wrongKeys,
  ExpiredToken: { ...wrongKeys, disposition: later },
  InvalidToken: wrongKeys,
  TokenRefreshRequired: { ...wrongKeys, disposition: later },
  AccessDenied: denied,
  AllAccessDisabled: denied,
  AccountProblem: denied,
  SlowDown: overloaded,
  ServiceUnavailable: overloaded,
  InternalError: failed,
  OperationAborted: failed,
  ConditionalRequestConflict: failed,
  RequestTimeout: { code: 'SystemTimeout', disposition: later },
  RequestTimeTooSkewed: {
    code: 'ClockSkewed',
    disposition: later,
    fix: 'synchronize the clock of the machine',
  },
  PermanentRedirect: wrongRegion,
  AuthorizationHeaderMalformed: wrongRegion,
  IllegalLocationConstraintException: wrongRegion,
  InvalidBucketName: {
    code: 'BucketNotFound',
    disposition: never,
    path: 'spec.s3.bucket',
    fix: 'correct the name',
  },
};

/** By status, where an answer has no code: that of a HEAD has no body. */
const byStatus: Readonly<Record<string, ErrorClass>> = {
  301: wrongRegion,
  307: wrongRegion,
  401: wrongKeys,
  403: denied,
  408: { code: 'SystemTimeout', disposition: later },
  409: failed,
  429: overloaded,
  500: failed,
  502: failed,
  503: overloaded,
  504: failed,
};

const unreachable: ErrorClass = {
  code: 'HostUnreachable',
  disposition: later,
  path: 'spec.s3.endpoint',
  fix: 'check endpoint and region, and that the network of the agents reaches them',
};
const lost: ErrorClass = { code: 'ConnectionLost', disposition: later };
/** By the code of a socket of Node. */
const bySocket: Readonly<Record<string, ErrorClass>> = {
  ECONNREFUSED: unreachable,
  ENOTFOUND: unreachable,
  EAI_AGAIN: unreachable,
  EHOSTUNREACH: unreachable,
  ENETUNREACH: unreachable,
  ETIMEDOUT: { code: 'SystemTimeout', disposition: later },
  ECONNRESET: lost,
  EPIPE: lost,
  ERR_STREAM_PREMATURE_CLOSE: lost,
};

interface DriverError {
  readonly name?: string;
  readonly code?: string;
  readonly $metadata?: { readonly httpStatusCode?: number };
}

export function causeOf(thrown: unknown): unknown {
  return thrown instanceof Error ? thrown.cause : undefined;
}

/** Status of the server's answer; undefined: it did not answer. */
export function statusOf(thrown: unknown): number | undefined {
  return (thrown as DriverError | undefined)?.$metadata?.httpStatusCode;
}

export const isMissing = (thrown: unknown): boolean =>
  statusOf(thrown) === 404 && (thrown as DriverError).name !== 'NoSuchBucket';

/** If-Match or If-None-Match was not true. */
export const isOtherVersion = (thrown: unknown): boolean =>
  statusOf(thrown) === 412 || (thrown as DriverError | undefined)?.name === 'PreconditionFailed';

/** Keys that AWS has, and servers that store objects as files have not: `a//b`, `../a`, names of more than 255 bytes. */
export const isNameRefused = (thrown: unknown): boolean =>
  ['KeyTooLongError', 'XMinioInvalidObjectName', 'XMinioInvalidResourceName'].includes(
    (thrown as DriverError | undefined)?.name ?? '',
  );

/** Another conditional write of this key was under way at the same moment. */
export const isConflict = (thrown: unknown): boolean =>
  statusOf(thrown) === 409 || (thrown as DriverError | undefined)?.name === 'ConditionalRequestConflict';

/** What the driver threw, as an error of Idra. Messages contain the server's code, never its text: it may quote a request. */
export function toIdraError(thrown: unknown, where: string, action: string): IdraError {
  if (thrown instanceof IdraError) return thrown;
  if ((thrown as DriverError | undefined)?.name === 'CredentialsProviderError')
    return permanent('CredentialsMissing', `${where}: the process has no identity of its own`, {
      path: 'spec.s3.accessKeyIdSecretRef',
      fix: 'set accessKeyIdSecretRef and secretAccessKeySecretRef, or give the pods of the agents an identity',
      cause: thrown,
    });
  const { name = 'an error without a name', code = '' } = (thrown ?? {}) as DriverError;
  const tls = tlsError(code, `${where}: ${action}`, thrown);
  if (tls) return tls;
  const status = statusOf(thrown);
  const found =
    lookUp(byName, name) ??
    lookUp(bySocket, code) ??
    (name === 'TimeoutError' ? lookUp(byStatus, '408') : undefined) ??
    lookUp(byStatus, String(status));
  const answer = status === undefined ? code || name : `${name}, status ${status}`;
  const { code: ours, disposition, path, fix } = found ?? unknown(status);
  return new IdraError({
    code: ours,
    disposition,
    message: `${where}: ${action} failed (${answer})`,
    path,
    fix,
    cause: thrown,
  });
}

function tlsError(code: string, where: string, thrown: unknown): IdraError | undefined {
  const error = tlsFailure(code, where, 'spec.s3.caSecretRef', thrown);
  if (error?.code === 'CertificateUntrusted')
    return error.with({
      fix: 'set caSecretRef to the authority that signed the certificate of the endpoint, or an endpoint that the certificate names',
    });
  if (error?.code !== 'TlsRefused') return error;
  return error.with({
    path: 'spec.s3.endpoint',
    fix: 'use an endpoint that accepts TLS 1.2 or 1.3 without a client certificate',
  });
}

function unknown(status: number | undefined): ErrorClass {
  return status === undefined ? lost : { code: 'ServerError', disposition: status >= 500 ? later : never };
}

/** Names the object and the position in it. */
export function objectDamaged(where: string, key: string, what: string, cause?: unknown): IdraError {
  return permanent('ObjectDamaged', `${where}: ${key}: ${what}`, {
    path: 'spec.source.format',
    fix: 'correct format, compression or csv of the source, or replace the object',
    cause,
  });
}
