import type { z } from 'zod';
import { boundedText } from '../../core/bounded-text.ts';
import type { ErrorCode } from '../../core/error-codes.ts';
import { describeError, type Finding, IdraError, permanent } from '../../core/errors.ts';
import { FieldsOwned } from '../../fleet/field-owners.ts';

/** The HTTP status of each error that is not decided by its disposition. */
const statuses: Partial<Readonly<Record<ErrorCode, number>>> = {
  AccessDenied: 403,
  AgentNotFound: 404,
  AuditNotWritten: 503,
  BodyTooLarge: 413,
  Conflict: 409,
  CrossSiteRequest: 403,
  DataSourceInUse: 409,
  DataSourceNotFound: 404,
  EtcdPermissionDenied: 500,
  FieldOwnedElsewhere: 409,
  EtcdAuthenticationFailed: 500,
  KubernetesAlreadyExists: 409,
  KubernetesConflict: 409,
  KubernetesForbidden: 403,
  KubernetesNotFound: 404,
  KubernetesUnauthorized: 500,
  LastAdmin: 409,
  LoginFailed: 401,
  LoginThrottled: 429,
  NotOfferedHere: 409,
  NotSignedIn: 401,
  PasswordChangeNeeded: 403,
  RequestMalformed: 400,
  RequestRefused: 409,
  RouteNotFound: 404,
  SecretNotOurs: 409,
  SyncNotFound: 404,
  TokenNotFound: 404,
  UserExists: 409,
  UserNotFound: 404,
  VersionChanged: 412,
  VersionNeeded: 428,
};

/** An error with several findings, such as all that is wrong with a manifest. */
export class FindingsError extends IdraError {
  readonly findings: readonly Finding[];
  constructor(code: ErrorCode, findings: readonly Finding[]) {
    super({ code, disposition: 'permanent', message: findings.map(describeError).join('; ') });
    this.findings = findings;
  }
}

/** RFC 9457, with the fields of a Finding. */
export interface Problem {
  readonly type: string;
  readonly title: string;
  readonly status: number;
  readonly detail: string;
  readonly code: string;
  readonly path?: string;
  readonly fix?: string;
  readonly findings: readonly Finding[];
  /** Of the request, as in the log. */
  readonly instance: string;
}

export function statusOf(error: IdraError): number {
  return statuses[error.code] ?? { transient: 503, permanent: 422, fenced: 409, bug: 500 }[error.disposition];
}

export function problemOf(error: IdraError, requestId: string): Problem {
  const isBug = error.disposition === 'bug';
  return {
    type: `urn:idra:error:${error.code}`,
    title: error.code,
    status: statusOf(error),
    // The text of an unexpected error may contain anything.
    detail: isBug ? 'an unexpected error; the log of the API server has it' : boundedText(error.message),
    code: error.code,
    ...(error.path !== undefined && !isBug && { path: error.path }),
    ...(error.fix !== undefined && { fix: error.fix }),
    findings: isBug ? [] : findingsOf(error),
    instance: requestId,
  };
}

function findingsOf(error: IdraError): readonly Finding[] {
  if (error instanceof FindingsError) return error.findings;
  const { code, message, path, fix } = error;
  if (error instanceof FieldsOwned) {
    return error.conflicts.map(({ path: field, manager }) => ({
      severity: 'error',
      code,
      path: field,
      message: `set by ${manager}`,
      fix,
    }));
  }
  return [{ severity: 'error', code, message, path, fix }];
}

/** `what`: `query`, `body` or `path`. Throws a FindingsError with RequestMalformed. */
export function parsePart<T extends z.ZodType>(schema: T, value: unknown, what: string): z.output<T> {
  const parsed = schema.safeParse(value);
  if (parsed.success) return parsed.data;
  const findings = parsed.error.issues.flatMap((issue): Finding[] => {
    const at = issue.path.map(String).join('.');
    const keys = issue.code === 'unrecognized_keys' ? issue.keys : [];
    const paths = keys.length > 0 ? keys.map((key) => (at === '' ? key : `${at}.${key}`)) : [at];
    return paths.map((path) => ({
      severity: 'error',
      code: 'RequestMalformed',
      message: `${what}: ${boundedText(issue.message, 300)}`,
      ...(path !== '' && { path: boundedText(path, 200) }),
    }));
  });
  throw new FindingsError('RequestMalformed', findings);
}

/** An error of the framework: a body that is not JSON, too large, of another type. */
export function asRequestError(thrown: unknown): IdraError | undefined {
  if (!(thrown instanceof Error) || !('statusCode' in thrown) || !('code' in thrown)) return undefined;
  if (thrown.code === 'FST_ERR_CTP_BODY_TOO_LARGE')
    return permanent('BodyTooLarge', 'the body has more than 1 MiB');
  if (typeof thrown.statusCode !== 'number' || thrown.statusCode >= 500) return undefined;
  const texts: Readonly<Record<string, string>> = {
    FST_ERR_CTP_INVALID_MEDIA_TYPE: 'the body must be application/json',
    FST_ERR_CTP_EMPTY_JSON_BODY: 'the body is empty',
    FST_ERR_CTP_INVALID_JSON_BODY: 'the body is not JSON',
  };
  return permanent('RequestMalformed', texts[String(thrown.code)] ?? 'the request is not valid HTTP or JSON');
}
